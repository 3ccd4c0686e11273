// Entries of a symmetric matrix on a bordered pattern: of the inverse of what a precision holds.
#pragma once

#include <mixed_glm/linalg/bordered_pattern.hpp>

namespace mixed_glm {

class PatternValues {
 public:
  // The pattern is viewed.
  explicit PatternValues(const BorderedPattern& pattern)
      : pattern_(&pattern), values_(size_t(pattern.size())) {}

  const BorderedPattern& pattern() const { return *pattern_; }
  double* values() { return values_.data(); }
  const double* values() const { return values_.data(); }

  double variance(Index effect) const {
    return values_[size_t(pattern_->diagonal_position(effect))];
  }
  // Of two effects that are neighbours.
  double covariance(Index first, Index second) const {
    return values_[size_t(pattern_->position(first, second))];
  }
  Eigen::Map<const Vector> with_border(Index effect) const {
    return {values() + pattern_->border_position(effect), pattern_->border()};
  }
  Eigen::Map<const Matrix> dense_block() const {
    return {values() + pattern_->dense_offset(), pattern_->dense(), pattern_->dense()};
  }
  // p x p; both triangles are filled.
  auto border_block() const {
    return dense_block().bottomRightCorner(pattern_->border(), pattern_->border());
  }

 private:
  const BorderedPattern* pattern_;
  std::vector<double> values_;
};

}  // namespace mixed_glm
