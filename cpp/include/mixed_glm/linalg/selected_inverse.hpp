// The entries of Sigma = H^-1 on the pattern of H's precision: all that means, variances and
// gradients ask of it.
#pragma once

#include <mixed_glm/linalg/cholesky_inverse.hpp>
#include <mixed_glm/linalg/precision.hpp>

namespace mixed_glm {

class SelectedInverse : public PatternValues {
 public:
  // The team, if there is one, is viewed.
  explicit SelectedInverse(const BorderedPattern& pattern, Team* team = nullptr)
      : PatternValues(pattern), exact_(*this, team) {}
  SelectedInverse(const SelectedInverse&) = delete;  // a member views another
  SelectedInverse& operator=(const SelectedInverse&) = delete;

  void compute(const Precision& precision) { exact_.compute(precision.exact()); }

 private:
  CholeskyInverse exact_;
};

}  // namespace mixed_glm
