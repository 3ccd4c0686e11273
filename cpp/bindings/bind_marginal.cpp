// _core.Marginal and the fits through it: the marginal posterior of the log standard deviations.

#include <mixed_glm/fit/choose.hpp>
#include <mixed_glm/parallel/thread_count.hpp>

#include "bound_model.hpp"
#include "python_monitor.hpp"

namespace py = pybind11;

namespace bind_marginal_detail {

using bound_model::BoundModel;
using mixed_glm::ConstVectorRef;
using mixed_glm::Index;
using mixed_glm::MarginalFit;
using mixed_glm::MarginalFitSettings;
using mixed_glm::Matrix;
using mixed_glm::PosteriorPoint;
using mixed_glm::Vector;
using python_monitor::watched;

py::tuple log_marginal(const BoundModel& bound, const ConstVectorRef& vcp,
                       const std::string& approx, Index leaf, Index n_quad, int n_jobs) {
  bound_model::check_length("vcp", vcp.size(), bound.design().components());
  const Vector psi = vcp;
  const auto result = watched(py::none(), [&](mixed_glm::Monitor* monitor) {
    mixed_glm::Team team(mixed_glm::thread_count(n_jobs));
    mixed_glm::NewtonSettings inner;
    inner.monitor = monitor;
    inner.team = &team;
    const auto marginal =
        mixed_glm::make_marginal(bound.model(), {approx, leaf, n_quad, true}, inner);
    if (!marginal->evaluate(psi)) throw std::runtime_error("the conditional mode was not found");
    return std::make_pair(marginal->log_density(), marginal->gradient(psi));
  });
  return py::make_tuple(result.first, result.second);
}

py::tuple choose(const BoundModel& bound, int n_jobs, const py::object& report) {
  const mixed_glm::Choice choice = watched(report, [&](mixed_glm::Monitor* monitor) {
    mixed_glm::Team team(mixed_glm::thread_count(n_jobs));
    return mixed_glm::choose(bound.model(), monitor, &team);
  });
  return py::make_tuple(choice.approximation.name, choice.approximation.leaf, choice.start);
}

MarginalFit fit_marginal(const BoundModel& bound, const ConstVectorRef& start,
                         const std::string& approx, Index leaf, Index n_quad, bool mean_correction,
                         const std::string& integrate, double tolerance, int max_iterations,
                         int n_jobs, const py::object& report) {
  bound_model::check_length("start", start.size(), bound.design().components());
  MarginalFitSettings settings;
  settings.integrate = mixed_glm::integrate_named(integrate);
  settings.mode.tolerance = tolerance;
  settings.mode.max_iterations = max_iterations;
  return watched(report, [&](mixed_glm::Monitor* monitor) {
    settings.mode.monitor = monitor;
    mixed_glm::Team team(mixed_glm::thread_count(n_jobs));
    const auto marginal =
        mixed_glm::make_marginal(bound.model(), {approx, leaf, n_quad, mean_correction},
                                 mixed_glm::marginal_newton_settings(monitor, &team));
    return mixed_glm::fit_marginal(*marginal, start, settings);
  });
}

// One row for each point.
template <class Member>
Matrix stack(const std::vector<PosteriorPoint>& points, Member member) {
  if (points.empty()) return {};
  Matrix rows(Index(points.size()), (points.front().*member).size());
  for (size_t i = 0; i < points.size(); ++i) rows.row(Index(i)) = (points[i].*member).transpose();
  return rows;
}

// Edges of a cell of the lattice of points, as columns; none where the points are no lattice.
std::optional<Matrix> cell(const MarginalFit& fit) {
  if (fit.grid_step == 0.0) return std::nullopt;
  return fit.grid_step * mixed_glm::WhitenedPsi(fit.mode.psi, fit.mode.precision).axes();
}

Vector log_densities(const MarginalFit& fit) {
  Vector values(Index(fit.posterior.points.size()));
  for (size_t i = 0; i < fit.posterior.points.size(); ++i) {
    values[Index(i)] = fit.posterior.points[i].log_density;
  }
  return values;
}

}  // namespace bind_marginal_detail

