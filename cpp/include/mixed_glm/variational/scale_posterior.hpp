// The variational posterior of the log standard deviations, q(psi_k) = N(m_k, s_k^2), or a point.
//
//     t_k = E exp(-2 psi_k) = exp(-2 m_k + 2 s_k^2)     S_k = sum_j E u_j^2 over its n_k effects
//
// With the normal prior N(c_k, 1/r_k) of psi_k, which is what makes all of this closed,
//
//     bound = -n_k m_k - t_k S_k / 2 - r_k ((m_k - c_k)^2 + s_k^2) / 2 + log(s_k sqrt(r_k)) + 1/2
//
// Given S_k it has one maximum: with e = t_k S_k it lies where
//
//     e = n + r (m - c)      1 / s^2 = 2 e + r      log S - 2 m + 2 s^2 = log e
//
// and the last equation, with m and s from the first two, falls monotonically in log e.
#pragma once

#include <mixed_glm/model/coefficient_prior.hpp>
#include <mixed_glm/model/model.hpp>

namespace mixed_glm {

class ScalePosterior {
 public:
  explicit ScalePosterior(const Model& model)
      : ScalePosterior(model.hyperparameters(), model.design().component_size()) {}
  // size: K, n_k. Stands at the means of their priors. Throws std::invalid_argument unless all
  // priors of psi are normal.
  ScalePosterior(const Hyperparameters& hyperparameters, const Vector& size)
      : size_(size),
        prior_mean_(size_.size()),
        prior_precision_(size_.size()),
        mean_(Vector::Zero(size_.size())),
        sd_(size_.size()),
        elasticity_(Vector::Zero(size_.size())) {
    if (hyperparameters.family().size > 0) {
      throw std::invalid_argument(
          "variational fits are for families without a hyperparameter of their own: use fit() or "
          "fit_laplace()");
    }
    for (Index k = 0; k < components(); ++k) {
      const NormalPrior* const prior = hyperparameters.prior(k).normal();
      if (prior == nullptr) {
        throw std::invalid_argument(
            "variational fits need normal priors of the log standard deviations");
      }
      mean_[k] = prior_mean_[k] = prior->mean();
      prior_precision_[k] = prior->precision();
      sd_[k] = std::min(prior->sd(), 0.1);
    }
  }

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
  Vector effective_psi() const { return mean_ - sd_.cwiseAbs2(); }  // exp(-2 of it) = t
  // -d log t_k / d log S_k at the maximum, in (0, 1).
  const Vector& elasticity() const { return elasticity_; }

  // K: t_k S_k.
  Vector scaled(const Vector& squares) const {
    return effective_psi().unaryExpr([](double psi) { return effect_precision(psi); }).array() *
           squares.array();
  }

  double bound(const Vector& squares) const {
    const double likelihood = -size_.dot(mean_) - 0.5 * scaled(squares).sum();
    const auto r = prior_precision_.array();
    const double prior =
        0.5 * r.log().sum() -
        0.5 * (r * ((mean_ - prior_mean_).array().square() + sd_.array().square())).sum();
    if (is_point_) return likelihood + prior - 0.5 * double(mean_.size()) * log_two_pi;
    return likelihood + prior + (sd_.array().log() + 0.5).sum();
  }

  // Of the bound, in m and s.
  struct Gradient {
    Vector mean, sd;
  };
  Gradient gradient(const Vector& squares) const {
    const Vector e = scaled(squares);
    const auto r = prior_precision_.array(), s = sd_.array();
    return {e.array() - size_.array() - r * (mean_ - prior_mean_).array(),
            s.inverse() - s * (2.0 * e.array() + r)};
  }

  void maximize(const Vector& squares) {
    if (is_point_) return;
    for (Index k = 0; k < components(); ++k) maximize(k, squares[k]);
  }

 private:
  void maximize(Index k, double squares) {
    const double r = prior_precision_[k], n = size_[k];
    if (n == 0.0) {
      mean_[k] = prior_mean_[k];
      sd_[k] = 1.0 / std::sqrt(r);
      return;
    }
    const double log_squares = std::log(std::max(squares, 1e-300));
    const double log_free = log_squares - 2.0 * prior_mean_[k];
    double log_e = std::log(n), pull = 0.0;  // slope of log e - 2 m + 2 s^2 in log e is 1 + pull
    for (int iteration = 0; iteration < 200; ++iteration) {
      const double e = std::exp(log_e), variance = 1.0 / (2.0 * e + r);
      const double excess = log_free - 2.0 * (e - n) / r + 2.0 * variance - log_e;
      pull = 2.0 * e / r + 4.0 * e * variance * variance;
      const double step = std::clamp(excess / (1.0 + pull), -2.0, 2.0);
      log_e += step;
      if (std::abs(step) < 1e-14) break;
    }
    const double e = std::exp(log_e), variance = 1.0 / (2.0 * e + r);
    mean_[k] = 0.5 * (log_squares - log_e) + variance;  // not c + (e - n) / r, which cancels
    sd_[k] = std::sqrt(variance);
    elasticity_[k] = pull / (1.0 + pull);
  }

  Vector size_, prior_mean_, prior_precision_, mean_, sd_, elasticity_;
  bool is_point_ = false;
};

}  // namespace mixed_glm
