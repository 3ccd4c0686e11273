// The Gaussian of expectation propagation: every row's likelihood is replaced by a site
// exp(-tau_i eta_i^2 / 2 + nu_i eta_i), eta_i = offset_i + a_i' x, so that
//
//     H = A' diag(tau) A + P,   mean = H^-1 A' (nu - tau offset),   s_i = a_i' H^-1 a_i
//
// A sweep (parallel EP, damped) takes every site out, matches the moments of the tilted density and
// puts the new site in. Evidence (Minka 2001; Rasmussen and Williams 2006, sec. 3.6), with tc, mc
// the cavity's precision and mean and Z_i its integral with the likelihood:
//
//     log Z = sum_i [ log Z_i + 1/2 log(1 + tau/tc) + (tc tau mc^2 - 2 tc mc nu - nu^2) / (2 (tc +
//     tau)) ]
//           + sum_i [ nu o - tau o^2 / 2 ] + 1/2 (nu - tau o)' A m + 1/2 log|P| - 1/2 log|H|
#pragma once

#include <mixed_glm/ep/tilted_moments.hpp>
#include <mixed_glm/linalg/selected_inverse.hpp>
#include <mixed_glm/model/coefficient_prior.hpp>
#include <mixed_glm/model/row_variance.hpp>

namespace mixed_glm {

class EpGaussian {
 public:
  EpGaussian(const Model& model, Index n_quad)
      : model_(&model),
        prior_(model.design(), model.prior()),
        cholesky_(model.design().pattern()),
        sigma_(model.design().pattern()),
        row_variance_of_(model.design(), sigma_),
        tilted_(model, n_quad),
        tau_(model.design().rows()),
        nu_(model.design().rows()),
        row_mean_(model.design().rows()),
        row_variance_(model.design().rows()),
        mean_(Vector::Zero(model.design().coefficients())) {}

  void set_psi(ConstVectorRef psi) { prior_.set_psi(psi); }

  // Sites of a second-order expansion of the likelihood at given coefficients.
  void expand_at(const Vector& coefficients) {
    const LikelihoodSites sites(*model_);
    for_blocks([&](RowBlock& block) {
      detail::predict(*model_, coefficients, block);
      const Eigen::ArrayXd eta = block.view(block.eta).array();
      sites.evaluate<2>(block);
      tau_.segment(block.first, block.count) = block.view(block.weight);
      nu_.segment(block.first, block.count).array() =
          block.view(block.pull).array() + block.view(block.weight).array() * eta;
    });
  }

  // The Gaussian of the present sites. False where H is not positive definite.
  bool refresh() {
    cholesky_.set_zero();
    mean_.setZero();
    for_blocks([&](RowBlock& block) {
      const auto offset = model_->offset().segment(block.first, block.count);
      block.view(block.weight) = tau_.segment(block.first, block.count);
      block.view(block.pull) =
          nu_.segment(block.first, block.count) - block.view(block.weight).cwiseProduct(offset);
      detail::add_gradient(model_->design(), block, mean_);
      detail::add_curvature(model_->design(), block, cholesky_.values());
    });
    prior_.add_precision(cholesky_.values());
    if (!mean_.allFinite() || !cholesky_.factorize()) return false;
    const Vector pull = mean_;
    cholesky_.solve_in_place(mean_);
    quadratic_ = 0.5 * pull.dot(mean_);
    sigma_.compute(cholesky_);
    for_blocks([&](RowBlock& block) {
      detail::predict(*model_, mean_, block);
      row_mean_.segment(block.first, block.count) = block.view(block.eta);
      row_variance_of_.evaluate(block, block.value);
      row_variance_.segment(block.first, block.count) = block.view(block.value);
    });
    return mean_.allFinite();
  }

