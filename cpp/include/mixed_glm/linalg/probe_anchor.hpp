// What many probes know more than the first block of them, at one matrix H: the error of that block
// there. The probes being the same ones at all matrices, its error at others nearby is nearly the
// same, and is taken out, so that these need the first block only.
#pragma once

#include <mixed_glm/typedefs.hpp>
#include <vector>

namespace mixed_glm {

struct ProbeAnchor {
  std::vector<double> entries;  // of N (krylov_inverse.hpp) by position, in units of its scale
  double log_determinant = 0.0;

  bool is_empty() const { return entries.empty(); }
};

}  // namespace mixed_glm
