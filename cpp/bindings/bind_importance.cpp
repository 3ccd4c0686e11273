// Pareto smoothed importance sampling, of many rows at a time.

#include <pybind11/eigen.h>

#include <mixed_glm/sampling/leave_one_out.hpp>

#include "bound_model.hpp"
#include "interpreter_lock.hpp"

namespace py = pybind11;

namespace bind_importance_detail {

using bound_model::check_length;
using mixed_glm::ConstVectorRef;
using mixed_glm::Index;
using mixed_glm::RowMatrix;
using mixed_glm::Vector;
using Rows = Eigen::Ref<const RowMatrix, 0, Eigen::OuterStride<>>;

// log_ratio: one row for each sample. Returns logarithms of weights that sum to one, and k-hat.
py::tuple smooth_rows(const Rows& log_ratio) {
  RowMatrix log_weights = log_ratio;
  Vector k_hat(log_ratio.rows());
  {
    const interpreter_lock::Released released;
    mixed_glm::ParetoSmoother smoother;
    for (Index r = 0; r < log_weights.rows(); ++r) {
      auto row = log_weights.row(r);
      if (!(row.maxCoeff<Eigen::PropagateNaN>() < std::numeric_limits<double>::infinity()) ||
          row.size() == 0) {
        row.setConstant(std::numeric_limits<double>::quiet_NaN());
        k_hat[r] = std::numeric_limits<double>::quiet_NaN();
        continue;
      }
      k_hat[r] = smoother.smooth(row.data(), row.size());
      row.array() -= std::log(smoother.weights().sum());
    }
  }
  return py::make_tuple(std::move(log_weights), std::move(k_hat));
}

py::tuple fit_pareto(const Vector& values) {
  const mixed_glm::GeneralizedPareto fit = mixed_glm::fit_pareto(values);
  return py::make_tuple(fit.shape, fit.scale);
}

// log_likelihood: of each row at every draw. Returns log density without the row, k-hat, variance
// of the former, and log density with all rows, one row of numbers for each of these.
RowMatrix leave_one_out(const Rows& log_likelihood, const ConstVectorRef& log_ratio) {
  check_length("log_likelihood: columns", log_likelihood.cols(), log_ratio.size());
  RowMatrix found(4, log_likelihood.rows());
  const interpreter_lock::Released released;
  mixed_glm::LeaveOneOut without(log_ratio);
  for (Index r = 0; r < log_likelihood.rows(); ++r) {
    const mixed_glm::LeaveOneOut::Row row = without.row(log_likelihood.row(r).data());
    found.col(r) << row.log_density, row.k_hat, row.variance, row.full;
  }
  return found;
}

}  // namespace bind_importance_detail

void bind_importance(py::module_& m) {
  using namespace bind_importance_detail;
  m.def("smooth_rows", &smooth_rows, py::arg("log_ratio"));
  m.def("fit_pareto", &fit_pareto, py::arg("values"));
  m.def("leave_one_out", &leave_one_out, py::arg("log_likelihood"), py::arg("log_ratio"));
}
