// What a model is made of: the caller's arrays, by the names of the Python package.
#pragma once

#include <map>
#include <mixed_glm/families/family.hpp>
#include <mixed_glm/fit/random_effects.hpp>
#include <mixed_glm/fit/views.hpp>
#include <mixed_glm/inference/enum_names.hpp>
#include <mixed_glm/model/elimination.hpp>
#include <mixed_glm/priors/hyper_prior.hpp>
#include <vector>

namespace mixed_glm {

inline constexpr EnumNames<Factorization, 3> factorization_names = {{
    {Factorization::automatic, "automatic"},
    {Factorization::exact, "exact"},
    {Factorization::iterative, "iterative"},
}};

// Throws std::invalid_argument for an unknown name.
inline Factorization factorization_named(std::string_view name) {
  return value_named(factorization_names, "factorization", name);
}

// Not given: one trial, weights of one, no offset, and priors in units of the data
// (fit/default_priors.hpp).
struct ModelData {
  VectorView endog;  // n responses; numbers of successes for a binomial; ordinal: categories
                     // 0 .. C - 1
  MatrixView exog;   // n x p; no columns: no fixed effects
  double* exog_own = nullptr;  // exog's numbers, where they may be overwritten: rows are then
                               // sorted in place
  RandomEffects random{0};     // q effects in K components; no rows: none
  Family family = BinomialLogit();
  VectorView n_trials;      // n, binomial only
  VectorView freq_weights;  // n, how often each row counts
  VectorView offset;        // n, added to the linear predictor
  VectorView fe_p;   // p prior standard deviations of the fixed effects, about zero; ordinal:
                     // C - 1 + p, those of the thresholds are the first
  VectorView vcp_p;  // K, of the log standard deviations of the random effects
  std::map<Index, NormalPrior> fe_priors = {};  // of single fixed effects, before fe_p
  std::vector<HyperPrior> sd_priors;            // K, in the place of vcp_p (priors/hyper_prior.hpp)
  std::vector<double> cor_priors;               // LKJ's shape for each correlated term; empty: 1
  std::vector<HyperPrior> family_priors;        // one, where the family has a hyperparameter
  bool merge_rows = true;  // rows equal in exog, random effects and offset are one, where that
                           // pays; false for fits of other responses with offsets of their own
  Factorization factorization = Factorization::automatic;  // model/elimination.hpp
  bool any_response = false;  // ordinal: for fits of other responses (model/ordinal_rows.hpp)
};

}  // namespace mixed_glm