  // Evidence of the present Gaussian, then one damped sweep over the sites. Returns the largest
  // change that it makes to a row: of its mean in standard deviations, or of its precision as a
  // share.
  double sweep(double damping) {
    double rows_evidence = 0.0, largest = 0.0;
    for_blocks([&](RowBlock& block) {
      take_out(block);
      tilted_.compute(block, rows_);
      rows_evidence += site_evidence(block);
      largest = std::max(largest, put_in(block, damping));
    });
    const Index size = model_->design().coefficients();
    log_evidence_ = rows_evidence + quadratic_ + model_->constant() + prior_.log_normalizer() +
                    0.5 * double(size) * log_two_pi - 0.5 * cholesky_.log_determinant();
    return largest;
  }

  double log_evidence() const { return log_evidence_; }  // log p(y | psi), before the sweep
  const Vector& mean() const { return mean_; }           // (u, beta)
  const SelectedInverse& sigma() const { return sigma_; }
  const BorderedCholesky& cholesky() const { return cholesky_; }
  const CoefficientPrior& prior() const { return prior_; }
  bool is_finite() const {
    return std::isfinite(log_evidence_) && tau_.allFinite() && nu_.allFinite();
  }

 private:
  template <class Visit>
  void for_blocks(Visit&& visit) {
    const Index n = model_->design().rows();
    for (block_.first = 0; block_.first < n; block_.first += row_block_size) {
      block_.count = std::min(row_block_size, n - block_.first);
      visit(block_);
    }
  }

  // Cavities, and the posterior means as guesses of the tilted modes.
  void take_out(RowBlock& block) {
    for (Index r = 0; r < block.count; ++r) {
      const Index i = block.first + r;
      const double precision = 1.0 / row_variance_[i];
      // A site takes at most what there is: rounding may leave nothing of a very informative row's.
      const double cavity = std::max(precision - tau_[i], 1e-10 * precision);
      rows_.cavity_precision[size_t(r)] = cavity;
      rows_.cavity_mean[size_t(r)] = (row_mean_[i] * precision - nu_[i]) / cavity;
      block.eta[size_t(r)] = row_mean_[i];
    }
  }

  double site_evidence(const RowBlock& block) const {
    double sum = 0.0;
    for (Index r = 0; r < block.count; ++r) {
      const Index i = block.first + r;
      const double tc = rows_.cavity_precision[size_t(r)], mc = rows_.cavity_mean[size_t(r)];
      const double tau = tau_[i], nu = nu_[i], offset = model_->offset()[i];
      sum += rows_.log_z[size_t(r)] + 0.5 * std::log1p(tau / tc) +
             (tc * tau * mc * mc - 2.0 * tc * mc * nu - nu * nu) / (2.0 * (tc + tau)) +
             nu * offset - 0.5 * tau * offset * offset;
    }
    return sum;
  }

  double put_in(const RowBlock& block, double damping) {
    double largest = 0.0;
    for (Index r = 0; r < block.count; ++r) {
      const Index i = block.first + r;
      const double tc = rows_.cavity_precision[size_t(r)], mc = rows_.cavity_mean[size_t(r)];
      const double precision = 1.0 / rows_.variance[size_t(r)];
      const double tau =
          std::max(precision - tc, 0.0);  // log-concave: never negative but by rounding
      const double nu = rows_.mean[size_t(r)] * (tc + tau) - tc * mc;
      const double shift = (nu - nu_[i]) - (tau - tau_[i]) * row_mean_[i];
      largest = std::max({largest, std::abs(tau - tau_[i]) * row_variance_[i],
                          std::abs(shift) * std::sqrt(row_variance_[i])});
      tau_[i] += damping * (tau - tau_[i]);
      nu_[i] += damping * (nu - nu_[i]);
    }
    return largest;
  }

  const Model* model_;
  CoefficientPrior prior_;
  BorderedCholesky cholesky_;
  SelectedInverse sigma_;
  RowVariance row_variance_of_;
  TiltedMoments tilted_;
  TiltedMoments::Rows rows_;
  RowBlock block_;
  Vector tau_, nu_, row_mean_, row_variance_, mean_;
  double quadratic_ = 0.0, log_evidence_ = 0.0;
};

}  // namespace mixed_glm
