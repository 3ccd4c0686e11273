// Which effects a term of correlated effects has: m for each of its L levels, one of each of its
// components (its coordinates).
#pragma once

#include <mixed_glm/typedefs.hpp>
#include <vector>

namespace mixed_glm {

constexpr Index most_correlated = 6;  // coordinates of a term
constexpr Index lower_entries(Index order) { return order * (order - 1) / 2; }

struct EffectPair {
  Code first, second;
};
using EffectPairs = std::vector<EffectPair>;

// As a caller gives it: columns of the random effects' matrix, m for each level, one after another,
// the coordinates of all levels in the same order.
struct CorrelatedColumns {
  std::vector<Code> columns;  // L x m
  Index order = 0;            // m

  Index levels() const { return Index(columns.size()) / order; }
};

struct CorrelatedLevels {
  std::vector<Code> components;  // m
  std::vector<Code> effects;     // L x m, level by level
  Index first_pair = 0;          // of those in one level: the lower triangle, row by row

  Index order() const { return Index(components.size()); }
  Index levels() const { return Index(effects.size()) / order(); }
  const Code* level(Index l) const { return effects.data() + l * order(); }
};

}  // namespace mixed_glm
