// The fourth derivative of a row, where a kernel tells it from those before:
//
//     double fourth(double d2, double d3, double a, double b) const noexcept;
//
// of RowDerivatives and RowCode. Kernels need not have it: differences stand in.
#pragma once

#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/typedefs.hpp>
#include <type_traits>
#include <utility>

namespace mixed_glm {

template <class Kernel, class = void>
struct HasFourth : std::false_type {};
template <class Kernel>
struct HasFourth<Kernel,
                 std::void_t<decltype(std::declval<const Kernel&>().fourth(0.0, 0.0, 0.0, 0.0))>>
    : std::true_type {};

// Of n rows; false where the kernel has none. weight: -d2.
template <class Kernel>
bool fourth_of_rows(const Kernel& kernel, Index n, const double* MIXED_GLM_RESTRICT weight,
                    const double* MIXED_GLM_RESTRICT d3, const double* MIXED_GLM_RESTRICT a,
                    const double* MIXED_GLM_RESTRICT b, double* MIXED_GLM_RESTRICT d4) noexcept {
  if constexpr (HasFourth<Kernel>::value) {
    for (Index i = 0; i < n; ++i) d4[i] = kernel.fourth(-weight[i], d3[i], a[i], b[i]);
  }
  return HasFourth<Kernel>::value;
}

}  // namespace mixed_glm
