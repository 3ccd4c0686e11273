// Where the parameters of a model stand in one vector:
//
//     (beta, theta, u)      theta = (psi, cor, family), hyperparameters.hpp
#pragma once

#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

struct ParameterLayout {
  Index fixed = 0, hyper = 0, effects = 0;  // lengths of the three
  Index components = 0;                     // of psi, with which theta begins
  Index correlations = 0;                   // of cor, which follow; the rest is of the family

  Index size() const { return fixed + hyper + effects; }
  Index beta_begin() const { return 0; }
  Index theta_begin() const { return fixed; }
  Index effects_begin() const { return fixed + hyper; }

  // Of a vector of this layout, which must outlive what is returned.
  template <class Params>
  auto beta(Params& params) const {
    return params.segment(beta_begin(), fixed);
  }
  template <class Params>
  auto theta(Params& params) const {
    return params.segment(theta_begin(), hyper);
  }
  template <class Params>
  auto psi(Params& params) const {
    return params.segment(theta_begin(), components);
  }
  template <class Params>
  auto cor(Params& params) const {
    return params.segment(theta_begin() + components, correlations);
  }
  template <class Params>
  auto family(Params& params) const {
    const Index before = components + correlations;
    return params.segment(theta_begin() + before, hyper - before);
  }
  template <class Params>
  auto u(Params& params) const {
    return params.segment(effects_begin(), effects);
  }
};

}  // namespace mixed_glm
