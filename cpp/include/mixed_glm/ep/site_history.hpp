// Sites of the last few thetas at which expectation propagation has converged, and what they
// predict for another: the best linear prediction (kriging) of a smooth function of theta with
// unknown mean,
//
//     sites(theta) ~ sum_i c_i sites(theta_i),   sum_i c_i = 1
//     [ K + noise I  1 ] [ c ]   [ k(theta) ]
//     [ 1'           0 ] [ . ] = [ 1        ],   K_ij = exp(-|theta_i - theta_j|^2 / (2 length^2))
//
// It extrapolates where the points allow it, and averages where they are close to each other.
#pragma once

#include <Eigen/LU>
#include <algorithm>
#include <mixed_glm/typedefs.hpp>
#include <vector>

namespace mixed_glm {

class SiteHistory {
 public:
  // rows: how many sites there are.
  explicit SiteHistory(Index rows)
      : most_(size_t(std::clamp<Index>(most_numbers / (2 * rows + 1), fewest, most))) {}

  bool is_empty() const { return points_.empty(); }
  void clear() {
    points_.clear();
    next_ = 0;
  }

  void add(const Vector& theta, const Vector& tau, const Vector& nu) {
    const auto same = std::find_if(points_.begin(), points_.end(),
                                   [&](const Point& point) { return point.theta == theta; });
    if (same != points_.end()) {
      *same = {theta, tau, nu};
    } else if (points_.size() < most_) {
      points_.push_back({theta, tau, nu});
    } else {
      points_[next_] = {theta, tau, nu};
      next_ = (next_ + 1) % most_;
    }
  }

  // There is a point at least.
  void predict(const Vector& theta, Vector& tau, Vector& nu) const {
    const Vector share = shares(theta);
    tau.setZero();
    nu.setZero();
    for (size_t i = 0; i < points_.size(); ++i) {
      tau += share[Index(i)] * points_[i].tau;
      nu += share[Index(i)] * points_[i].nu;
    }
    tau = tau.cwiseMax(0.0);
  }

 private:
  struct Point {
    Vector theta, tau, nu;
  };

  static constexpr Index most_numbers = 4'000'000, fewest = 3, most = 8;
  static constexpr double length = 1.5, noise = 1e-6;

  static double similarity(const Vector& a, const Vector& b) {
    return std::exp(-0.5 * (a - b).squaredNorm() / (length * length));
  }

  Vector shares(const Vector& theta) const {
    const Index m = Index(points_.size());
    Matrix system = Matrix::Ones(m + 1, m + 1);
    Vector right = Vector::Ones(m + 1);
    system(m, m) = 0.0;
    for (Index i = 0; i < m; ++i) {
      right[i] = similarity(theta, points_[size_t(i)].theta);
      for (Index j = 0; j < m; ++j) {
        system(i, j) = similarity(points_[size_t(i)].theta, points_[size_t(j)].theta);
      }
      system(i, i) += noise;
    }
    return system.fullPivLu().solve(right).head(m);
  }

  size_t most_;
  std::vector<Point> points_;
  size_t next_ = 0;  // to be replaced
};

}  // namespace mixed_glm
