// Families that are the mirror image of another: log p(y | eta) is that of the other at -eta, with
// the two numbers of a row in each other's place. One kernel with a sign stands for both.
#pragma once

#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/math/compiler.hpp>

namespace mixed_glm {

// row: at sign eta; the result: in eta.
MIXED_GLM_INLINE RowDerivatives mirrored(const RowDerivatives& row, double sign) noexcept {
  return {row.value, sign * row.d1, row.d2, sign * row.d3};
}

MIXED_GLM_INLINE RowCode mirrored_code(const RowCode& row, double sign) noexcept {
  return sign > 0.0 ? row : RowCode{row.b, row.a, row.constant};
}

}  // namespace mixed_glm
