// The conditional posterior of the coefficients between the points of a star (star_points.hpp):
// what has no bounds is a parabola along each axis through its three points, and their sum,
//
//     g(z) = g(0) + sum_k [ z_k (g_k+ - g_k-) / (2 a) + z_k^2 (g_k+ + g_k- - 2 g(0)) / (2 a^2) ]
//
// Means and skewnesses are such, the logarithms of variances, and of the fixed effects' covariance
// U D U', U with a diagonal of ones, log D and U.
#pragma once

#include <Eigen/Cholesky>
#include <mixed_glm/inference/marginal.hpp>
#include <mixed_glm/linalg/multiply.hpp>
#include <mixed_glm/math/exp.hpp>
#include <vector>

namespace mixed_glm {

class ConditionalStar {
 public:
  // points: the centre, then for each axis those at -reach and at +reach.
  ConditionalStar(const std::vector<ConditionalPosterior>& points, double reach)
      : reach_(reach),
        fixed_(points.front().fe_cov.rows()),
        effects_(points.front().mean.size() - fixed_),
        skewed_(points.front().third.size()),
        columns_(2 * effects_ + 2 * fixed_ + fixed_ * fixed_ + skewed_, Index(points.size())) {
    for (size_t i = 0; i < points.size(); ++i) set(columns_.col(Index(i)), points[i]);
  }

  // False where a covariance is not positive definite at one of the points.
  bool is_valid() const { return valid_; }

  // result: overwritten, its memory used again.
  void evaluate(const Vector& z, ConditionalPosterior& result) {
    at_.noalias() = columns_ * shares(z);
    result.mean = at_.head(effects_ + fixed_);
    result.variance.resize(effects_ + fixed_);
    const double* const logs = at_.data() + effects_ + fixed_;
    for (Index j = 0; j < effects_ + fixed_; ++j) result.variance[j] = math::exp(logs[j]);
    const Vector root = result.variance.tail(fixed_).cwiseSqrt();
    const Eigen::Map<const Matrix> unit(logs + effects_ + fixed_, fixed_, fixed_);
    const Matrix factor = unit * root.asDiagonal();
    result.fe_cov.setZero(fixed_, fixed_);
    add_abt(factor, factor, result.fe_cov);
    result.variance.tail(fixed_) = result.fe_cov.diagonal();
    result.third.resize(skewed_);
    if (skewed_ == 0) return;
    const auto variance = result.variance.array();
    result.third = at_.tail(skewed_).array() * variance * variance.sqrt();
  }

 private:
  template <class Column>
  void set(Column column, const ConditionalPosterior& point) {
    const Eigen::LLT<Matrix> cholesky(point.fe_cov);
    valid_ = valid_ && cholesky.info() == Eigen::Success && (point.variance.array() > 0.0).all();
    Matrix unit = cholesky.matrixL();
    const Vector root = unit.diagonal();
    unit = unit * root.cwiseInverse().asDiagonal();
    column.head(effects_ + fixed_) = point.mean;
    column.segment(effects_ + fixed_, effects_) = point.variance.head(effects_).array().log();
    column.segment(2 * effects_ + fixed_, fixed_) = 2.0 * root.array().log();
    column.segment(2 * effects_ + 2 * fixed_, fixed_ * fixed_) =
        Eigen::Map<const Vector>(unit.data(), unit.size());
    if (skewed_ == 0) return;
    const auto variance = point.variance.array();
    column.tail(skewed_) = point.third.array() / (variance * variance.sqrt());
  }

  Vector shares(const Vector& z) const {
    Vector result(columns_.cols());
    result[0] = 1.0 - z.squaredNorm() / (reach_ * reach_);
    for (Index k = 0; k < z.size(); ++k) {
      const double t = z[k] / reach_;
      result[2 * k + 1] = 0.5 * t * (t - 1.0);
      result[2 * k + 2] = 0.5 * t * (t + 1.0);
    }
    return result;
  }

  double reach_;
  Index fixed_, effects_, skewed_;
  Matrix columns_;
  Vector at_;
  bool valid_ = true;
};

}  // namespace mixed_glm
