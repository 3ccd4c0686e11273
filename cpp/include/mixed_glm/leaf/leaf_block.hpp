// Which components the leaf is made of: one, or a block of several whose effects belong to the same
// groups, as random intercepts and slopes of the same persons do.
//
// Effects that some row touches together are of one group, and so are those linked by a chain of
// such rows. Components form a block if no group has two effects of the same component; it may have
// none, where a covariate is zero in all of its rows.
//
// Correlated effects are integrated together: where a design has any, its only leaf is a whole term
// of them, with nothing correlated left beside it.
#pragma once

#include <algorithm>
#include <mixed_glm/linalg/tiny_matrix.hpp>
#include <mixed_glm/model/design.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace mixed_glm {

// Components by number. None: those that default_leaf() chooses.
class LeafBlock {
 public:
  static constexpr Index most_components = most_tiny;

  // A number is a block of one component; -1: none.
  LeafBlock(Index component = -1) {  // NOLINT(google-explicit-constructor)
    if (component != -1) components_.push_back(component);
  }
  LeafBlock(std::vector<Index> components)  // NOLINT(google-explicit-constructor)
      : components_(std::move(components)) {}

  bool is_default() const { return components_.empty(); }
  Index size() const { return Index(components_.size()); }
  Index operator[](Index c) const { return components_[size_t(c)]; }
  const std::vector<Index>& components() const { return components_; }
  // In any order.
  bool has_same(const LeafBlock& other) const {
    return std::is_permutation(components_.begin(), components_.end(), other.components_.begin(),
                               other.components_.end());
  }
  // The place of a component in the block; -1: it is not in it.
  Index place(Index component) const {
    for (Index c = 0; c < size(); ++c) {
      if ((*this)[c] == component) return c;
    }
    return -1;
  }

 private:
  std::vector<Index> components_;
};

// The groups of a block: numbered by their effects, those of the first component first.
class LeafGroups {
 public:
  LeafGroups(const Design& design, const LeafBlock& block)
      : block_(&block), parent_(size_t(design.effects())), group_(parent_.size(), -1) {
    for (size_t j = 0; j < parent_.size(); ++j) parent_[j] = Index(j);
    if (block.size() > 1) link(design);
    number(design);
  }

  // No group has two effects of the same component.
  bool are_disjoint() const { return disjoint_; }
  Index size() const { return Index(effect_.size()) / block_->size(); }
  // Of an effect of the design; -1: it is not of the block.
  Index group(Index effect) const { return group_[size_t(effect)]; }
  // The group's effect of the c-th component; -1: it has none.
  Index effect(Index group, Index c) const { return effect_[size_t(group * block_->size() + c)]; }

 private:
  Index root(Index effect) {
    while (parent_[size_t(effect)] != effect) {
      effect = parent_[size_t(effect)] = parent_[size_t(parent_[size_t(effect)])];
    }
    return effect;
  }

  void link(const Design& design) {
    for (const CorrelatedLevels& term : design.correlated()) {
      if (block_->place(term.components.front()) >= 0) link_levels(term);
    }
    const SparseRows& z = design.z();
    for (Index i = 0; i < design.rows(); ++i) {
      Index first = -1;
      for (Index e = z.begin(i); e < z.end(i); ++e) {
        const Index effect = z.columns()[e];
        if (block_->place(design.component(effect)) < 0) continue;
        if (first < 0) first = root(effect);
        parent_[size_t(root(effect))] = first;
      }
    }
  }

  void link_levels(const CorrelatedLevels& term) {
    for (Index l = 0; l < term.levels(); ++l) {
      const Index first = root(term.level(l)[0]);
      for (Index r = 1; r < term.order(); ++r) parent_[size_t(root(term.level(l)[r]))] = first;
    }
  }

  void number(const Design& design) {
    for (Index c = 0; c < block_->size(); ++c) {
      for (const Code j : design.effects_of((*block_)[c])) {
        Index& group = group_[size_t(root(j))];
        if (group < 0) {
          group = size();
          effect_.resize(effect_.size() + size_t(block_->size()), -1);
        }
        group_[size_t(j)] = group;
        Index& effect = effect_[size_t(group * block_->size() + c)];
        disjoint_ = disjoint_ && effect < 0;
        effect = j;
      }
    }
  }

  const LeafBlock* block_;
  std::vector<Index> parent_;  // of each effect, towards the root of its group
  std::vector<Index> group_, effect_;
  bool disjoint_ = true;
};

// The term of correlated effects that alone can be the leaf of a design that has such; none: its
// terms are several, or the only one has too many coordinates.
inline LeafBlock correlated_block(const Design& design) {
  if (design.correlated().size() != 1) return {};
  const std::vector<Code>& components = design.correlated().front().components;
  if (Index(components.size()) > LeafBlock::most_components) return {};
  return std::vector<Index>(components.begin(), components.end());
}

// Whether these components can be a leaf.
inline bool is_leaf(const Design& design, const LeafBlock& block) {
  if (block.is_default() || block.size() > LeafBlock::most_components) return false;
  for (Index c = 0; c < block.size(); ++c) {
    const Index component = block[c];
    if (component < 0 || component >= design.components() || block.place(component) != c ||
        !design.single_components()[size_t(component)]) {
      return false;
    }
  }
  if (design.is_correlated() && !correlated_block(design).has_same(block)) return false;
  return block.size() == 1 || LeafGroups(design, block).are_disjoint();
}

// A component with as many others of the same groups as a block may have, in the order of their
// numbers, or the correlated term that it is of.
inline LeafBlock leaf_around(const Design& design, Index component) {
  if (design.is_correlated()) {
    const LeafBlock term = correlated_block(design);
    return term.place(component) < 0 ? LeafBlock(component) : term;
  }
  LeafBlock block(component);
  for (Index k = 0; k < design.components() && block.size() < LeafBlock::most_components; ++k) {
    std::vector<Index> longer = block.components();
    longer.push_back(k);
    if (k != component && is_leaf(design, longer)) block = longer;
  }
  std::vector<Index> ordered = block.components();
  std::sort(ordered.begin(), ordered.end());
  return ordered;
}

// The block of the component with the most effects, or the correlated term; none: there is no leaf.
inline LeafBlock default_leaf(const Design& design) {
  if (design.is_correlated()) {
    const LeafBlock term = correlated_block(design);
    return is_leaf(design, term) ? term : LeafBlock();
  }
  const Index largest = design.largest_single();
  return largest < 0 ? LeafBlock() : leaf_around(design, largest);
}

// Of each component, whether some leaf has it.
inline std::vector<bool> leaf_candidates(const Design& design) {
  if (!design.is_correlated()) return design.single_components();
  std::vector<bool> candidates(size_t(design.components()), false);
  const LeafBlock term = default_leaf(design);
  for (const Index k : term.components()) candidates[size_t(k)] = true;
  return candidates;
}

}  // namespace mixed_glm
