// The joint mode and the Gaussian there.

#include <mixed_glm/fit/map_driver.hpp>

#include "bound_model.hpp"
#include "part.hpp"
#include "python_monitor.hpp"

namespace py = pybind11;

namespace bind_map_detail {

using bound_model::BoundModel;
using mixed_glm::ConstVectorRef;
using mixed_glm::JointCovariance;
using mixed_glm::JointModeResult;
using mixed_glm::MapDriver;
using mixed_glm::MapFit;
using mixed_glm::MapMethod;
using mixed_glm::Vector;
using python_monitor::watched;

Vector joint_start(const BoundModel& bound) {
  return watched(py::none(), [&](mixed_glm::Monitor* monitor) {
    std::optional<Vector> params = mixed_glm::joint_start(bound.model(), monitor);
    if (!params) throw std::runtime_error("the conditional mode was not found");
    return std::move(*params);
  });
}

// start: of all parameters; none: as the method has it.
MapFit fit_map(const BoundModel& bound, const MapMethod& method, const std::optional<Vector>& start,
               const py::object& report) {
  if (start) bound.check_params(*start);
  return watched(report, [&](mixed_glm::Monitor* monitor) {
    MapDriver driver(bound.model(), method, monitor);
    return start ? driver.fit_from(*start) : driver.fit();
  });
}

MapFit map_fit_at(const BoundModel& bound, const ConstVectorRef& params, bool converged) {
  bound.check_params(params);
  return mixed_glm::map_fit_at(bound.model(), params, converged);
}

}  // namespace bind_map_detail

void bind_map(py::module_& m) {
  using namespace bind_map_detail;
  using Release = py::call_guard<py::gil_scoped_release>;

  py::class_<MapFit>(m, "MapFit", py::module_local())
      .def_readonly("status", &MapFit::status)
      .def_property_readonly("params", part(&MapFit::mode, &JointModeResult::params))
      .def_property_readonly("log_density", part(&MapFit::mode, &JointModeResult::log_density))
      .def_property_readonly("gradient_norm", part(&MapFit::mode, &JointModeResult::gradient_norm))
      .def_property_readonly("iterations", part(&MapFit::mode, &JointModeResult::iterations))
      .def_property_readonly("passes", part(&MapFit::mode, &JointModeResult::passes))
      .def_property_readonly("converged", part(&MapFit::mode, &JointModeResult::converged))
      .def_property_readonly("valid", part(&MapFit::covariance, &JointCovariance::valid))
      .def_property_readonly("sd", part(&MapFit::covariance, &JointCovariance::sd))
      .def_property_readonly("fe_cov", part(&MapFit::covariance, &JointCovariance::fe_cov))
      .def_readonly("collapsed", &MapFit::collapsed);

  m.def("joint_start", &joint_start, py::arg("model"));
  m.def("fit_map", &fit_map, py::arg("model"), py::arg("method"), py::kw_only(),
        py::arg("start") = py::none(), py::arg("report") = py::none());
  m.def("map_fit_at", &map_fit_at, py::arg("model"), py::arg("params"), py::kw_only(),
        py::arg("converged"), Release());
}
