// _core.Marginal and the fits through it: the marginal posterior of the log standard deviations.

#include <mixed_glm/fit/choose.hpp>
#include <mixed_glm/fit/marginal_driver.hpp>
#include <mixed_glm/parallel/thread_count.hpp>

#include "bound_model.hpp"
#include "part.hpp"
#include "python_monitor.hpp"

namespace py = pybind11;

namespace bind_marginal_detail {

using bound_model::BoundModel;
using mixed_glm::Approximation;
using mixed_glm::Choice;
using mixed_glm::ConstVectorRef;
using mixed_glm::Index;
using mixed_glm::MarginalFit;
using mixed_glm::MarginalMethod;
using mixed_glm::MarginalMode;
using mixed_glm::Matrix;
using mixed_glm::PosteriorPoint;
using mixed_glm::PosteriorSummary;
using mixed_glm::QuadratureReport;
using mixed_glm::RowMatrix;
using mixed_glm::Vector;
using python_monitor::watched;

py::tuple log_marginal(const BoundModel& bound, const Approximation& approximation,
                       const ConstVectorRef& vcp, int n_jobs) {
  bound_model::check_length("vcp", vcp.size(), bound.hyper());
  const Vector psi = vcp;
  const auto result = watched(py::none(), [&](mixed_glm::Monitor* monitor) {
    mixed_glm::Team team(mixed_glm::thread_count(n_jobs));
    mixed_glm::NewtonSettings inner;
    inner.monitor = monitor;
    inner.team = &team;
    const auto marginal = mixed_glm::make_marginal(bound.model(), approximation, inner);
    if (!marginal->evaluate(psi)) throw std::runtime_error("the conditional mode was not found");
    return std::make_pair(marginal->log_density(), marginal->gradient(psi));
  });
  return py::make_tuple(result.first, result.second);
}

// Passes on to whoever watches at the time.
class RelayMonitor final : public mixed_glm::Monitor {
 public:
  void watch_for(mixed_glm::Monitor* monitor) { monitor_ = monitor; }

