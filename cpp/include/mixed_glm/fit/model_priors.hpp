// The priors of a model, from what its data say of them: numbers, distributions, or nothing.
#pragma once

#include <mixed_glm/families/named_family.hpp>
#include <mixed_glm/families/shape.hpp>
#include <mixed_glm/families/threshold_locations.hpp>
#include <mixed_glm/fit/check_argument.hpp>
#include <mixed_glm/fit/default_priors.hpp>
#include <mixed_glm/fit/model_data.hpp>
#include <mixed_glm/model/component_spread.hpp>
#include <mixed_glm/model/prior.hpp>
#include <mixed_glm/model/standardization.hpp>
#include <optional>
#include <string>

namespace mixed_glm {

// Normal priors of the fixed effects, and the coordinates in which they are independent and about
// zero: none where the columns as they stand will do. Where the prior of the constant is one of the
// linear predictor at the means of the other columns, these are centred and scaled; then nothing is
// lost to rounding with a covariate far from zero, either.
class FixedPriors {
 public:
  // x: as data.exog, checked; scale: of the response. Throws std::invalid_argument for wrong
  // priors.
  FixedPriors(const ModelData& data, const MatrixView& x, double scale)
      : thresholds_(family_categories(data.family).value_or(1) - 1),
        mean_(Vector::Zero(x.cols() + thresholds_)),
        sd_(mean_.size()) {
    for (const auto& [j, prior] : data.fe_priors) check(j, prior, sd_.size());
    if (!data.fe_p.empty()) {
      check_length("fe_p", data.fe_p.size(), sd_.size());
      sd_ = data.fe_p.map();
    } else if (Index(data.fe_priors.size()) < sd_.size()) {
      set_defaults(data, x, scale);
    }
    for (const auto& [j, prior] : data.fe_priors) set(j, prior);
    if (!coordinates_ && !mean_.isZero(0.0)) coordinates_.emplace(mean_);
    if (coordinates_) sd_.array() *= coordinates_->scale().array();
  }

  const Vector& sd() const { return sd_; }          // p, in those coordinates
  Index thresholds() const { return thresholds_; }  // of an ordinal model, the first of these p
  const std::optional<Standardization>& coordinates() const { return coordinates_; }

 private:
  static void check(Index j, const NormalPrior& prior, Index p) {
    if (j < 0 || j >= p) {
      refuse_argument("fe_priors", "numbers of fixed effects, 0 to " + std::to_string(p - 1),
                      std::to_string(j));
    }
    if (std::isfinite(prior.mean()) && std::isfinite(prior.sd()) && prior.sd() > 0.0) return;
    refuse_argument("fe_priors", "a finite mean and a positive, finite sd",
                    std::to_string(prior.mean()) + " and " + std::to_string(prior.sd()) +
                        " for fixed effect " + std::to_string(j));
  }

  void set(Index j, const NormalPrior& prior) {
    mean_[j] = prior.mean();
    sd_[j] = prior.sd();
  }

  void set_defaults(const ModelData& data, const MatrixView& x, double scale) {
    const ColumnSpreads columns(x.map(), data.freq_weights.map());
    if (thresholds_ > 0) return set_ordinal_defaults(data, columns);
    const bool centred = columns.constant >= 0 && data.fe_priors.count(columns.constant) == 0;
    const double location =
        centred ? response_location(data.family, data.endog.map(), data.n_trials.map(),
                                    data.freq_weights.map(), data.offset.map())
                : 0.0;
    Index j = 0;
    for (const NormalPrior& prior : default_fe_priors(columns, location, scale)) set(j++, prior);
    for (const auto& [k, prior] : data.fe_priors) set(k, prior);
    if (centred) coordinates_.emplace(columns, mean_);
  }

  // Thresholds have the prior that a constant would have.
  void set_ordinal_defaults(const ModelData& data, const ColumnSpreads& columns) {
    const Vector at = threshold_locations(data.family, data.endog.map(), data.freq_weights.map(),
                                          data.offset.map());
    Index j = 0;
    for (; j < thresholds_; ++j) set(j, NormalPrior(at[j], default_prior_scale));
    for (const NormalPrior& prior : default_fe_priors(columns, 0.0)) set(j++, prior);
    for (const auto& [k, prior] : data.fe_priors) set(k, prior);
    const bool centred = data.fe_priors.empty() || data.fe_priors.begin()->first >= thresholds_;
    if (centred) coordinates_.emplace(columns, mean_, thresholds_);
  }

  Index thresholds_;
  Vector mean_, sd_;  // p
  std::optional<Standardization> coordinates_;
};

inline std::vector<HyperPrior> cor_priors(const ModelData& data) {
  const std::vector<CorrelatedColumns>& terms = data.random.correlated();
  if (!data.cor_priors.empty()) {
    check_length("cor_priors", Index(data.cor_priors.size()), Index(terms.size()));
  }
  std::vector<HyperPrior> priors;
  for (size_t t = 0; t < terms.size(); ++t) {
    const double shape = data.cor_priors.empty() ? 1.0 : data.cor_priors[t];
    if (!(shape > 0.0 && std::isfinite(shape))) {
      refuse_argument("cor_priors", "positive, finite shapes", std::to_string(shape));
    }
    for (const LkjPrior& prior : lkj_priors(shape, terms[t].order)) priors.emplace_back(prior);
  }
  return priors;
}

// All priors, in the coordinates of the fixed effects' own. z: the matrix of data.random; scale: of
// the response.
inline Prior model_prior(const ModelData& data, const FixedPriors& fixed, const SparseRows& z,
                         double scale) {
  Prior prior{fixed.sd(), data.vcp_p.map(), data.sd_priors, data.family_priors, cor_priors(data)};
  if (prior.family.empty() && has_shape(data.family)) {
    prior.family = {default_family_prior(scale)};
  }
  if (!data.sd_priors.empty() || !data.vcp_p.empty()) return prior;
  const Vector spreads =
      component_spreads(z, data.random.ident(), data.random.components(), data.freq_weights.map());
  for (const NormalPrior& own : default_sd_priors(spreads, scale)) prior.psi.emplace_back(own);
  return prior;
}

}  // namespace mixed_glm
