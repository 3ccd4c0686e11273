// Mixtures of skew variates, and the map that draws of them come from.

#include <pybind11/eigen.h>

#include <mixed_glm/inference/skew_mixture.hpp>
#include <mixed_glm/sampling/skew_fixed_effects.hpp>

#include "bound_model.hpp"
#include "interpreter_lock.hpp"

namespace py = pybind11;

namespace bind_mixture_detail {

using bound_model::check_length;
using mixed_glm::ConstMatrixRef;
using mixed_glm::ConstVectorRef;
using mixed_glm::Index;
using mixed_glm::Matrix;
using mixed_glm::RowMatrix;
using mixed_glm::SkewMixture;
using mixed_glm::Vector;

// value(mixture, argument) of m mixtures of M components each, whose moments are M x m.
template <class Value>
Vector for_each_mixture(const ConstVectorRef& weights, const ConstMatrixRef& means,
                        const ConstMatrixRef& sds, const ConstMatrixRef& skewness,
                        const ConstVectorRef& arguments, Value&& value) {
  for (const ConstMatrixRef* moment : {&means, &sds, &skewness}) {
    check_length("moments: rows", moment->rows(), weights.size());
    check_length("moments: columns", moment->cols(), arguments.size());
  }
  const interpreter_lock::Released released;
  Vector values(arguments.size());
  for (Index j = 0; j < values.size(); ++j) {
    values[j] =
        value(SkewMixture(weights, means.col(j), sds.col(j), skewness.col(j)), arguments[j]);
  }
  return values;
}

// kappa: p x p p, cubes; z: m x p, standard normal. Returns the skew draws and the logarithms of
// the slopes of the map.
py::tuple skew_fixed_effects(const Matrix& kappa, const RowMatrix& z) {
  check_length("kappa: columns", kappa.cols(), kappa.rows() * kappa.rows());
  check_length("z: columns", z.cols(), kappa.rows());
  RowMatrix draws = z;
  Vector log_slope(z.rows());
  {
    const interpreter_lock::Released released;
    const mixed_glm::SkewFixedEffects skew(kappa);
    for (Index r = 0; r < z.rows(); ++r) {
      Vector draw = z.row(r).transpose();
      log_slope[r] = skew.apply(draw);
      draws.row(r) = draw.transpose();
    }
  }
  return py::make_tuple(std::move(draws), std::move(log_slope));
}

}  // namespace bind_mixture_detail

void bind_mixture(py::module_& m) {
  using namespace bind_mixture_detail;
  m.def(
      "mixture_quantile",
      [](const ConstVectorRef& weights, const ConstMatrixRef& means, const ConstMatrixRef& sds,
         const ConstMatrixRef& skewness, const ConstVectorRef& normal_quantiles) {
        return for_each_mixture(
            weights, means, sds, skewness, normal_quantiles,
            [](const SkewMixture& mixture, double z) { return mixture.quantile(z); });
      },
      py::arg("weights"), py::arg("means"), py::arg("sds"), py::arg("skewness"),
      py::arg("normal_quantiles"));
  m.def(
      "mixture_cdf",
      [](const ConstVectorRef& weights, const ConstMatrixRef& means, const ConstMatrixRef& sds,
         const ConstMatrixRef& skewness, const ConstVectorRef& values) {
        return for_each_mixture(
            weights, means, sds, skewness, values,
            [](const SkewMixture& mixture, double x) { return mixture.below(x); });
      },
      py::arg("weights"), py::arg("means"), py::arg("sds"), py::arg("skewness"), py::arg("values"));
  m.def("skew_fixed_effects", &skew_fixed_effects, py::arg("kappa"), py::arg("z"));
}
