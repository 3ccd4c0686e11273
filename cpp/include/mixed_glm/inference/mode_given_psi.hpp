// All parameters given the log standard deviations psi alone: the coefficients at their mode.
#pragma once

#include <mixed_glm/inference/conditional_mode.hpp>
#include <optional>

namespace mixed_glm {

// (beta, psi, u), the caller's order; nothing where the mode is not found.
inline std::optional<Vector> mode_given_psi(const Model& model, const ConstVectorRef& psi,
                                            const NewtonSettings& settings = {}) {
  RowLikelihood likelihood(model);
  ConditionalMode mode(likelihood, model.prior(), settings);
  if (!mode.find(psi)) return std::nullopt;
  return model.design().join(mode.coefficients(), psi);
}

}  // namespace mixed_glm
