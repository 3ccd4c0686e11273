// _core.Model: the joint density of a model, its mode, and the Gaussian there.

#include <mixed_glm/inference/joint_covariance.hpp>
#include <mixed_glm/inference/joint_density.hpp>
#include <mixed_glm/inference/joint_mode.hpp>
#include <mixed_glm/inference/mode_given_psi.hpp>
#include <mixed_glm/inference/variance_collapse.hpp>

#include "bound_model.hpp"
#include "python_monitor.hpp"

namespace py = pybind11;

namespace bind_model_detail {

using bound_model::BoundModel;
using bound_model::check_length;
using bound_model::Doubles;
using bound_model::FortranDoubles;
using mixed_glm::Code;
using mixed_glm::Index;
using mixed_glm::Vector;
using python_monitor::watched;

py::tuple hessian(const BoundModel& self, const mixed_glm::ConstVectorRef& params) {
  mixed_glm::SparseMatrix h;
  {
    const interpreter_lock::Released released;
    h = mixed_glm::JointDensity(self.model()).hessian(params);
  }
  return py::make_tuple(Doubles(h.nonZeros(), h.valuePtr()),
                        py::array_t<Code>(h.nonZeros(), h.innerIndexPtr()),
                        py::array_t<Code>(h.cols() + 1, h.outerIndexPtr()));
}

Vector conditional_mode(const BoundModel& self, const mixed_glm::ConstVectorRef& vcp) {
  check_length("vcp", vcp.size(), self.design().components());
  return watched(py::none(), [&](mixed_glm::Monitor* monitor) {
    mixed_glm::NewtonSettings settings;
    settings.monitor = monitor;
    const auto params = mixed_glm::mode_given_psi(self.model(), vcp, settings);
    if (!params) throw std::runtime_error("the conditional mode was not found");
    return *params;
  });
}

mixed_glm::JointModeResult joint_mode(const BoundModel& self,
                                      const mixed_glm::ConstVectorRef& params,
                                      double gradient_tolerance, int max_iterations,
                                      const py::object& report) {
  self.check_params(params);
  mixed_glm::JointModeSettings settings;
  settings.gradient_tolerance = gradient_tolerance;
  settings.max_iterations = max_iterations;
  return watched(report, [&](mixed_glm::Monitor* monitor) {
    settings.monitor = monitor;
    return mixed_glm::JointMode(self.model(), settings).find(params);
  });
}

}  // namespace bind_model_detail

void bind_model(py::module_& m) {
  using namespace bind_model_detail;
  using mixed_glm::ConstVectorRef;
  using mixed_glm::JointCovariance;
  using mixed_glm::JointDensity;
  using mixed_glm::JointModeResult;
  using Release = py::call_guard<interpreter_lock::Released>;

  py::class_<JointModeResult>(m, "JointModeResult", py::module_local())
      .def_readonly("params", &JointModeResult::params)
      .def_readonly("log_density", &JointModeResult::log_density)
      .def_readonly("gradient_norm", &JointModeResult::gradient_norm)
      .def_readonly("iterations", &JointModeResult::iterations)
      .def_readonly("passes", &JointModeResult::passes)
      .def_readonly("converged", &JointModeResult::converged);

  py::class_<JointCovariance>(m, "JointCovariance", py::module_local())
      .def_readonly("valid", &JointCovariance::valid)
      .def_readonly("sd", &JointCovariance::sd)
      .def_readonly("fe_cov", &JointCovariance::fe_cov);

  py::class_<BoundModel>(m, "Model", py::module_local())
      .def(py::init<const Doubles&, FortranDoubles, const py::array_t<std::int64_t>&,
                    const py::array_t<Code>&, const Doubles&, const py::array_t<Code>&, Index,
                    const mixed_glm::Family&, const Doubles&, const Doubles&, const Doubles&,
                    const Doubles&, const Doubles&, bool>(),
           py::kw_only(), py::arg("endog"), py::arg("exog"), py::arg("vc_indptr"),
           py::arg("vc_indices"), py::arg("vc_data"), py::arg("ident"), py::arg("k_vcp"),
           py::arg("family"), py::arg("trials"), py::arg("weights"), py::arg("offset"),
           py::arg("fe_p"), py::arg("vcp_p"), py::arg("merge_rows") = true)
      .def_property_readonly("nobs",
                             [](const BoundModel& self) { return self.design().user_rows(); })
      .def_property_readonly("k_fep", [](const BoundModel& self) { return self.design().fixed(); })
      .def_property_readonly("k_vcp",
                             [](const BoundModel& self) { return self.design().components(); })
      .def_property_readonly("k_vc", [](const BoundModel& self) { return self.design().effects(); })
      .def(
          "logposterior",
          [](const BoundModel& self, const ConstVectorRef& params) {
            return JointDensity(self.model()).value(params);
          },
          py::arg("params"), Release())
      .def(
          "logposterior_grad",
          [](const BoundModel& self, const ConstVectorRef& params) {
            return JointDensity(self.model()).gradient(params);
          },
          py::arg("params"), Release())
      .def("logposterior_hess", &hessian, py::arg("params"))
      .def(
          "linear_predictor",
          [](const BoundModel& self, const ConstVectorRef& params) {
            return JointDensity(self.model()).linear_predictor(params);
          },
          py::arg("params"), Release())
      .def("conditional_mode", &conditional_mode, py::arg("vcp"))
      .def("joint_mode", &joint_mode, py::arg("params"), py::arg("gradient_tolerance") = 1e-7,
           py::arg("max_iterations") = 500, py::arg("report") = py::none())
      .def(
          "collapsed_components",
          [](const BoundModel& self, const ConstVectorRef& params) {
            self.check_params(params);
            return mixed_glm::collapsed_components(self.model(), params);
          },
          py::arg("params"))
      .def(
          "joint_covariance",
          [](const BoundModel& self, const ConstVectorRef& params) {
            self.check_params(params);
            return mixed_glm::joint_covariance(self.model(), params);
          },
          py::arg("params"), Release());
}
