// The entries of Sigma = H^-1 on the pattern of H's precision: all that means, variances and
// gradients ask of it.
#pragma once

#include <mixed_glm/linalg/cholesky_inverse.hpp>
#include <mixed_glm/linalg/precision.hpp>
#include <optional>

namespace mixed_glm {

class SelectedInverse : public PatternValues {
 public:
  // The team, if there is one, is viewed.
  explicit SelectedInverse(const BorderedPattern& pattern, Team* team = nullptr)
      : PatternValues(pattern) {
    if (pattern.is_filled()) exact_.emplace(*this, team);
  }
  SelectedInverse(const SelectedInverse&) = delete;  // a member views another
  SelectedInverse& operator=(const SelectedInverse&) = delete;

  void compute(const Precision& precision) {
    if (exact_) {
      exact_->compute(*precision.exact());
    } else {
      errors_ = precision.invert(*this);
    }
  }

  const MonteCarloErrors& errors() const { return errors_; }

 private:
  std::optional<CholeskyInverse> exact_;
  MonteCarloErrors errors_;
};

}  // namespace mixed_glm
