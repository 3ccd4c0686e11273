// A Gaussian posterior q(x) of the coefficients x = (u, beta) as the ascent of the variational
// bound sees it (ascent.hpp): it can expand the bound where it stands, and step towards the maximum
// of that expansion.
#pragma once

#include <mixed_glm/linalg/precision.hpp>
#include <mixed_glm/model/coefficient_prior.hpp>
#include <mixed_glm/model/model.hpp>

namespace mixed_glm {

// E log p(beta) - E log q(x) + q/2 log 2 pi of a Gaussian q(x): all of the bound but the rows, psi
// and the prior of the effects. half_log_determinant: of the covariance.
inline double coefficient_bound(const Model& model, const Vector& mean, const Vector& variance,
                                double half_log_determinant) {
  const Index p = model.design().fixed();
  const auto fe_p = model.prior().fe_p.array();
  const auto beta_squares = mean.tail(p).array().square() + variance.tail(p).array();
  return half_log_determinant + 0.5 * double(mean.size()) - fe_p.log().sum() -
         0.5 * (beta_squares / fe_p.square()).sum();
}

class CoefficientPosterior {
 public:
  // Throws std::invalid_argument unless all effects are independent.
  explicit CoefficientPosterior(const Model& model)
      : model_(&model),
        prior_(model.design(), model.prior()),
        precision_(model.design().pattern()),
        mean_(Vector::Zero(model.design().coefficients())),
        variance_(Vector::Ones(mean_.size())),
        gradient_(mean_.size()) {
    if (!prior_.is_independent()) {
      throw std::invalid_argument("variational fits need independent random effects");
    }
  }
  CoefficientPosterior(const CoefficientPosterior&) = delete;
  CoefficientPosterior& operator=(const CoefficientPosterior&) = delete;
  virtual ~CoefficientPosterior() = default;

  // Forgets where it stands: it must be started anew.
  void reset() {
    mean_.setZero();
    variance_.setOnes();
    precision_.forget();
    passes_ = 0;
  }

  // One pass: E log p(y | x) here, and what a step of a length in (0, 1] needs.
  virtual double expand(double length) = 0;
  // The step that expand() prepared, given prior precisions exp(-2 psi). False if it fails.
  virtual bool step(const Vector& psi, double length) = 0;
  // Back to where the last step began; expand() before the next one.
  virtual void restore() = 0;
  // Means and log standard deviations, 2 (q + p), of a posterior that is nothing else and can be
  // put anywhere; empty for others.
  virtual Vector point() const { return {}; }
  virtual void set_point(const Vector&) {}
  // K x K: sum of t_i t_j Cov(u_i, u_j)^2 over the effects of two components, t being the
  // precisions of the last step: how fast the prior precisions change the variances. Here of
  // independent effects.
  virtual Matrix variance_response() const {
    const Design& design = model_->design();
    Matrix sums = Matrix::Zero(design.components(), design.components());
    for (Index j = 0; j < design.effects(); ++j) {
      const double scaled = prior_.diagonal()[j] * variance_[j];
      sums(design.component(j), design.component(j)) += scaled * scaled;
    }
    return sums;
  }
  // 1/2 log|covariance|
  virtual double half_log_determinant() const = 0;

  const Model& model() const { return *model_; }
  const Vector& mean() const { return mean_; }          // q + p
  const Vector& variance() const { return variance_; }  // q + p
  const CoefficientPrior& prior() const { return prior_; }
  // Of H = A'WA + P at the last step.
  const Precision& precision() const { return precision_; }
  int passes() const { return passes_; }
  void set_mean(const Vector& mean) { mean_ = mean; }

  // K: sum of E u_j^2.
  Vector squares() const { return prior_.squares(mean_, variance_); }
  double bound() const {
    return coefficient_bound(*model_, mean_, variance_, half_log_determinant());
  }

  // The last step: of means in standard deviations, and of log standard deviations; 2 (q + p).
  Vector move() const {
    Vector result(2 * mean_.size());
    result.head(mean_.size()) = (mean_ - mean_before_).cwiseQuotient(variance_.cwiseSqrt());
    result.tail(mean_.size()) = 0.5 * (variance_.array() / variance_before_.array()).log().matrix();
    return result;
  }

 protected:
  void keep() {
    mean_before_ = mean_;
    variance_before_ = variance_;
  }

  // H from the likelihood's curvature in precision_, and x + length H^-1 (gradient - P x).
  bool step_mean(const Vector& psi, double length) {
    prior_.set(psi);
    prior_.add_precision(precision_.values());
    if (!gradient_.allFinite() || !precision_.factorize()) return false;
    prior_.add_gradient(mean_, gradient_);
    precision_.solve_in_place(gradient_);
    mean_ += length * gradient_;
    return mean_.allFinite();
  }

  const Model* model_;
  CoefficientPrior prior_;
  Precision precision_;
  Vector mean_, variance_, gradient_;  // gradient of the rows alone
  Vector mean_before_, variance_before_;
  int passes_ = 0;
};

}  // namespace mixed_glm
