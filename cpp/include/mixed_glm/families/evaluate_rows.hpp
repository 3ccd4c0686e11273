// One pass of a kernel over a block of rows: values and as many derivatives as are asked for.
//
// This is the loop that has to vectorize. What a lower order does not need is dead code in the
// inlined kernel and costs nothing. Pointers of orders that are not asked for may be null.
#pragma once

#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

// Order 0: value; 1: and d1; 2: and d2; 3: and d3. The arrays must not overlap. Compiled once for
// all callers.
template <int Order, class Kernel>
MIXED_GLM_NOINLINE void evaluate_rows(const Kernel& kernel, Index n,
                                      const double* MIXED_GLM_RESTRICT eta,
                                      const double* MIXED_GLM_RESTRICT a,
                                      const double* MIXED_GLM_RESTRICT b,
                                      double* MIXED_GLM_RESTRICT value,
                                      double* MIXED_GLM_RESTRICT d1, double* MIXED_GLM_RESTRICT d2,
                                      double* MIXED_GLM_RESTRICT d3) noexcept {
  static_assert(Order >= 0 && Order <= 3, "Order is the highest derivative: 0, 1, 2 or 3");
  static_cast<void>(d1);
  static_cast<void>(d2);
  static_cast<void>(d3);
  const Kernel local = kernel;  // its parameters in registers: no output can alias them
  for (Index i = 0; i < n; ++i) {
    const RowDerivatives row = local.evaluate(eta[i], a[i], b[i]);
    value[i] = row.value;
    if constexpr (Order >= 1) d1[i] = row.d1;
    if constexpr (Order >= 2) d2[i] = row.d2;
    if constexpr (Order >= 3) d3[i] = row.d3;
  }
}

// The same of the slopes in the hyperparameter of a kernel that has one (shape.hpp).
template <class Kernel>
MIXED_GLM_NOINLINE void evaluate_shape_slopes(
    const Kernel& kernel, Index n, const double* MIXED_GLM_RESTRICT eta,
    const double* MIXED_GLM_RESTRICT a, const double* MIXED_GLM_RESTRICT b,
    double* MIXED_GLM_RESTRICT value, double* MIXED_GLM_RESTRICT d1, double* MIXED_GLM_RESTRICT d2,
    double* MIXED_GLM_RESTRICT information) noexcept {
  const Kernel local = kernel;  // NOLINT(performance-unnecessary-copy-initialization): as above
  for (Index i = 0; i < n; ++i) {
    const ShapeSlopes slopes = local.shape_slopes(eta[i], a[i], b[i]);
    value[i] = slopes.value;
    d1[i] = slopes.d1;
    d2[i] = slopes.d2;
    information[i] = slopes.information;
  }
}

}  // namespace mixed_glm
