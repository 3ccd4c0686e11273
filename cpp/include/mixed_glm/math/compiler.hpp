// What the row kernels need from the compiler: inlining that does not depend on a size heuristic
// (one call left in a loop over rows and the loop is scalar), pointers that do not overlap, and
// functions that are compiled once, so that their results have the same bits wherever they are
// called; and code that runs seldom, which is to be small.
#pragma once

#if defined(__FAST_MATH__)
#error "mixed_glm: -ffast-math reorders the compensated sums on which the accuracy rests"
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define MIXED_GLM_INLINE __forceinline
#define MIXED_GLM_NOINLINE __declspec(noinline)
#define MIXED_GLM_COLD
#define MIXED_GLM_RESTRICT __restrict
#else
#define MIXED_GLM_INLINE inline __attribute__((always_inline))
#define MIXED_GLM_NOINLINE __attribute__((noinline))
#define MIXED_GLM_COLD __attribute__((cold))  // runs seldom: to be small, not fast
#define MIXED_GLM_RESTRICT __restrict__
#endif

namespace mixed_glm {

// A product as a number of its own: compilers fuse it with the sum that it is added to, which is
// then rounded once, and another way than where the product waits in memory for its turn.
MIXED_GLM_INLINE double rounded(double product) noexcept {
#if defined(__GNUC__) && defined(__x86_64__)
  __asm__("" : "+x"(product));
  return product;
#elif defined(__GNUC__) && defined(__aarch64__)
  __asm__("" : "+w"(product));
  return product;
#else
  volatile double number = product;
  return number;
#endif
}

}  // namespace mixed_glm

// A function behind which much code stands: in every unit that calls it, or in one (fit/apart.hpp).
#ifdef MIXED_GLM_APART
#define MIXED_GLM_ONCE
#else
#define MIXED_GLM_ONCE inline
#endif
