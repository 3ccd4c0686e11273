// The Gaussian of expectation propagation: every row's likelihood is replaced by a site
// exp(-tau_i e_i^2 / 2 + nu_i e_i), e_i = a_i' x = eta_i - offset_i, so that
//
//     H = A' diag(tau) A + P,   mean = H^-1 A' nu,   s_i = a_i' H^-1 a_i
//
// A sweep (parallel EP, damped) takes every site out, matches the moments of the tilted density and
// puts the new site in. Evidence (Minka 2001; Rasmussen and Williams 2006, sec. 3.6), with tc, mc
// the precision and mean of the cavity of e_i and Z_i its integral with the likelihood:
//
//     log Z = sum_i [ log Z_i + 1/2 log(1 + tau/tc)
//                     + (tc tau mc^2 - 2 tc mc nu - nu^2) / (2 (tc + tau)) ]
//           + 1/2 nu' A m + 1/2 log|P| - 1/2 log|H|
//
// With sites of eta itself, squares of large offsets would cancel in it.
#pragma once

#include <mixed_glm/ep/site_history.hpp>
#include <mixed_glm/ep/tilted_moments.hpp>
#include <mixed_glm/linalg/selected_inverse.hpp>
#include <mixed_glm/model/coefficient_prior.hpp>
#include <mixed_glm/model/row_variance.hpp>

namespace mixed_glm {

class EpGaussian {
 public:
  // The team, if there is one, is viewed.
  EpGaussian(const Model& model, Index n_quad, Team* team = nullptr)
      : model_(&model),
        family_(model),
        prior_(model.design(), model.prior()),
        precision_(model.design().pattern(), team),
        sigma_(model.design().pattern(), team),
        row_variance_of_(model.design(), sigma_),
        rows_(model.design(), team),
        tau_(model.design().rows()),
        nu_(model.design().rows()),
        row_mean_(model.design().rows()),
        row_variance_(model.design().rows()),
        third_(model.design().rows()),
        mean_(Vector::Zero(model.design().coefficients())) {
    tilted_.reserve(size_t(rows_.members()));
    for (int k = 0; k < rows_.members(); ++k) tilted_.emplace_back(model, family_.kernel(), n_quad);
  }

  void set_probes(Index count) { precision_.set_probes(count); }
  void anchor_probes() { precision_.anchor(); }
  void forget() { precision_.forget(); }

  void set_theta(ConstVectorRef theta) {
    prior_.set(theta);
    family_.set(theta);
  }

  // Sites as those of other thetas predict them; and those of this one for others.
  void predict_sites(const SiteHistory& history, const Vector& theta) {
    history.predict(theta, tau_, nu_);
  }
  void remember_sites(SiteHistory& history, const Vector& theta) const {
    history.add(theta, tau_, nu_);
  }

  // Sites of a second-order expansion of the likelihood at given coefficients.
  void expand_at(const Vector& coefficients) {
    const LikelihoodSites sites(*model_, family_.kernel());
    rows_.for_blocks([&](TeamBlock& block) {
      detail::predict(*model_, coefficients, block);
      sites.evaluate<2>(block);
      set_sites(block);
    });
  }

  // The Gaussian of the present sites. False where H is not positive definite.
  bool refresh() {
    precision_.set_zero();
    mean_.setZero();
    rows_.for_blocks(
        [&](TeamBlock& block) {
          get_sites(block);
          rows_.add_expansion(block, mean_, precision_.values());
        },
        [&](TeamBlock& chunk) {
          rows_.finish_gradient(chunk, mean_);
          rows_.finish_curvature(chunk, precision_.values());
        });
    prior_.add_precision(precision_.values());
    if (!mean_.allFinite() || !precision_.factorize()) return false;
    const Vector pull = mean_;
    precision_.solve_in_place(mean_);
    quadratic_ = 0.5 * pull.dot(mean_);
    sigma_.compute(precision_);
    rows_.for_blocks([&](TeamBlock& block) {
      detail::predict(*model_, mean_, block);
      row_mean_.segment(block.first, block.count) = block.view(block.eta) - offset(block);
      row_variance_of_.evaluate(block, block.value);
      row_variance_.segment(block.first, block.count) = block.view(block.value);
    });
    return mean_.allFinite();
  }

