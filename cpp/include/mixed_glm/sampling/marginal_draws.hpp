// Draws given psi from a marginal posterior (inference/marginal.hpp) that knows the conditional
// posterior there.
#pragma once

#include <mixed_glm/sampling/conditional_draws.hpp>
#include <mixed_glm/sampling/skew_draws.hpp>
#include <numeric>
#include <utility>
#include <vector>

namespace mixed_glm {

// What is not skew for itself is drawn from a Gaussian
// about the mean at a psi, which moves with psi.
template <class AnyMarginal>
class MarginalDraws : public ConditionalDraws {
 public:
  template <class... Arguments>
  explicit MarginalDraws(Arguments&&... arguments)
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
    take_over();
    return true;
  }

 protected:
  // mean_, response_ and skew_, at the psi that the marginal was evaluated at.
  virtual void take_over() = 0;

  // x: standard normal, becomes draws.
  DrawDensities draw_about_mean(const Matrix& psi, RowMatrix& x) const {
    DrawDensities log_density = skew_.draw(x);
    x.colwise() += mean_;
    if (psi_.size() > 0) add_atb(psi.colwise() - psi_, response_.transpose(), x.transpose());
    return log_density;
  }

  AnyMarginal marginal_;
  SkewDraws skew_;
  Vector psi_, mean_;
  RowMatrix response_;  // d mean / d psi
};

// Whose conditional posterior is a Gaussian but for its skewness.
template <class GaussianMarginal>
class GaussianConditionalDraws final : public MarginalDraws<GaussianMarginal> {
 public:
  using MarginalDraws<GaussianMarginal>::MarginalDraws;

  std::vector<Index> want(const std::vector<Index>& /*effects*/) override {
    std::vector<Index> all(size_t(this->model().design().effects()));
    std::iota(all.begin(), all.end(), Index(0));
    return all;
  }
  DrawDensities draw(const Matrix& psi, RowMatrix& z) override {
    return this->draw_about_mean(psi, z);
  }

 private:
  void take_over() override {
    const GaussianMarginal& marginal = this->marginal_;
    const ConditionalPosterior posterior = this->marginal_.posterior();
    const Index q = this->model().design().effects();
    this->mean_ = posterior.mean;
    this->skew_.set(marginal.precision(), posterior.variance.head(q),
                    posterior.third.head(std::min(q, posterior.third.size())), posterior.fe_cov);
    this->response_ =
        psi_response(marginal.prior(), marginal.precision(), this->mean_, marginal.family_pull());
  }
};

}  // namespace mixed_glm