void bind_marginal(py::module_& m) {
  using namespace bind_marginal_detail;
  py::class_<MarginalFit>(m, "MarginalFit", py::module_local())
      .def_property_readonly("status",
                             [](const MarginalFit& f) { return mixed_glm::to_string(f.status); })
      .def_property_readonly("verdict",
                             [](const MarginalFit& f) { return to_string(mixed_glm::verdict(f)); })
      .def_property_readonly("has_posterior",
                             [](const MarginalFit& f) { return !f.posterior.points.empty(); })
      .def_property_readonly("converged", [](const MarginalFit& f) { return f.mode.converged; })
      .def_property_readonly("iterations", [](const MarginalFit& f) { return f.mode.iterations; })
      .def_readonly("passes", &MarginalFit::passes)
      .def_readonly("failed_points", &MarginalFit::failed_points)
      .def_readonly("fallbacks", &MarginalFit::fallbacks)
      .def_property_readonly("mode", [](const MarginalFit& f) { return f.mode.psi; })
      .def_property_readonly("mode_precision",
                             [](const MarginalFit& f) { return f.mode.precision; })
      .def_property_readonly("mode_axes",
                             [](const MarginalFit& f) {
                               return mixed_glm::WhitenedPsi(f.mode.psi, f.mode.precision).axes();
                             })
      .def_property_readonly("cell", &cell)
      .def_property_readonly("mode_log_density",
                             [](const MarginalFit& f) { return f.mode.log_density; })
      .def_property_readonly("mean", [](const MarginalFit& f) { return f.posterior.mean; })
      .def_property_readonly("sd", [](const MarginalFit& f) { return f.posterior.sd; })
      .def_property_readonly("skewness", [](const MarginalFit& f) { return f.posterior.skewness; })
      .def_property_readonly("fe_cov", [](const MarginalFit& f) { return f.posterior.fe_cov; })
      .def_property_readonly("log_evidence",
                             [](const MarginalFit& f) { return f.posterior.log_evidence; })
      .def_property_readonly("weights", [](const MarginalFit& f) { return f.posterior.weights; })
      .def_property_readonly(
          "points_vcp",
          [](const MarginalFit& f) { return stack(f.posterior.points, &PosteriorPoint::psi); })
      .def_property_readonly(
          "points_fe_mean",
          [](const MarginalFit& f) { return stack(f.posterior.points, &PosteriorPoint::fe_mean); })
      .def_property_readonly(
          "points_fe_sd",
          [](const MarginalFit& f) { return stack(f.posterior.points, &PosteriorPoint::fe_sd); })
      .def_property_readonly(
          "points_vc_mean",
          [](const MarginalFit& f) { return stack(f.posterior.points, &PosteriorPoint::vc_mean); })
      .def_property_readonly(
          "points_vc_sd",
          [](const MarginalFit& f) { return stack(f.posterior.points, &PosteriorPoint::vc_sd); })
      .def_property_readonly("points_vc_skewness",
                             [](const MarginalFit& f) {
                               return stack(f.posterior.points, &PosteriorPoint::vc_skewness);
                             })
      .def_property_readonly("points_log_density", &log_densities);

  m.attr("EP_N_QUAD") = mixed_glm::ep_n_quad;
  m.def("leaf_candidates",
        [](const BoundModel& bound) { return bound.design().single_components(); });
  m.def("default_leaf", [](const BoundModel& bound) { return bound.design().largest_single(); });
  m.def("choose", &choose, py::arg("model"), py::kw_only(), py::arg("n_jobs") = 1,
        py::arg("report") = py::none());
  m.def("log_marginal", &log_marginal, py::arg("model"), py::arg("vcp"), py::kw_only(),
        py::arg("approx") = "laplace", py::arg("leaf") = -1, py::arg("n_quad") = 0,
        py::arg("n_jobs") = 1);
  m.def("fit_marginal", &fit_marginal, py::arg("model"), py::arg("start"), py::kw_only(),
        py::arg("approx") = "laplace", py::arg("leaf") = -1, py::arg("n_quad") = 0,
        py::arg("mean_correction") = true, py::arg("integrate") = "auto",
        py::arg("tolerance") = mixed_glm::MarginalModeSettings().tolerance,
        py::arg("max_iterations") = mixed_glm::MarginalModeSettings().max_iterations,
        py::arg("n_jobs") = 1, py::arg("report") = py::none());
}
