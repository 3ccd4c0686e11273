// The blocks of a matrix on an unfilled pattern (bordered_pattern.hpp), as they are when the factor
// with the most levels is eliminated:
//
//     H = [ D_0  B        H_0b ]      D_0: diagonal, of the eliminated effects
//         [ B'   D_r + R  H_rb ]      D_r: diagonal, R: pairs among the rest
//         [ .    .        H_bb ]      b: levels of small factors, then the fixed effects
//
// B and R are listed by what they are gathered for: sums that are gathered, not scattered, can be
// shared among threads.
#pragma once

#include <mixed_glm/linalg/bordered_pattern.hpp>
#include <numeric>

namespace mixed_glm {

// Entries begin(i) .. begin(i + 1) belong to effect i: the others that it meets, and where in the
// buffer of values the couplings lie.
class Couplings {
 public:
  Couplings() = default;
  // visit(add) calls add(i, other, position) for all, in an order in which those of one i are to
  // stand.
  template <class Visit>
  Couplings(Index count, Visit&& visit) : start_(size_t(count) + 1, 0) {
    visit([&](Index i, Index, Index) { ++start_[size_t(i) + 1]; });
    std::partial_sum(start_.begin(), start_.end(), start_.begin());
    std::vector<Index> next(start_.begin(), start_.end() - 1);
    other_.resize(size_t(start_.back()));
    position_.resize(other_.size());
    visit([&](Index i, Index other, Index position) {
      const auto e = size_t(next[size_t(i)]++);
      other_[e] = Code(other);
      position_[e] = static_cast<std::int32_t>(position);
    });
  }

  Index size() const { return Index(other_.size()); }
  Index begin(Index i) const { return start_[size_t(i)]; }
  Index end(Index i) const { return start_[size_t(i) + 1]; }
  const Code* other() const { return other_.data(); }
  Index position(Index e) const { return position_[size_t(e)]; }

 private:
  std::vector<Index> start_;
  std::vector<Code> other_;
  std::vector<std::int32_t> position_;
};

class CrossedBlocks {
 public:
  explicit CrossedBlocks(const BorderedPattern& pattern)
      : pattern_(&pattern),
        eliminated_(pattern.unfilled().eliminated),
        rest_(pattern.sparse() - eliminated_) {
    const Index lower = pattern.lower_offset();
    const auto each = [&](Index first, Index last, auto&& use) {
      for (Index j = first; j < last; ++j) {
        for (Index e = pattern.column_begin(j); e < pattern.column_tail(j); ++e) {
          use(j, pattern.rows()[e] - eliminated_, lower + e);
        }
      }
    };
    of_eliminated_ = Couplings(eliminated_, [&](auto&& add) {
      each(0, eliminated_, [&](Index i, Index j, Index position) { add(i, j, position); });
    });
    of_rest_ = Couplings(rest_, [&](auto&& add) {
      each(0, eliminated_, [&](Index i, Index j, Index position) { add(j, i, position); });
    });
    among_rest_ = Couplings(rest_, [&](auto&& add) {
      each(eliminated_, pattern.sparse(), [&](Index column, Index j, Index position) {
        add(column - eliminated_, j, position);
        add(j, column - eliminated_, position);
      });
    });
    number_parts();
  }

  const BorderedPattern& pattern() const { return *pattern_; }
  Index eliminated() const { return eliminated_; }
  Index rest() const { return rest_; }
  Index border() const { return pattern_->dense(); }

  const Couplings& of_eliminated() const { return of_eliminated_; }  // B by rows
  const Couplings& of_rest() const { return of_rest_; }              // B by columns
  const Couplings& among_rest() const { return among_rest_; }        // R, both triangles
  // The factor of each of the rest, counted among these: 0 .. parts() - 1.
  const std::vector<Code>& part() const { return part_; }
  Index parts() const { return parts_; }

  // The couplings of an effect, of any but the border's own, with the border.
  void load_border(const double* values, Index effect, double* border) const {
    std::fill_n(border, pattern_->tail(), 0.0);
    for (Index e = pattern_->column_tail(effect); e < pattern_->column_end(effect); ++e) {
      border[pattern_->rows()[e] - pattern_->sparse()] = values[pattern_->lower_offset() + e];
    }
    std::copy_n(values + pattern_->border_position(effect), pattern_->border(),
                border + pattern_->tail());
  }

 private:
  void number_parts() {
    std::vector<Code> number;
    for (Index j = 0; j < rest_; ++j) {
      const auto given = size_t(pattern_->unfilled().part[size_t(eliminated_ + j)]);
      if (given >= number.size()) number.resize(given + 1, -1);
      if (number[given] < 0) number[given] = Code(parts_++);
      part_.push_back(number[given]);
    }
  }

  const BorderedPattern* pattern_;
  Index eliminated_, rest_;
  Couplings of_eliminated_, of_rest_, among_rest_;
  std::vector<Code> part_;
  Index parts_ = 0;
};

}  // namespace mixed_glm
