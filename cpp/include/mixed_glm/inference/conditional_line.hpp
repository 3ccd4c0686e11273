// The conditional posterior of the coefficients as a function of one log standard deviation psi,
// interpolated between a few nodes by natural cubic splines.
//
// Effects are interpolated as multiples of what they are in a Gaussian model with known fixed
// effects, in which the data tell of an effect with precision t:
//
//     mean ~ rho(psi) = 1 / (1 + e^(-2 psi) / t)      variance ~ v(psi) = 1 / (e^(-2 psi) + t)
//
// So most of what psi does is known beforehand, and the rest is nearly constant at both ends. Each
// variance has the t that it has at the mode; the means have one in common, by which they grow from
// the node before. Where they do not, rho is 1, and sums of coefficients that psi does not move, as
// the mean of a large group, remain what they are to the last digit. The covariance of the fixed
// effects is U D U', U with a diagonal of ones: logarithms of D and entries of U are interpolated,
// and the product is positive definite.
//
// Beyond the outer nodes everything goes on along its slope, as a function of psi what is
// logarithmic and may grow without end, and as one of e^(2 psi) (to the left) or of e^(-2 psi) (to
// the right) what converges there.
#pragma once

#include <limits>
#include <mixed_glm/inference/marginal.hpp>
#include <mixed_glm/linalg/multiply.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/natural_spline.hpp>
#include <vector>

namespace mixed_glm {

class ConditionalLine {
  // The parts of a column of what is bounded.
  template <class Column>
  auto means(Column& column) const {
    return column.head(effects_ + fixed_);
  }
  template <class Column>
  auto log_variances(Column& column) const {
    return column.segment(effects_ + fixed_, effects_);
  }
  template <class Column>
  auto factors(Column& column) const {
    return column.segment(2 * effects_ + fixed_, fixed_ * fixed_);
  }
  template <class Column>
  auto skewness(Column& column) const {
    return column.tail(skewed_);
  }

 public:
  using Knots = math::NaturalSpline::Weights;

  // nodes: one for each knot; mode: the number of the one that is the mode, or near it.
  ConditionalLine(const Knots& knots, const std::vector<const ConditionalPosterior*>& nodes,
                  Index mode)
      : spline_(knots),
        fixed_(nodes.front()->fe_cov.rows()),
        effects_(nodes.front()->mean.size() - fixed_),
        skewed_(nodes.front()->third.size() > 0 ? effects_ : 0),
        bounded_(fixed_ + 2 * effects_ + fixed_ * fixed_ + skewed_, knots.size()),
        log_pivots_(fixed_, knots.size()),
        factor_(fixed_, fixed_) {
    const ConditionalPosterior& at_mode = *nodes[size_t(mode)];
    if (at_mode.third.size() > 0) {  // the fixed effects have one skewness at all psi
      const auto variance = at_mode.variance.tail(fixed_).array();
      fixed_skewness_ =
          at_mode.third.tail(fixed_).array() / (variance * variance.sqrt()).max(smallest);
    }
    const double prior = prior_precision(knots[mode]);
    of_data_ =
        (at_mode.variance.head(effects_).array().inverse() - prior).max(1e-3 * prior).min(largest);
    if (knots.size() > 1) {
      const Index right = std::max<Index>(mode, 1), left = right - 1;
      of_means_ = precision_of_means(knots[left], *nodes[size_t(left)], knots[right],
                                     *nodes[size_t(right)]);
    }
    for (Index i = 0; i < knots.size(); ++i) set(i, *nodes[size_t(i)]);
  }

  // result: overwritten, its memory used again.
  void evaluate(double psi, ConditionalPosterior& result) {
    at_.noalias() = bounded_ * spline_.weights(saturated(psi));
    set_unit(psi);
    result.mean = means(at_);
    result.mean.head(effects_) *= shrinkage(psi);
    result.variance.resize(effects_ + fixed_);
    const auto logs = log_variances(at_);
    for (Index j = 0; j < effects_; ++j) result.variance[j] = unit_[j] * math::exp(logs[j]);
    const auto variance = result.variance.head(effects_).array();
    set_covariance(psi, result);
    if (skewed_ + fixed_skewness_.size() == 0) return;
    result.third.resize(effects_ + fixed_);
    if (skewed_ > 0) {
      result.third.head(effects_) = skewness(at_).array() * variance * variance.sqrt();
    }
    const auto fixed_variance = result.variance.tail(fixed_).array();
    result.third.tail(fixed_) = fixed_skewness_.array() * fixed_variance * fixed_variance.sqrt();
  }

