// _core.Model: the joint density of a model, and its curvature.

#include <mixed_glm/inference/joint_covariance.hpp>
#include <mixed_glm/inference/joint_density.hpp>
#include <mixed_glm/inference/mode_given_psi.hpp>

#include "bound_model.hpp"
#include "python_monitor.hpp"

namespace py = pybind11;

namespace bind_model_detail {

using bound_model::BoundModel;
using bound_model::check_length;
using bound_model::Doubles;
using mixed_glm::Code;
using mixed_glm::Index;
using mixed_glm::PartialCorrelations;
using mixed_glm::RowMatrix;
using mixed_glm::Vector;
using python_monitor::watched;

void check_order(const RowMatrix& rows, Index order) {
  if (order < 1 || order > mixed_glm::most_correlated) throw std::invalid_argument("order");
  check_length("correlations", rows.cols(), mixed_glm::lower_entries(order));
}

// One row for each matrix.
RowMatrix correlations(const RowMatrix& z, Index order) {
  check_order(z, order);
  RowMatrix result(z.rows(), z.cols());
  PartialCorrelations partial(order);
  for (Index r = 0; r < z.rows(); ++r) {
    partial.set(Vector(z.row(r)));
    result.row(r) = partial.correlations().transpose();
  }
  return result;
}
// The lower triangular C, C C' the correlations, row by row of each.
RowMatrix correlation_roots(const RowMatrix& z, Index order) {
  check_order(z, order);
  RowMatrix result(z.rows(), order * order);
  PartialCorrelations partial(order);
  for (Index r = 0; r < z.rows(); ++r) {
    partial.set(Vector(z.row(r)));
    const mixed_glm::SmallMatrix rows = partial.factor().transpose();
    result.row(r) = Eigen::Map<const Vector>(rows.data(), rows.size()).transpose();
  }
  return result;
}
RowMatrix partial_correlations(const RowMatrix& rho, Index order) {
  check_order(rho, order);
  RowMatrix result(rho.rows(), rho.cols());
  for (Index r = 0; r < rho.rows(); ++r) {
    result.row(r) = PartialCorrelations::of_correlations(rho.row(r), order).transpose();
  }
  return result;
}

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
  check_length("vcp", vcp.size(), self.hyper());
  return watched(py::none(), [&](mixed_glm::Monitor* monitor) {
    mixed_glm::NewtonSettings settings;
    settings.monitor = monitor;
    const auto params = mixed_glm::mode_given_psi(self.model(), vcp, settings);
    if (!params) throw std::runtime_error("the conditional mode was not found");
    return *params;
  });
}

}  // namespace bind_model_detail

void bind_model(py::module_& m) {
  using namespace bind_model_detail;
  using mixed_glm::ConstVectorRef;
  using mixed_glm::JointCovariance;
  using mixed_glm::JointDensity;
  using Release = py::call_guard<interpreter_lock::Released>;

  m.def("correlations", &correlations, py::arg("z"), py::arg("order"));
  m.def("correlation_roots", &correlation_roots, py::arg("z"), py::arg("order"));
  m.def("partial_correlations", &partial_correlations, py::arg("rho"), py::arg("order"));
  py::class_<JointCovariance>(m, "JointCovariance", py::module_local())
      .def_readonly("valid", &JointCovariance::valid)
      .def_readonly("sd", &JointCovariance::sd)
      .def_readonly("fe_cov", &JointCovariance::fe_cov);

  py::class_<BoundModel>(m, "Model", py::module_local())
      .def(py::init(&bound_model::make_model))
      .def_property_readonly("nobs",
                             [](const BoundModel& self) { return self.design().user_rows(); })
      .def_property_readonly("k_fep", [](const BoundModel& self) { return self.design().fixed(); })
      .def_property_readonly("k_vcp",
                             [](const BoundModel& self) { return self.design().components(); })
      .def_property_readonly(
          "start", [](const BoundModel& self) { return self.model().hyperparameters().start(); })
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
      .def(
          "joint_covariance",
          [](const BoundModel& self, const ConstVectorRef& params) {
            self.check_params(params);
            return mixed_glm::joint_covariance(self.model(), params);
          },
          py::arg("params"), Release());
}
