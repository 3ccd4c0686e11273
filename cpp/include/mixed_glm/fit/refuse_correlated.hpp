// Methods that take all random effects to be independent refuse correlated ones.
#pragma once

#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/model/design.hpp>
#include <stdexcept>
#include <string>

namespace mixed_glm {

constexpr const char* independent_only = "it takes all random effects to be independent";

// why: what stands against it. Throws std::invalid_argument.
MIXED_GLM_COLD inline void refuse_correlated(const Design& design, const std::string& method,
                                             const std::string& why) {
  if (!design.is_correlated()) return;
  throw std::invalid_argument(method + " is not for correlated random effects: " + why +
                              "; laplace and ep fit them");
}

}  // namespace mixed_glm