  // Evidence of the present Gaussian, then one damped sweep over the sites. Returns how far their
  // Gaussian moves, in nats: the decrement of its mean, g' H^-1 g with g the pull of the new sites
  // at the mean, and half the squares of each row's change of precision as a share.
  double sweep(double damping) {
    double rows_evidence = 0.0, spread = 0.0, slope = 0.0;
    const bool has_family = model_->hyperparameters().family().size > 0;
    step_.setZero(mean_.size());
    rows_.for_blocks(
        [&](TeamBlock& block) {
          Tilted& tilted = tilted_[size_t(block.member)];
          if (block.opens_chunk) tilted.spread = tilted.slope = 0.0;
          take_out(block, tilted.rows, tilted.cavity_mean);
          tilted.moments.compute(block, tilted.rows);
          block.sum += site_evidence(block, tilted);
          if (has_family) tilted.slope += tilted.moments.family_slope(block);
          tilted.spread += put_in(block, tilted, damping);
          rows_.add_gradient(block, step_);
        },
        [&](TeamBlock& chunk) {
          rows_evidence += chunk.sum;
          spread += tilted_[size_t(chunk.member)].spread;
          slope += tilted_[size_t(chunk.member)].slope;
          rows_.finish_gradient(chunk, step_);
        });
    const Vector pull = step_;
    precision_.solve_in_place(step_);
    family_slope_ = slope + family_.constant_slope();
    const Index size = model_->design().coefficients();
    log_evidence_ = rows_evidence + quadratic_ + family_.constant() + prior_.log_normalizer() +
                    0.5 * double(size) * log_two_pi - 0.5 * precision_.log_determinant();
    return pull.dot(step_) + spread;
  }

  // The mean that the sites of the last sweep have with the covariance that there is: to first
  // order, and without another factor.
  void take_last_step() { mean_ += step_; }

  // What the family's hyperparameter makes of the rows at the mean (inference/marginal.hpp). Its
  // slope is that of the last sweep, under the tilted densities.
  void expand_family() {
    information_.resize(model_->design().rows());
    family_pull_.setZero(mean_.size());
    const ShapeSites sites(*model_, family_.kernel(), nullptr, &information_);
    pass_rows<1>(*model_, sites, mean_, &family_pull_, nullptr, rows_);
  }
  double family_slope() const { return family_slope_; }
  double family_information() const { return information_.sum(); }
  const Vector& family_pull() const { return family_pull_; }

  double log_evidence() const { return log_evidence_; }  // log p(y | psi), before the sweep
  const Vector& mean() const { return mean_; }           // (u, beta)
  // n: third cumulants of the tilted densities of the last sweep over s_i^3 (third_cumulants.hpp).
  Vector third() const { return third_.array() / row_variance_.array().cube(); }
  const SelectedInverse& sigma() const { return sigma_; }
  const Precision& precision() const { return precision_; }
  const CoefficientPrior& prior() const { return prior_; }
  bool is_finite() const {
    return std::isfinite(log_evidence_) && tau_.allFinite() && nu_.allFinite();
  }

 private:
  // What each member of the team has of its own.
  struct Tilted {
    Tilted(const Model& model, const Family& family, Index n_quad)
        : moments(model, family, n_quad) {}
    TiltedMoments moments;
    TiltedRows rows;
    RowBlock::Column cavity_mean;      // without the offset
    double spread = 0.0, slope = 0.0;  // of a chunk: see sweep()
  };

  // Functions of a block that do arithmetic are compiled once: the same bits in every thread.
  MIXED_GLM_NOINLINE void set_sites(RowBlock& block) {
    const auto weight = block.view(block.weight);
    tau_.segment(block.first, block.count) = weight;
    nu_.segment(block.first, block.count) =
        block.view(block.pull) + weight.cwiseProduct(block.view(block.eta) - offset(block));
  }

