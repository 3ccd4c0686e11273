// Priors of what is given none, in units of the data: neither the unit nor the origin of a
// covariate matters.
//
//     beta_j   N(0, (2.5 / spread_j)^2)       model/column_spread.hpp
//     beta_c   N(g(mean of y), 2.5^2), of the constant column: the linear predictor where all other
//              columns are at their means     families/response_location.hpp
//     psi_k    N(-log spread_k, 1)            model/component_spread.hpp
//     phi      N(0, 2^2)                      families/shape.hpp
//
// With scale, the unit of the linear predictor (families/response_location.hpp), everything is in
// units of it: 2.5 scale / spread_j, log scale - log spread_k; phi, the logarithm of a standard
// deviation where scale is not one, is about log scale.
#pragma once

#include <cmath>
#include <mixed_glm/model/column_spread.hpp>
#include <mixed_glm/model/prior.hpp>
#include <mixed_glm/priors/hyper_prior.hpp>
#include <vector>

namespace mixed_glm {

constexpr double default_prior_scale = 2.5;

// p priors. location, scale: of the response.
inline std::vector<NormalPrior> default_fe_priors(const ColumnSpreads& columns, double location,
                                                  double scale = 1.0) {
  const double reach = default_prior_scale * scale;
  std::vector<NormalPrior> priors;
  for (Index j = 0; j < columns.columns(); ++j) {
    if (j == columns.constant) {
      const double value = columns.mean[j];
      priors.emplace_back(location / value, reach / std::abs(value));
    } else {
      priors.emplace_back(0.0, reach / columns.spread(j));
    }
  }
  return priors;
}

// K priors. spreads: of the components.
inline std::vector<NormalPrior> default_sd_priors(const Vector& spreads, double scale = 1.0) {
  std::vector<NormalPrior> priors;
  for (const double spread : spreads)
    priors.emplace_back(std::log(scale) - std::log(spread), 1.0);  // 0 of 1, and not -0
  return priors;
}

inline NormalPrior default_family_prior(double scale = 1.0) {
  return {std::log(scale), default_shape_sd};
}

}  // namespace mixed_glm
