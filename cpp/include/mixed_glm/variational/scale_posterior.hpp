// The variational posterior of the log standard deviations, q(psi_k) = N(m_k, s_k^2), or a point.
//
//     t_k = E exp(-2 psi_k) = exp(-2 m_k + 2 s_k^2)         S_k = sum_j E u_j^2 over its n_k
//     effects bound = -n_k m_k - t_k S_k / 2 - (m_k^2 + s_k^2) / (2 vcp_p_k^2) + log(s_k / vcp_p_k)
//     + 1/2
//
// Given S_k the bound has one maximum: with e = t_k S_k and precision r = 1 / vcp_p_k^2 it lies
// where
//
//     e = n + r m      1 / s^2 = 2 e + r      log S - 2 m + 2 s^2 = log e
//
// and the last equation, with m and s from the first two, falls monotonically in log e.
#pragma once

#include <mixed_glm/model/coefficient_prior.hpp>

namespace mixed_glm {

class ScalePosterior {
 public:
  // The model is viewed. Stands at psi = 0.
  explicit ScalePosterior(const Model& model)
      : prior_precision_(model.prior().vcp_p.array().square().inverse()),
        size_(model.design().component_size()),
        mean_(Vector::Zero(size_.size())),
        sd_(model.prior().vcp_p.cwiseMin(0.1)),
        elasticity_(Vector::Zero(size_.size())) {}

  // A point: maximize() leaves it, and nothing is added for its own uncertainty.
  void fix(const Vector& psi) {
    is_point_ = true;
    mean_ = psi;
    sd_.setZero();
  }
  void set(const Vector& mean, const Vector& sd) {
    mean_ = mean;
    sd_ = sd;
  }

  bool is_point() const { return is_point_; }
  Index components() const { return size_.size(); }
  const Vector& mean() const { return mean_; }
  const Vector& sd() const { return sd_; }
  double log_precision(Index k) const { return -2.0 * mean_[k] + 2.0 * sd_[k] * sd_[k]; }  // log t
  Vector effective_psi() const { return mean_ - sd_.cwiseAbs2(); }  // exp(-2 of it) = t
  // -d log t_k / d log S_k at the maximum, in (0, 1).
  const Vector& elasticity() const { return elasticity_; }
  double size(Index k) const { return size_[k]; }

  // K: t_k S_k.
  Vector scaled(const Vector& squares) const {
    return effective_psi().unaryExpr([](double psi) { return effect_precision(psi); }).array() *
           squares.array();
  }

  double bound(const Vector& squares) const {
    const double likelihood = -size_.dot(mean_) - 0.5 * scaled(squares).sum();
    const auto r = prior_precision_.array();
    const double prior =
        0.5 * r.log().sum() - 0.5 * (r * (mean_.array().square() + sd_.array().square())).sum();
    if (is_point_) return likelihood + prior - 0.5 * double(mean_.size()) * log_two_pi;
    return likelihood + prior + (sd_.array().log() + 0.5).sum();
  }

  void maximize(const Vector& squares) {
    if (is_point_) return;
    for (Index k = 0; k < components(); ++k) maximize(k, squares[k]);
  }

 private:
  void maximize(Index k, double squares) {
    const double r = prior_precision_[k], n = size_[k];
    if (n == 0.0) {
      mean_[k] = 0.0;
      sd_[k] = 1.0 / std::sqrt(r);
      return;
    }
    const double log_squares = std::log(std::max(squares, 1e-300));
    double log_e = std::log(n), pull = 0.0;  // slope of log e - 2 m + 2 s^2 in log e is 1 + pull
    for (int iteration = 0; iteration < 200; ++iteration) {
      const double e = std::exp(log_e), variance = 1.0 / (2.0 * e + r);
      const double excess = log_squares - 2.0 * (e - n) / r + 2.0 * variance - log_e;
      pull = 2.0 * e / r + 4.0 * e * variance * variance;
      const double step = std::clamp(excess / (1.0 + pull), -2.0, 2.0);
      log_e += step;
      if (std::abs(step) < 1e-14) break;
    }
    const double e = std::exp(log_e), variance = 1.0 / (2.0 * e + r);
    mean_[k] = 0.5 * (log_squares - log_e) + variance;  // not (e - n) / r, which cancels
    sd_[k] = std::sqrt(variance);
    elasticity_[k] = pull / (1.0 + pull);
  }

  Vector prior_precision_, size_, mean_, sd_, elasticity_;
  bool is_point_ = false;
};

}  // namespace mixed_glm
