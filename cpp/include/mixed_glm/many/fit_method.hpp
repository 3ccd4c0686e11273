// How each of many responses is fitted: the joint mode, variational, or through the marginal
// posterior of psi; each with the settings of the fit of a single response.
#pragma once

#include <mixed_glm/fit/approximation.hpp>
#include <mixed_glm/inference/fit_marginal.hpp>
#include <mixed_glm/inference/joint_mode.hpp>
#include <mixed_glm/variational/fit_variational.hpp>
#include <variant>

namespace mixed_glm {

struct MapMethod {
  JointModeSettings settings;
  double start_psi = 1.0;  // every log standard deviation where the search begins
};

struct VariationalMethod {
  VariationalSettings settings;
  bool full = false;  // covariance of (u, beta)
};

struct MarginalMethod {
  Approximation approximation;
  MarginalFitSettings settings;
  Vector start;  // K, log standard deviations where the search begins; empty: zeros
};

using FitMethod = std::variant<MapMethod, VariationalMethod, MarginalMethod>;

}  // namespace mixed_glm
