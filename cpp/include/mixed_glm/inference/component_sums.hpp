// What the search for psi asks about the effects of each component k, with precision D_k:
//
//     sum_j D_k E[u_j^2]                  for the gradient (marginal.hpp)
//     2 sum_j (1 - D_k Var(u_j))^2        the information of a balanced Gaussian model about psi_k
#pragma once

#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

class ComponentSums {
 public:
  explicit ComponentSums(Index components)
      : expected_squares_(Vector::Zero(components)), information_(expected_squares_) {}

  void set_zero() {
    expected_squares_.setZero();
    information_.setZero();
  }

  // One effect: E[u_j^2] and Var(u_j).
  void add(Index component, double precision, double square, double variance) {
    const double reliability = 1.0 - precision * variance;
    expected_squares_[component] += precision * square;
    information_[component] += 2.0 * reliability * reliability;
  }

  const Vector& expected_squares() const { return expected_squares_; }  // K
  const Vector& information() const { return information_; }            // K

 private:
  Vector expected_squares_, information_;
};

}  // namespace mixed_glm
