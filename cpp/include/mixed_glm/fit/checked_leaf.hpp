// The leaf that was asked for, checked against the model's design.
#pragma once

#include <mixed_glm/fit/check_argument.hpp>
#include <mixed_glm/fit/refuse_correlated.hpp>
#include <mixed_glm/leaf/leaf_block.hpp>
#include <string>

namespace mixed_glm {

// The leaf, or the default one. Throws std::invalid_argument where there is none, or these
// components cannot be one.
inline LeafBlock checked_leaf(const Design& design, const LeafBlock& leaf) {
  const LeafBlock chosen = leaf.is_default() ? default_leaf(design) : leaf;
  if (is_leaf(design, chosen)) return chosen;
  refuse_correlated(design, "leaf quadrature",
                    "the leaf must be a whole term, of up to three coordinates each of which has "
                    "one effect a row at most, and the only one whose effects are correlated");
  std::string got;
  for (const Index k : leaf.components()) got += (got.empty() ? "" : ", ") + std::to_string(k);
  refuse_argument("leaf",
                  "a component of which each row touches at most one effect, or up to three of the "
                  "same groups",
                  got.empty() ? "none" : got);
}

}  // namespace mixed_glm
