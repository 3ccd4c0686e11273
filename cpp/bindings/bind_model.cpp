// _core.Model: a model over numpy arrays, which it keeps alive, and the functions that use it.

#include <pybind11/eigen.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <memory>
#include <mixed_glm/inference/joint_covariance.hpp>
#include <mixed_glm/inference/joint_density.hpp>
#include <mixed_glm/inference/joint_mode.hpp>
#include <mixed_glm/inference/variance_collapse.hpp>

#include "module.hpp"

namespace py = pybind11;

namespace bind_model_detail {

using mixed_glm::Code;
using mixed_glm::Index;
using mixed_glm::Matrix;
using mixed_glm::Vector;
using Doubles = py::array_t<double, py::array::c_style>;
using FortranDoubles = py::array_t<double, py::array::f_style>;

Eigen::Map<const Vector> view(const Doubles& array) { return {array.data(), array.size()}; }

void check_length(const char* name, Index got, Index expected) {
  if (got == expected) return;
  throw std::invalid_argument(std::string(name) + ": expected length " + std::to_string(expected) +
                              ", got " + std::to_string(got));
}

mixed_glm::SparseRows sparse_rows(const py::array_t<std::int64_t>& indptr,
                                  const py::array_t<Code>& indices, const Doubles& data,
                                  Index effects) {
  if (indptr.size() < 1) throw std::invalid_argument("exog_vc: indptr is empty");
  check_length("exog_vc indices", indices.size(), indptr.data()[indptr.size() - 1]);
  check_length("exog_vc data", data.size(), indices.size());
  return {indptr.size() - 1, effects, indptr.data(), indices.data(), data.data()};
}

// The arrays that design and model view, and the two themselves.
class BoundModel {
 public:
  BoundModel(const Doubles& endog, FortranDoubles exog, const py::array_t<std::int64_t>& indptr,
             const py::array_t<Code>& indices, const Doubles& data, const py::array_t<Code>& ident,
             Index k_vcp, const mixed_glm::Family& family, const Doubles& trials,
             const Doubles& weights, Doubles offset, const Doubles& fe_p, const Doubles& vcp_p)
      : exog_(std::move(exog)), offset_(std::move(offset)) {
    if (exog_.ndim() != 2) throw std::invalid_argument("exog: expected two dimensions");
    const Index n = exog_.shape(0);
    check_length("endog", endog.size(), n);
    check_length("trials", trials.size(), n);
    check_length("weights", weights.size(), n);
    const std::vector<Code> components(ident.data(), ident.data() + ident.size());
    design_ = std::make_unique<mixed_glm::Design>(
        Eigen::Map<const Matrix>(exog_.data(), n, exog_.shape(1)),
        sparse_rows(indptr, indices, data, ident.size()), components, k_vcp, view(offset_));
    model_ = std::make_unique<mixed_glm::Model>(
        *design_, family,
        mixed_glm::encode_response(family, view(endog), view(trials), view(weights)),
        mixed_glm::Prior{view(fe_p), view(vcp_p)});
  }

  const mixed_glm::Design& design() const { return *design_; }
  const mixed_glm::Model& model() const { return *model_; }
  void check_params(const mixed_glm::ConstVectorRef& params) const {
    check_length("params", params.size(), design_->parameters());
  }

 private:
  FortranDoubles exog_;
  Doubles offset_;
  std::unique_ptr<mixed_glm::Design> design_;
  std::unique_ptr<mixed_glm::Model> model_;
};

py::tuple hessian(const BoundModel& self, const mixed_glm::ConstVectorRef& params) {
  mixed_glm::SparseMatrix h;
  {
    py::gil_scoped_release release;
    h = mixed_glm::JointDensity(self.model()).hessian(params);
  }
  return py::make_tuple(Doubles(h.nonZeros(), h.valuePtr()),
                        py::array_t<Code>(h.nonZeros(), h.innerIndexPtr()),
                        py::array_t<Code>(h.cols() + 1, h.outerIndexPtr()));
}

Vector conditional_mode(const BoundModel& self, const mixed_glm::ConstVectorRef& vcp) {
  check_length("vcp", vcp.size(), self.design().components());
  mixed_glm::ConditionalMode mode(self.model());
  if (!mode.find(vcp)) throw std::runtime_error("the conditional mode was not found");
  return self.design().join(mode.coefficients(), vcp);
}

mixed_glm::JointModeResult joint_mode(const BoundModel& self,
                                      const mixed_glm::ConstVectorRef& params,
                                      double gradient_tolerance, int max_iterations) {
  self.check_params(params);
  mixed_glm::JointModeSettings settings;
  settings.gradient_tolerance = gradient_tolerance;
  settings.max_iterations = max_iterations;
  return mixed_glm::JointMode(self.model(), settings).find(params);
}

}  // namespace bind_model_detail

void bind_model(py::module_& m) {
  using namespace bind_model_detail;
  using mixed_glm::ConstVectorRef;
  using mixed_glm::JointCovariance;
  using mixed_glm::JointDensity;
  using mixed_glm::JointModeResult;
  using Release = py::call_guard<py::gil_scoped_release>;

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
                    const mixed_glm::Family&, const Doubles&, const Doubles&, Doubles,
                    const Doubles&, const Doubles&>(),
           py::kw_only(), py::arg("endog"), py::arg("exog"), py::arg("vc_indptr"),
           py::arg("vc_indices"), py::arg("vc_data"), py::arg("ident"), py::arg("k_vcp"),
           py::arg("family"), py::arg("trials"), py::arg("weights"), py::arg("offset"),
           py::arg("fe_p"), py::arg("vcp_p"))
      .def_property_readonly("nobs", [](const BoundModel& self) { return self.design().rows(); })
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
      .def("conditional_mode", &conditional_mode, py::arg("vcp"), Release())
      .def("joint_mode", &joint_mode, py::arg("params"), py::arg("gradient_tolerance") = 1e-7,
           py::arg("max_iterations") = 500, Release())
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