 private:
  void look() override {
    if (monitor_ != nullptr) monitor_->step(progress().value);
  }
  mixed_glm::Monitor* monitor_ = nullptr;
};

// A choice, and what the approximation that has been evaluated views.
struct BoundChoice {
  explicit BoundChoice(int n_jobs) : team(mixed_glm::thread_count(n_jobs)) {}
  RelayMonitor monitor;
  mixed_glm::Team team;
  Choice choice;
};

std::unique_ptr<BoundChoice> choose(const BoundModel& bound, int n_jobs, const py::object& report) {
  return watched(report, [&](mixed_glm::Monitor* monitor) {
    auto found = std::make_unique<BoundChoice>(n_jobs);
    found->monitor.watch_for(monitor);
    found->choice = mixed_glm::choose(bound.model(), &found->monitor, &found->team);
    found->monitor.watch_for(nullptr);
    return found;
  });
}

// Once: what has been evaluated is used up.
MarginalFit fit_chosen(const BoundModel& bound, BoundChoice& found, const MarginalMethod& method,
                       const py::object& report) {
  return watched(report, [&](mixed_glm::Monitor* monitor) {
    const Choice choice = std::move(found.choice);
    found.choice = {choice.approximation, choice.start};
    found.monitor.watch_for(monitor);
    mixed_glm::MarginalFitSettings settings = method.settings;
    settings.mode.monitor = monitor;
    return mixed_glm::fit_chosen(bound.model(), choice, settings,
                                 mixed_glm::marginal_newton_settings(&found.monitor, &found.team));
  });
}

MarginalFit fit_marginal(const BoundModel& bound, const MarginalMethod& method, int n_jobs,
                         const py::object& report) {
  if (method.start.size() > 0) {
    bound_model::check_length("start", method.start.size(), bound.hyper());
  }
  return watched(report, [&](mixed_glm::Monitor* monitor) {
    mixed_glm::Team team(mixed_glm::thread_count(n_jobs));
    return mixed_glm::MarginalDriver(bound.model(), method, monitor, &team).fit();
  });
}

// One row for each point.
auto stacked(Vector PosteriorPoint::* member) {
  return [=](const MarginalFit& fit) {
    const std::vector<PosteriorPoint>& points = fit.posterior.points;
    RowMatrix rows(Index(points.size()), points.empty() ? 0 : (points.front().*member).size());
    for (size_t i = 0; i < points.size(); ++i) rows.row(Index(i)) = (points[i].*member).transpose();
    return rows;
  };
}

// Axes of psi about its mode, whitened by the precision there.
Matrix mode_axes(const MarginalFit& fit) {
  return mixed_glm::WhitenedPsi(fit.mode.psi, fit.mode.precision).axes();
}

// Edges of a cell of the lattice of points, as columns; none where the points are no lattice.
std::optional<Matrix> cell(const MarginalFit& fit) {
  if (fit.grid_step == 0.0) return std::nullopt;
  return fit.grid_step * mode_axes(fit);
}

// None where the points were not sampled with it.
std::optional<mixed_glm::RidgeShape> ridge(const MarginalFit& fit) {
  if (fit.ridge.profiles.empty()) return std::nullopt;
  return fit.ridge;
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
      .def_readonly("status", &MarginalFit::status)
      .def_readonly("reason", &MarginalFit::reason)
      .def_property_readonly("iterations", part(&MarginalFit::mode, &MarginalMode::iterations))
      .def_readonly("passes", &MarginalFit::passes)
      .def_readonly("failed_points", &MarginalFit::failed_points)
      .def_readonly("fallbacks", &MarginalFit::fallbacks)
      .def_readonly("integration", &MarginalFit::integration)
      .def_property_readonly("n_quad", part(&MarginalFit::quadrature, &QuadratureReport::nodes))
      .def_property_readonly("quadrature_error",
                             part(&MarginalFit::quadrature, &QuadratureReport::error))
      .def_property_readonly("ridge", &ridge)
      .def_property_readonly("mode", part(&MarginalFit::mode, &MarginalMode::psi))
      .def_property_readonly("mode_precision", part(&MarginalFit::mode, &MarginalMode::precision))
      .def_property_readonly("mode_axes", &mode_axes)
      .def_property_readonly("cell", &cell)
      .def_property_readonly("mode_log_density",
                             part(&MarginalFit::mode, &MarginalMode::log_density))
      .def_property_readonly("mean", part(&MarginalFit::posterior, &PosteriorSummary::mean))
      .def_property_readonly("sd", part(&MarginalFit::posterior, &PosteriorSummary::sd))
      .def_readonly("strained", &MarginalFit::strained)
      .def_property_readonly("skewness", part(&MarginalFit::posterior, &PosteriorSummary::skewness))
      .def_property_readonly("fe_cov", part(&MarginalFit::posterior, &PosteriorSummary::fe_cov))
      .def_property_readonly("log_evidence",
                             part(&MarginalFit::posterior, &PosteriorSummary::log_evidence))
      .def_property_readonly("weights", part(&MarginalFit::posterior, &PosteriorSummary::weights))
      .def_property_readonly("points_vcp", stacked(&PosteriorPoint::psi))
      .def_property_readonly("points_fe_mean", stacked(&PosteriorPoint::fe_mean))
      .def_property_readonly("points_fe_sd", stacked(&PosteriorPoint::fe_sd))
      .def_property_readonly("points_fe_skewness", stacked(&PosteriorPoint::fe_skewness))
      .def_property_readonly("fe_third", part(&MarginalFit::posterior, &PosteriorSummary::fe_third))
      .def_property_readonly("points_fe_cov", stacked(&PosteriorPoint::fe_cov))
      .def_property_readonly("points_vc_mean", stacked(&PosteriorPoint::vc_mean))
      .def_property_readonly("points_vc_sd", stacked(&PosteriorPoint::vc_sd))
      .def_property_readonly("points_vc_skewness", stacked(&PosteriorPoint::vc_skewness))
      .def_property_readonly("points_log_density", &log_densities);

  m.attr("EP_N_QUAD") = mixed_glm::ep_n_quad;
  m.def("leaf_candidates",
        [](const BoundModel& bound) { return mixed_glm::leaf_candidates(bound.design()); });
  m.def("is_leaf", [](const BoundModel& bound, const std::vector<Index>& leaf) {
    return mixed_glm::is_leaf(bound.design(), leaf);
  });
  m.def("leaf_around", [](const BoundModel& bound, Index component) {
    return mixed_glm::leaf_around(bound.design(), component).components();
  });
  m.def("default_leaf", [](const BoundModel& bound) {
    return mixed_glm::default_leaf(bound.design()).components();
  });
  py::class_<BoundChoice>(m, "Choice", py::module_local())
      .def_property_readonly("approximation",
                             [](const BoundChoice& found) { return found.choice.approximation; })
      .def_property_readonly("start", [](const BoundChoice& found) { return found.choice.start; });
  m.def("choose", &choose, py::arg("model"), py::kw_only(), py::arg("n_jobs") = 1,
        py::arg("report") = py::none(), py::keep_alive<0, 1>());
  m.def("fit_chosen", &fit_chosen, py::arg("model"), py::arg("choice"), py::arg("method"),
        py::kw_only(), py::arg("report") = py::none());
  m.def("log_marginal", &log_marginal, py::arg("model"), py::arg("approximation"), py::arg("vcp"),
        py::kw_only(), py::arg("n_jobs") = 1);
  m.def("fit_marginal", &fit_marginal, py::arg("model"), py::arg("method"), py::kw_only(),
        py::arg("n_jobs") = 1, py::arg("report") = py::none());
}
