// The prior N(0, Omega) of a group's effects in the leaf, one coordinate for each component of the
// block, by the lower triangular root of its covariance:
//
//     Omega = Lambda Lambda'        precision = Omega^-1
#pragma once

#include <mixed_glm/linalg/tiny_matrix.hpp>

namespace mixed_glm {

class LeafPrior {
 public:
  // Of independent effects.
  static LeafPrior of_sds(const TinyVector& sd) {
    LeafPrior prior;
    prior.root_ = diagonal_matrix(sd);
    prior.precision_ = TinyMatrix(sd.size());
    for (Index c = 0; c < sd.size(); ++c) prior.precision_(c, c) = 1.0 / (sd[c] * sd[c]);
    return prior;
  }
  // Of correlated ones.
  static LeafPrior of_root(const TinyMatrix& root) {
    LeafPrior prior;
    prior.root_ = root;
    prior.precision_ = inverse_of_square(root);
    return prior;
  }

  Index size() const { return root_.size(); }
  const TinyMatrix& root() const { return root_; }
  const TinyMatrix& precision() const { return precision_; }
  double sd(Index c) const {
    double sum = 0.0;
    for (Index k = 0; k <= c; ++k) sum += root_(c, k) * root_(c, k);
    return std::sqrt(sum);
  }
  double log_root_determinant() const {
    double sum = 0.0;
    for (Index c = 0; c < size(); ++c) sum += std::log(root_(c, c));
    return sum;
  }

 private:
  TinyMatrix root_, precision_;
};

}  // namespace mixed_glm
