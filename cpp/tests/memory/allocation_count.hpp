// Counts allocations, and makes one of them fail.
//
// Eigen reports its own through eigen_assert (EIGEN_RUNTIME_NO_MALLOC), all others go through
// operator new, which allocation_count.cpp replaces. Both are global, so the tests that include
// this, before anything else, have an executable of their own.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <new>

namespace allocation_count {

inline bool watching = false;
inline int eigen = 0, others = 0;
inline long until_failure = -1;  // allocations that succeed before one fails; negative: none fails

inline void fail_in_turn() {
  if (until_failure >= 0 && until_failure-- == 0) throw std::bad_alloc();
}

inline void check(bool holds, const char* what) {
  if (holds) return;
  if (!watching) {
    std::fprintf(stderr, "%s\n", what);
    std::abort();
  }
  ++eigen;
  fail_in_turn();
}

}  // namespace allocation_count

#define EIGEN_RUNTIME_NO_MALLOC
#define eigen_assert(x) allocation_count::check(static_cast<bool>(x), #x)

#include <Eigen/Core>

struct Watch {
  explicit Watch(long until_failure = -1) {
    allocation_count::eigen = allocation_count::others = 0;
    allocation_count::until_failure = until_failure;
    allocation_count::watching = true;
    Eigen::internal::set_is_malloc_allowed(false);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    Eigen::internal::set_is_malloc_allowed(true);
    allocation_count::watching = false;
  }
};
