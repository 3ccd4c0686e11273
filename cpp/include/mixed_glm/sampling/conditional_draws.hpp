// Draws of the coefficients given psi, from an approximation of their conditional posterior. It is
// evaluated at a psi, and serves the draws of all psi near by: means move to first order
// (gaussian_draws.hpp), and the skewness is that of the psi (skew_draws.hpp).
#pragma once

#include <mixed_glm/inference/marginal.hpp>
#include <mixed_glm/sampling/skew_draws.hpp>
#include <utility>

namespace mixed_glm {

class ConditionalDraws {
 public:
  virtual ~ConditionalDraws() = default;

  virtual const Model& model() const = 0;
  // Takes the tails of the fixed effects from a psi, for all draws that follow; without, they have
  // none. thorough: as in inference/marginal.hpp. False where it fails.
  virtual bool expand_fixed(const Vector& psi, bool thorough) = 0;
  // False where it fails.
  virtual bool evaluate(const Vector& psi) = 0;
  // psi: K x m. z: (q + p) x m, standard normal, becomes the draws (u, beta), in the order of the
  // design. Returns their log densities given psi.
  virtual DrawDensities draw(const Matrix& psi, RowMatrix& z) = 0;
};

// Of a marginal (inference/marginal.hpp) whose conditional posterior is a Gaussian but for its
// skewness.
template <class GaussianMarginal>
class GaussianConditionalDraws final : public ConditionalDraws {
 public:
  template <class... Arguments>
  explicit GaussianConditionalDraws(Arguments&&... arguments)
      : marginal_(std::forward<Arguments>(arguments)...) {}

  const Model& model() const override { return marginal_.model(); }

  bool expand_fixed(const Vector& psi, bool thorough) override {
    if (!marginal_.evaluate(psi)) return false;
    marginal_.expand_fixed(thorough);
    skew_.set_fixed(marginal_.fixed_tails());
    return true;
  }

  bool evaluate(const Vector& psi) override {
    psi_ = psi;
    if (!marginal_.evaluate(psi)) return false;
    const ConditionalPosterior posterior = marginal_.posterior();
    const Index q = model().design().effects();
    mean_ = posterior.mean;
    skew_.set(marginal_.precision(), posterior.variance.head(q),
              posterior.third.head(std::min(q, posterior.third.size())), posterior.fe_cov);
    response_ =
        psi_response(marginal_.prior(), marginal_.precision(), mean_, marginal_.family_pull());
    return true;
  }

  DrawDensities draw(const Matrix& psi, RowMatrix& z) override {
    DrawDensities log_density = skew_.draw(z);
    z.colwise() += mean_;
    if (psi_.size() > 0) {
      add_atb(psi.colwise() - psi_, response_.transpose(), z.transpose());
    }
    return log_density;
  }

 private:
  GaussianMarginal marginal_;
  SkewDraws skew_;
  Vector psi_, mean_;
  RowMatrix response_;
};

}  // namespace mixed_glm
