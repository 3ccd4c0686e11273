// The trust-region subproblem for a small dense symmetric matrix, solved exactly:
//
//     minimize  g's + s'B s / 2   subject to  |s| <= radius
//
// by the eigenvalues of B and the secular equation |(B + lambda I)^-1 g| = radius
// (More and Sorensen 1983; Conn, Gould and Toint 2000, ch. 7). B may be indefinite.
#pragma once

#include <cmath>
#include <mixed_glm/linalg/symmetric_eigen.hpp>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

struct TrustRegionStep {
  Vector step;
  double predicted;  // decrease of the quadratic model, >= 0
  bool interior;     // the Newton step itself, B positive definite
};

class TrustRegion {
 public:
  TrustRegion(const Vector& gradient, const Matrix& hessian)
      : gradient_(gradient), hessian_(hessian), eigen_(hessian) {
    rotated_ = eigen_.vectors().transpose() * gradient_;
  }

  bool is_convex() const { return eigen_.values()[0] > 0.0; }
  // g' B^-1 g; meaningful where B is convex.
  double decrement() const { return (rotated_.array().square() / eigen_.values().array()).sum(); }

  TrustRegionStep solve(double radius) const {
    if (is_convex() && length(0.0) <= radius) return finish(0.0, true, 0.0);
    const double lowest = std::max(0.0, -eigen_.values()[0]);
    const double tiny = 1e-12 * (1.0 + lowest);
    const double longest = length(lowest + tiny);
    if (longest < radius) {  // the hard case: complete the step along the lowest eigenvector
      return finish(lowest + tiny, false, std::sqrt(radius * radius - longest * longest));
    }
    return finish(root(lowest, radius), false, 0.0);
  }

 private:
  double length(double lambda) const {
    return (rotated_.array() / (eigen_.values().array() + lambda)).matrix().norm();
  }

  // Bisection on lambda in log scale: |s| falls in lambda, and K is small.
  double root(double lowest, double radius) const {
    double low = 1e-12 * (1.0 + lowest), high = gradient_.norm() / radius + low;
    for (int k = 0; k < 200 && high > low * (1.0 + 1e-12); ++k) {
      const double middle = std::sqrt(low) * std::sqrt(high);
      (length(lowest + middle) > radius ? low : high) = middle;
    }
    return lowest + high;
  }

  TrustRegionStep finish(double lambda, bool interior, double along_lowest) const {
    Vector coordinates = -rotated_.array() / (eigen_.values().array() + lambda);
    coordinates[0] += rotated_[0] > 0.0 ? -along_lowest : along_lowest;
    Vector step = eigen_.vectors() * coordinates;
    const double predicted = -(gradient_.dot(step) + 0.5 * step.dot(hessian_ * step));
    return {std::move(step), predicted, interior};
  }

  Vector gradient_;
  Matrix hessian_;
  SymmetricEigen eigen_;
  Vector rotated_;
};

}  // namespace mixed_glm