  MIXED_GLM_NOINLINE void get_sites(RowBlock& block) const {
    block.view(block.weight) = tau_.segment(block.first, block.count);
    block.view(block.pull) = nu_.segment(block.first, block.count);
  }

  ConstVectorRef offset(const RowBlock& block) const {
    return model_->offset().segment(block.first, block.count);
  }

  // Cavities of eta, and the posterior as a guess of where the tilted densities are.
  MIXED_GLM_NOINLINE void take_out(const RowBlock& block, TiltedRows& rows,
                                   RowBlock::Column& cavity_mean) const {
    for (Index r = 0; r < block.count; ++r) {
      const Index i = block.first + r;
      const double precision = 1.0 / row_variance_[i];
      // A site takes at most what there is: rounding may leave nothing of a very informative row's.
      const double cavity = math::max(precision - tau_[i], 1e-10 * precision);
      rows.cavity_precision[size_t(r)] = cavity;
      cavity_mean[size_t(r)] = (row_mean_[i] * precision - nu_[i]) / cavity;
      rows.cavity_mean[size_t(r)] = model_->offset()[i] + cavity_mean[size_t(r)];
      rows.center[size_t(r)] = model_->offset()[i] + row_mean_[i];
      rows.spread[size_t(r)] = std::sqrt(row_variance_[i]);
    }
  }

  MIXED_GLM_NOINLINE double site_evidence(RowBlock& block, const Tilted& tilted) const {
    const TiltedRows& rows = tilted.rows;
    for (Index r = 0; r < block.count; ++r) {
      const Index i = block.first + r;
      const double tc = rows.cavity_precision[size_t(r)], mc = tilted.cavity_mean[size_t(r)];
      const double tau = tau_[i], nu = nu_[i];
      block.value[size_t(r)] =
          rows.log_z[size_t(r)] + 0.5 * math::log(1.0 + tau / tc) +
          (tc * tau * mc * mc - 2.0 * tc * mc * nu - nu * nu) / (2.0 * (tc + tau));
    }
    return block.view(block.value).sum();
  }

  // Leaves the pull of the new sites at the posterior's mean in the block. Returns half the sum of
  // squared changes of precision.
  MIXED_GLM_NOINLINE double put_in(RowBlock& block, const Tilted& tilted, double damping) {
    const TiltedRows& rows = tilted.rows;
    for (Index r = 0; r < block.count; ++r) {
      const Index i = block.first + r;
      const double tc = rows.cavity_precision[size_t(r)], mc = tilted.cavity_mean[size_t(r)];
      const double precision = 1.0 / rows.variance[size_t(r)];
      const double tau =
          math::max(precision - tc, 0.0);  // log-concave: never negative but by rounding
      const double mean = rows.mean[size_t(r)] - model_->offset()[i];
      const double nu = mean * (tc + tau) - tc * mc;
      const double bend = tau - tau_[i], lift = nu - nu_[i];
      third_[i] = rows.third[size_t(r)];
      block.pull[size_t(r)] = lift - bend * row_mean_[i];
      block.value[size_t(r)] = bend * row_variance_[i];
      tau_[i] += damping * bend;
      nu_[i] += damping * lift;
    }
    return 0.5 * block.view(block.value).squaredNorm();
  }

  const Model* model_;
  FamilyAt family_;
  CoefficientPrior prior_;
  Precision precision_;
  SelectedInverse sigma_;
  RowVariance row_variance_of_;
  RowTeam rows_;
  std::vector<Tilted> tilted_;
  Vector tau_, nu_, row_mean_, row_variance_, third_, mean_;
  Vector step_;                       // of the mean, that the last sweep asks for
  Vector information_, family_pull_;  // of the family's hyperparameter; empty: it has none
  double quadratic_ = 0.0, log_evidence_ = 0.0, family_slope_ = 0.0;
};

}  // namespace mixed_glm
