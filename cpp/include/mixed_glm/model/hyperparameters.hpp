// The hyperparameters of a model, each on a scale without bounds, in three blocks:
//
//     theta = (psi, cor, family)
//
//     psi     log standard deviation of each component
//     cor     of the correlations of each term of correlated effects (partial_correlations.hpp)
//     family  of the response's distribution (none yet)
//
// and their priors, which are independent: log p(theta) = sum_i log p_i(theta_i).
#pragma once

#include <mixed_glm/priors/hyper_prior.hpp>
#include <mixed_glm/terms/partial_correlations.hpp>
#include <utility>
#include <vector>

namespace mixed_glm {

constexpr double joint_start_psi = 1.0;  // above the prior's mode; as in statsmodels

class Hyperparameters {
 public:
  struct Block {
    Index begin, size;
  };

  // orders: coordinates of each term of correlated effects.
  explicit Hyperparameters(const std::vector<HyperPrior>& psi,
                           const std::vector<HyperPrior>& cor = {},
                           const std::vector<HyperPrior>& family = {},
                           std::vector<Index> orders = {})
      : priors_(psi), psi_(Index(psi.size())), cor_(Index(cor.size())), orders_(std::move(orders)) {
    priors_.insert(priors_.end(), cor.begin(), cor.end());
    priors_.insert(priors_.end(), family.begin(), family.end());
    for (const HyperPrior& prior : priors_) log_normalizer_ += prior.log_normalizer();
  }

  Index size() const { return Index(priors_.size()); }
  Block psi() const { return {0, psi_}; }
  Block cor() const { return {psi_, cor_}; }
  Block family() const { return {psi_ + cor_, size() - psi_ - cor_}; }

  // visit(term, order): for each term of correlated effects its block of theta.
  template <class Visit>
  void for_correlated(Visit&& visit) const {
    Index begin = psi_;
    for (const Index order : orders_) {
      visit(Block{begin, lower_entries(order)}, order);
      begin += lower_entries(order);
    }
  }
  // theta with the correlations themselves in the place of z: as it is told.
  Vector told(const Vector& theta) const {
    Vector result = theta;
    for_correlated([&](const Block& block, Index order) {
      PartialCorrelations partial(order);
      partial.set(theta.segment(block.begin, block.size));
      result.segment(block.begin, block.size) = partial.correlations();
    });
    return result;
  }

  // Where a search for the mode of p(y, theta) begins.
  Vector start() const {
    return Vector::NullaryExpr(size(), [&](Index i) { return prior(i).mode(); });
  }
  // Where one for the mode of the joint density begins: higher, since near zero that density has
  // the modes of collapsed components (variance_collapse.hpp).
  Vector joint_start() const {
    Vector result = start();
    result.head(psi_).array() += joint_start_psi;
    return result;
  }

  const HyperPrior& prior(Index i) const { return priors_[size_t(i)]; }
  // log p(theta)
  double log_density(ConstVectorRef theta) const {
    double sum = 0.0;
    for (Index i = 0; i < size(); ++i) sum += prior(i).value(theta[i]);
    return sum + log_normalizer_;
  }
  Vector slope(ConstVectorRef theta) const {
    return Vector::NullaryExpr(size(), [&](Index i) { return prior(i).slope(theta[i]); });
  }
  Vector curvature(ConstVectorRef theta) const {
    return Vector::NullaryExpr(size(), [&](Index i) { return prior(i).curvature(theta[i]); });
  }

 private:
  std::vector<HyperPrior> priors_;
  Index psi_, cor_;
  std::vector<Index> orders_;  // of the correlated terms
  double log_normalizer_ = 0.0;
};

}  // namespace mixed_glm
