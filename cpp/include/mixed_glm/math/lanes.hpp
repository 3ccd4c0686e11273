// As many doubles as a register of the instruction set holds, on which one operation works at once.
// What is summed over rows, groups of rows standing in different lanes, is so summed without ever
// adding the lanes to each other. Wider than the register, compilers take them apart again.
#pragma once

#include <cstring>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

#if defined(__AVX512F__)
constexpr Index lane_count = 8;
#elif defined(__AVX__)
constexpr Index lane_count = 4;
#else
constexpr Index lane_count = 2;
#endif

#if defined(__GNUC__)

struct Lanes {
  using Register __attribute__((vector_size(lane_count * sizeof(double)))) = double;
  Register v;

  Lanes() = default;
  MIXED_GLM_INLINE Lanes(Register r) noexcept : v(r) {}  // NOLINT(google-explicit-constructor)
  // The difference is one instruction, where GCC makes one for each lane of a loop over them.
  MIXED_GLM_INLINE Lanes(double x) noexcept  // NOLINT(google-explicit-constructor)
      : v(x - Register{}) {}
};

MIXED_GLM_INLINE Lanes operator+(Lanes a, Lanes b) noexcept { return a.v + b.v; }
MIXED_GLM_INLINE Lanes operator-(Lanes a, Lanes b) noexcept { return a.v - b.v; }
MIXED_GLM_INLINE Lanes operator*(Lanes a, Lanes b) noexcept { return a.v * b.v; }
MIXED_GLM_INLINE Lanes operator/(Lanes a, Lanes b) noexcept { return a.v / b.v; }

MIXED_GLM_INLINE Lanes load(const double* from) noexcept {
  Lanes x;
  std::memcpy(&x.v, from, sizeof x.v);
  return x;
}
MIXED_GLM_INLINE void store(double* to, Lanes x) noexcept { std::memcpy(to, &x.v, sizeof x.v); }

#else  // a compiler that may do as it likes with a loop of two

struct Lanes {
  double v[lane_count];

  Lanes() = default;
  MIXED_GLM_INLINE Lanes(double x) noexcept {  // NOLINT(google-explicit-constructor)
    for (Index l = 0; l < lane_count; ++l) v[l] = x;
  }
};

namespace detail {

template <class Operation>
MIXED_GLM_INLINE Lanes each_lane(Lanes a, const Lanes& b, Operation operation) noexcept {
  for (Index l = 0; l < lane_count; ++l) a.v[l] = operation(a.v[l], b.v[l]);
  return a;
}

}  // namespace detail

MIXED_GLM_INLINE Lanes operator+(Lanes a, Lanes b) noexcept {
  return detail::each_lane(a, b, [](double x, double y) { return x + y; });
}
MIXED_GLM_INLINE Lanes operator-(Lanes a, Lanes b) noexcept {
  return detail::each_lane(a, b, [](double x, double y) { return x - y; });
}
MIXED_GLM_INLINE Lanes operator*(Lanes a, Lanes b) noexcept {
  return detail::each_lane(a, b, [](double x, double y) { return x * y; });
}
MIXED_GLM_INLINE Lanes operator/(Lanes a, Lanes b) noexcept {
  return detail::each_lane(a, b, [](double x, double y) { return x / y; });
}

MIXED_GLM_INLINE Lanes load(const double* from) noexcept {
  Lanes x;
  std::memcpy(x.v, from, sizeof x.v);
  return x;
}
MIXED_GLM_INLINE void store(double* to, Lanes x) noexcept { std::memcpy(to, x.v, sizeof x.v); }

#endif

MIXED_GLM_INLINE Lanes operator-(Lanes a) noexcept { return Lanes(0.0) - a; }
MIXED_GLM_INLINE Lanes& operator+=(Lanes& a, Lanes b) noexcept { return a = a + b; }
MIXED_GLM_INLINE Lanes& operator-=(Lanes& a, Lanes b) noexcept { return a = a - b; }
MIXED_GLM_INLINE Lanes& operator*=(Lanes& a, Lanes b) noexcept { return a = a * b; }

// Adds to numbers in memory.
MIXED_GLM_INLINE void add_to(double* sum, Lanes x) noexcept { store(sum, load(sum) + x); }

MIXED_GLM_INLINE double sum_of_lanes(const double* x) noexcept {
  double sum = 0.0;
  for (Index l = 0; l < lane_count; ++l) sum += x[l];
  return sum;
}

}  // namespace mixed_glm
