// A dense matrix, the effects by elimination number and then the fixed effects, on its pattern.
#pragma once

#include <mixed_glm/linalg/precision.hpp>

namespace test_support {

inline void load(const mixed_glm::Matrix& h, mixed_glm::Precision& precision) {
  using mixed_glm::Index;
  const mixed_glm::BorderedPattern& pattern = precision.pattern();
  const Index q = pattern.effects(), p = pattern.border(), t = pattern.tail();
  double* const values = precision.values();
  precision.set_zero();
  for (Index c = 0; c < q; ++c) {
    for (Index r = c; r < q; ++r) {
      if (h(r, c) != 0.0) values[pattern.position(r, c)] = h(r, c);
    }
    for (Index a = 0; a < p; ++a) values[pattern.border_position(c) + a] = h(q + a, c);
  }
  for (Index b = 0; b < p; ++b) {
    for (Index a = b; a < p; ++a) values[pattern.dense_position(t + a, t + b)] = h(q + a, q + b);
  }
}

}  // namespace test_support
