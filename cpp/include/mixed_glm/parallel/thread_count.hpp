// How many threads there are to be used: the processors that this process may run on, which in a
// container or under taskset are fewer than the machine has.
#pragma once

#include <algorithm>
#include <cmath>
#include <mixed_glm/parallel/cpu_quota.hpp>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace mixed_glm {

// By the affinity mask.
inline int visible_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count == 0 ? 1 : static_cast<int>(count);
}

// A part of a processor counts as one.
inline int available_processors() {
  return static_cast<int>(std::min<double>(visible_processors(), std::ceil(cpu_quota())));
}

// As scikit-learn counts jobs: -1 all available, -2 all but one, ...; at least one.
inline int thread_count(int n_jobs) {
  const int wanted = n_jobs > 0 ? n_jobs : available_processors() + 1 + n_jobs;
  return wanted < 1 ? 1 : wanted;
}

}  // namespace mixed_glm