 private:
  void set(Index i, const ConditionalPosterior& node) {
    set_unit(spline_.knot(i));
    const auto variance = node.variance.head(effects_).array();
    auto column = bounded_.col(i);
    means(column) = node.mean;
    means(column).head(effects_) /= shrinkage(spline_.knot(i));
    log_variances(column) = (variance / unit_.array()).max(smallest).log();
    if (skewed_ > 0) {
      skewness(column) =
          node.third.head(effects_).array() / (variance * variance.sqrt()).max(smallest);
    }
    factorize(node.fe_cov, log_pivots_.col(i));
    factors(column) = Eigen::Map<const Vector>(factor_.data(), factor_.size());
  }

  // The t by which the means grow from left to right; infinite where they do not.
  double precision_of_means(double left, const ConditionalPosterior& at_left, double right,
                            const ConditionalPosterior& at_right) const {
    constexpr double unmoved = 0.98;
    const double ratio = at_left.mean.head(effects_).norm() / at_right.mean.head(effects_).norm();
    if (!(ratio < unmoved)) return std::numeric_limits<double>::infinity();
    const double before = prior_precision(left), after = prior_precision(right);
    return std::max((ratio * before - after) / (1.0 - ratio), 1e-3 * after);
  }

  // covariance = U D U', also where rounding has made it indefinite: U becomes factor_.
  void factorize(const Matrix& covariance, Eigen::Ref<Vector> log_pivots) {
    factor_ = covariance;
    for (Index j = 0; j < fixed_; ++j) {
      const double pivot = std::max(factor_(j, j), 1e-14 * covariance(j, j) + smallest);
      const Index below = fixed_ - j - 1;
      auto column = factor_.col(j).tail(below);
      column /= pivot;
      for (Index k = 0; k < below; ++k) {
        factor_.col(j + 1 + k).tail(below - k) -= pivot * column[k] * column.tail(below - k);
      }
      factor_.col(j).head(j).setZero();
      factor_(j, j) = 1.0;
      log_pivots[j] = std::log(pivot);
    }
  }

  void set_covariance(double psi, ConditionalPosterior& result) {
    pivots_.noalias() = log_pivots_ * spline_.weights(psi);
    for (Index j = 0; j < fixed_; ++j) pivots_[j] = math::exp(0.5 * pivots_[j]);
    factor_ = Eigen::Map<const Matrix>(factors(at_).data(), fixed_, fixed_) * pivots_.asDiagonal();
    result.fe_cov.setZero(fixed_, fixed_);
    add_abt(factor_, factor_, result.fe_cov);
    result.variance.tail(fixed_) = result.fe_cov.diagonal();
  }

  static double prior_precision(double psi) { return math::exp(std::min(-2.0 * psi, 600.0)); }
  double shrinkage(double psi) const { return 1.0 / (1.0 + prior_precision(psi) / of_means_); }
  void set_unit(double psi) { unit_ = (of_data_.array() + prior_precision(psi)).inverse(); }

  // As far from the outer node as what converges has gone along its slope there.
  double saturated(double psi) const {
    if (psi < spline_.first()) {
      return spline_.first() + 0.5 * std::expm1(2.0 * (psi - spline_.first()));
    }
    if (psi > spline_.last()) {
      return spline_.last() - 0.5 * std::expm1(-2.0 * (psi - spline_.last()));
    }
    return psi;
  }

  static constexpr double smallest = 1e-300, largest = 1e300;

  math::NaturalSpline spline_;
  Index fixed_, effects_, skewed_;
  double of_means_ = std::numeric_limits<double>::infinity();  // t of the means
  Vector of_data_, unit_;                                      // t and v of each effect
  Vector fixed_skewness_;                                      // or empty
  // A column for each node: all that is bounded at both ends, and log D, which is not.
  Matrix bounded_, log_pivots_;
  Matrix factor_;
  Vector at_, pivots_;
};

}  // namespace mixed_glm
