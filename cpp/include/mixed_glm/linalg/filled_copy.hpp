// The exact factor of a matrix on an unfilled pattern, with the fill that this takes: where
// conjugate gradients do not converge.
#pragma once

#include <mixed_glm/linalg/cholesky_inverse.hpp>

namespace mixed_glm {

class FilledCopy {
 public:
  // Throws std::runtime_error where it would not fit into memory.
  FilledCopy(const BorderedPattern& unfilled, Team* team)
      : unfilled_(&unfilled),
        pattern_(make_pattern(unfilled)),
        factor_(pattern_, team),
        sigma_(pattern_),
        inverse_(sigma_, team) {}
  FilledCopy(const FilledCopy&) = delete;  // members view others
  FilledCopy& operator=(const FilledCopy&) = delete;

  // values: on the unfilled pattern. False where they are not positive definite.
  bool factorize(const double* values) {
    factor_.set_zero();
    for_entries([&](Index from, Index to) { factor_.values()[to] = values[from]; });
    return factor_.factorize();
  }
  const BorderedCholesky& factor() const { return factor_; }

  void invert(PatternValues& sigma) {
    inverse_.compute(factor_);
    for_entries([&](Index to, Index from) { sigma.values()[to] = sigma_.values()[from]; });
    const Index p = pattern_.border(), first = unfilled_->tail();
    for (Index a = 0; a < p; ++a) {  // the other triangle
      for (Index b = 0; b < a; ++b) {
        sigma.values()[unfilled_->dense_position(first + b, first + a)] =
            sigma.values()[unfilled_->dense_position(first + a, first + b)];
      }
    }
  }

 private:
  static constexpr Index most_entries = Index(1) << 25;  // a quarter of a gigabyte

  static BorderedPattern make_pattern(const BorderedPattern& unfilled) {
    Neighbours neighbours(size_t(unfilled.effects()));
    const auto join = [&](Index a, Index b) {
      neighbours[size_t(a)].push_back(Code(b));
      neighbours[size_t(b)].push_back(Code(a));
    };
    for (Index j = 0; j < unfilled.sparse(); ++j) {
      for (Index e = unfilled.column_begin(j); e < unfilled.column_end(j); ++e) {
        join(j, unfilled.rows()[e]);
      }
    }
    for (Index a = unfilled.sparse(); a < unfilled.effects(); ++a) {
      for (Index b = unfilled.sparse(); b < a; ++b) join(a, b);
    }
    BorderedPattern filled(neighbours, unfilled.border());
    if (filled.size() > most_entries) {
      throw std::runtime_error(
          "conjugate gradients for the crossed random effects do not converge, and their exact "
          "factor would have " +
          std::to_string(filled.size()) + " entries; at most " + std::to_string(most_entries) +
          " are tried: leave out a factor of which the data say little beside the others, or give "
          "its standard deviation a prior that keeps it smaller");
    }
    return filled;
  }

  // visit(position in the unfilled pattern, in the filled one)
  template <class Visit>
  void for_entries(Visit&& visit) const {
    const BorderedPattern& from = *unfilled_;
    const Index p = from.border(), q = from.effects();
    for (Index j = 0; j < q; ++j) {
      visit(from.diagonal_position(j), pattern_.diagonal_position(j));
      for (Index a = 0; a < p; ++a) {
        visit(from.border_position(j) + a, pattern_.border_position(j) + a);
      }
    }
    for (Index j = 0; j < from.sparse(); ++j) {
      for (Index e = from.column_begin(j); e < from.column_end(j); ++e) {
        visit(from.lower_offset() + e, pattern_.position(from.rows()[e], j));
      }
    }
    for (Index a = from.sparse(); a < q; ++a) {
      for (Index b = from.sparse(); b < a; ++b) visit(from.position(a, b), pattern_.position(a, b));
    }
    for (Index a = 0; a < p; ++a) {
      for (Index b = 0; b <= a; ++b) {
        visit(from.dense_position(from.tail() + a, from.tail() + b),
              pattern_.dense_position(pattern_.tail() + a, pattern_.tail() + b));
      }
    }
  }

  const BorderedPattern* unfilled_;
  BorderedPattern pattern_;
  BorderedCholesky factor_;
  PatternValues sigma_;
  CholeskyInverse inverse_;
};

}  // namespace mixed_glm
