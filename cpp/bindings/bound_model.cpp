#include "bound_model.hpp"

#include <mixed_glm/priors/named_prior.hpp>

#include "keywords.hpp"

namespace bound_model {

mixed_glm::SparseRows sparse_rows(const py::array& indptr, const py::array& indices,
                                  const Doubles& data, Index cols) {
  if (indptr.size() < 1) throw std::invalid_argument("exog_vc: indptr is empty");
  const Index rows = indptr.size() - 1;
  return visit_codes(indptr, [&](const auto* starts) {
    check_length("exog_vc indices", indices.size(), Index(starts[rows]));
    check_length("exog_vc data", data.size(), indices.size());
    return visit_codes(indices, [&](const auto* columns) {
      return mixed_glm::SparseRows(rows, cols, starts, columns, data.data());
    });
  });
}

ModelArrays::ModelArrays(const py::kwargs& given) {
  keywords::Keywords names("Model", given);
  const std::pair<const char*, Doubles ModelArrays::*> doubles[] = {
      {"endog", &ModelArrays::endog},   {"vc_data", &ModelArrays::vc_data},
      {"trials", &ModelArrays::trials}, {"weights", &ModelArrays::weights},
      {"offset", &ModelArrays::offset}, {"fe_p", &ModelArrays::fe_p},
  };
  for (const auto& [name, member] : doubles) names.required(name, this->*member);
  names.required("exog", exog)
      .required("vc_indptr", vc_indptr)
      .required("vc_indices", vc_indices)
      .required("ident", ident)
      .required("sd_priors", sd_priors)
      .required("family", family)
      .optional("correlated", correlated)
      .optional("cor_priors", cor_priors)
      .optional("family_priors", family_priors)
      .optional("merge_rows", merge_rows)
      .optional("own_exog", own_exog)
      .optional("thresholds", thresholds)
      .optional("any_response", any_response)
      .optional("factorization", factorization)
      .finish();
}

mixed_glm::RandomEffects ModelArrays::random_effects() const {
  return {sparse_rows(vc_indptr, vc_indices, vc_data, ident.size()),
          std::vector<Code>(ident.data(), ident.data() + ident.size()), Index(sd_priors.size()),
          correlated_columns()};
}

std::vector<mixed_glm::CorrelatedColumns> ModelArrays::correlated_columns() const {
  std::vector<mixed_glm::CorrelatedColumns> terms;
  for (const auto& [columns, order] : correlated) terms.push_back({columns, order});
  return terms;
}

mixed_glm::ModelData ModelArrays::data() {
  if (exog.ndim() != 2) throw std::invalid_argument("exog: expected two dimensions");
  mixed_glm::ModelData data;
  data.endog = {endog.data(), endog.size()};
  data.exog = {exog.data(), exog.shape(0), exog.shape(1)};
  if (own_exog) data.exog_own = exog.mutable_data();
  data.random = random_effects();
  data.family = family;
  data.n_trials = {trials.data(), trials.size()};
  data.freq_weights = {weights.data(), weights.size()};
  data.offset = {offset.data(), offset.size()};
  data.fe_p = {fe_p.data(), fe_p.size()};
  for (Index t = 0; t < std::min(thresholds.size(), fe_p.size()); ++t) {
    data.fe_priors.emplace(t, mixed_glm::NormalPrior(thresholds.data()[t], fe_p.data()[t]));
  }
  for (const auto& [name, first, second] : sd_priors) {
    data.sd_priors.push_back(mixed_glm::make_prior({name, first, second}));
  }
  data.cor_priors = cor_priors;
  for (const auto& [name, first, second] : family_priors) {
    data.family_priors.push_back(mixed_glm::make_prior({name, first, second}));
  }
  data.merge_rows = merge_rows;
  data.any_response = any_response;
  data.factorization = mixed_glm::factorization_named(factorization);
  return data;
}

std::unique_ptr<BoundModel> make_model(const py::kwargs& given) {
  return std::make_unique<BoundModel>(ModelArrays(given));
}

}  // namespace bound_model
