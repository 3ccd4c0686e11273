// The variational bound and the fits that maximize it.

#include <mixed_glm/fit/variational_driver.hpp>
#include <mixed_glm/variational/mean_field_bound.hpp>

#include "bound_model.hpp"
#include "python_monitor.hpp"

namespace py = pybind11;

namespace bind_variational_detail {

using bound_model::BoundModel;
using mixed_glm::ConstVectorRef;
using mixed_glm::Index;
using mixed_glm::MeanFieldBound;
using mixed_glm::VariationalFit;
using mixed_glm::VariationalMethod;

void check_point(const BoundModel& bound, const ConstVectorRef& mean, const ConstVectorRef& sd) {
  bound_model::check_length("mean", mean.size(), bound.model().layout().size());
  bound_model::check_length("sd", sd.size(), bound.model().layout().size());
}

double vb_elbo(const BoundModel& bound, const ConstVectorRef& mean, const ConstVectorRef& sd,
               Index n_quad) {
  check_point(bound, mean, sd);
  return MeanFieldBound(bound.model(), n_quad).value(mean, sd);
}

MeanFieldBound::Gradient vb_elbo_grad(const BoundModel& bound, const ConstVectorRef& mean,
                                      const ConstVectorRef& sd, Index n_quad) {
  check_point(bound, mean, sd);
  return MeanFieldBound(bound.model(), n_quad).gradient(mean, sd);
}

VariationalFit fit_variational(const BoundModel& bound, const VariationalMethod& method,
                               const py::object& report) {
  if (method.start.mean.size() > 0) check_point(bound, method.start.mean, method.start.sd);
  return python_monitor::watched(report, [&](mixed_glm::Monitor* monitor) {
    return mixed_glm::VariationalDriver(bound.model(), method, monitor).fit();
  });
}

}  // namespace bind_variational_detail

void bind_variational(py::module_& m) {
  using namespace bind_variational_detail;
  using Release = py::call_guard<interpreter_lock::Released>;

  py::class_<MeanFieldBound::Gradient>(m, "ElboGradient", py::module_local())
      .def_readonly("value", &MeanFieldBound::Gradient::value)
      .def_readonly("mean", &MeanFieldBound::Gradient::mean)
      .def_readonly("sd", &MeanFieldBound::Gradient::sd);

  py::class_<VariationalFit>(m, "VariationalFit", py::module_local())
      .def_property_readonly("status",
                             [](const VariationalFit& fit) { return mixed_glm::status_of(fit); })
      .def_readonly("elbo", &VariationalFit::elbo)
      .def_readonly("iterations", &VariationalFit::iterations)
      .def_readonly("passes", &VariationalFit::passes)
      .def_readonly("mean", &VariationalFit::mean)
      .def_readonly("sd", &VariationalFit::sd)
      .def_readonly("fe_cov", &VariationalFit::fe_cov)
      .def_readonly("weight", &VariationalFit::weight)
      .def_readonly("effect_precision", &VariationalFit::effect_precision)
      .def_readonly("trace", &VariationalFit::trace);

  m.def("vb_elbo", &vb_elbo, py::arg("model"), py::arg("mean"), py::arg("sd"), py::kw_only(),
        py::arg("n_quad") = 0, Release());
  m.def("vb_elbo_grad", &vb_elbo_grad, py::arg("model"), py::arg("mean"), py::arg("sd"),
        py::kw_only(), py::arg("n_quad") = 0, Release());
  m.def("fit_variational", &fit_variational, py::arg("model"), py::arg("method"), py::kw_only(),
        py::arg("report") = py::none());
}
