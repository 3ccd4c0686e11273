// The priors of a model as numbers, as a caller gives them:
//
//     beta_a ~ N(0, fe_p_a^2)      psi_k ~ N(0, vcp_p_k^2), psi: log standard deviations
//     phi ~ N(0, 2^2), where the family has a hyperparameter (families/shape.hpp)
//
// or psi and phi with any others in the place of these, and those of correlations. A prior of beta
// about another mean m is one about zero beside an offset of X m.
#pragma once

#include <mixed_glm/priors/hyper_prior.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace mixed_glm {

constexpr double default_shape_sd = 2.0;

struct Prior {
  Vector fe_p;                          // p standard deviations of the fixed effects
  Vector vcp_p;                         // K standard deviations of the log standard deviations
  std::vector<HyperPrior> psi = {};     // K, in the place of vcp_p; none: vcp_p
  std::vector<HyperPrior> family = {};  // of the family's hyperparameter; none: N(0, 2^2)
  std::vector<HyperPrior> cor = {};     // of the z of all correlated terms

  void check(Index fixed, Index components, Index correlations) const {
    const auto check_one = [](const char* name, const Vector& sd, Index size) {
      if (sd.size() != size) {
        throw std::invalid_argument(std::string(name) + ": expected length " +
                                    std::to_string(size) + ", got " + std::to_string(sd.size()));
      }
      if (!((sd.array() > 0.0).all() && sd.allFinite())) {
        throw std::invalid_argument(std::string(name) + ": expected positive, finite values");
      }
    };
    check_one("fe_p", fe_p, fixed);
    if (Index(cor.size()) != correlations) {
      throw std::invalid_argument("priors of correlations: expected length " +
                                  std::to_string(correlations) + ", got " +
                                  std::to_string(cor.size()));
    }
    if (psi.empty()) {
      check_one("vcp_p", vcp_p, components);
    } else if (Index(psi.size()) != components) {
      throw std::invalid_argument("sd_priors: expected length " + std::to_string(components) +
                                  ", got " + std::to_string(psi.size()));
    }
  }

  // shapes: hyperparameters of the family, none or one.
  std::vector<HyperPrior> of_family(Index shapes) const {
    if (!family.empty() && Index(family.size()) != shapes) {
      throw std::invalid_argument("family_priors: expected length " + std::to_string(shapes) +
                                  ", got " + std::to_string(family.size()));
    }
    if (family.empty() && shapes > 0) return {NormalPrior(0.0, default_shape_sd)};
    return family;
  }

  std::vector<HyperPrior> of_psi() const {
    if (!psi.empty()) return psi;
    std::vector<HyperPrior> priors;
    for (const double sd : vcp_p) priors.emplace_back(NormalPrior(0.0, sd));
    return priors;
  }
};

}  // namespace mixed_glm
