// The natural cubic spline through values at a few knots, as weights of the values: one set of
// weights for every function that is known at the same knots. Straight on beyond the outer knots.
#pragma once

#include <algorithm>
#include <mixed_glm/typedefs.hpp>
#include <vector>

namespace mixed_glm::math {

class NaturalSpline {
 public:
  static constexpr Index most_knots = 24;
  using Weights = Eigen::Matrix<double, Eigen::Dynamic, 1, 0, most_knots, 1>;

  // knots: increasing, one to most_knots of them. (Copied as a block: gcc 12 warns of a plain
  // copy.)
  explicit NaturalSpline(const Weights& knots)
      : knots_(knots.head(knots.size())), bends_(Square::Zero(knots.size(), knots.size())) {
    if (size() > 2) solve_bends();
  }

  Index size() const { return knots_.size(); }
  double knot(Index i) const { return knots_[i]; }
  double first() const { return knots_[0]; }
  double last() const { return knots_[size() - 1]; }

  Weights weights(double x) const {
    Weights result = Weights::Zero(size());
    if (size() == 1) {
      result[0] = 1.0;
      return result;
    }
    const double inside = std::clamp(x, first(), last());
    const double* above = std::upper_bound(knots_.data() + 1, knots_.data() + size() - 1, inside);
    const Index right = above - knots_.data(), left = right - 1;
    const double h = width(left), b = (inside - knots_[left]) / h, a = 1.0 - b;
    result[left] = a;
    result[right] = b;
    result += (a * a * a - a) * h * h / 6.0 * bends_.col(left);
    result += (b * b * b - b) * h * h / 6.0 * bends_.col(right);
    if (x != inside) {  // the slope there, along which it goes on
      const double way = x - inside;
      result[left] -= way / h;
      result[right] += way / h;
      const double inner = way * h / 6.0;
      if (x < inside) {
        result -= inner * bends_.col(right);
      } else {
        result += inner * bends_.col(left);
      }
    }
    return result;
  }

 private:
  using Square = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, 0, most_knots, most_knots>;

  double width(Index i) const { return knots_[i + 1] - knots_[i]; }

  // Column i: the second derivative at knot i as weights of the values; zero at the outer knots.
  //
  //     h_(i-1) s_(i-1) + 2 (h_(i-1) + h_i) s_i + h_i s_(i+1) = 6 (d_i - d_(i-1)),  d: slopes
  void solve_bends() {
    Weights pivot = Weights::Zero(size());
    for (Index i = 1; i + 1 < size(); ++i) {
      const double before = width(i - 1), after = width(i);
      bends_(i - 1, i) += 6.0 / before;
      bends_(i, i) -= 6.0 / before + 6.0 / after;
      bends_(i + 1, i) += 6.0 / after;
      pivot[i] = 2.0 * (before + after);
      if (i > 1) {
        const double factor = before / pivot[i - 1];
        pivot[i] -= factor * before;
        bends_.col(i) -= factor * bends_.col(i - 1);
      }
    }
    for (Index i = size() - 2; i > 0; --i) {
      bends_.col(i) = ((bends_.col(i) - width(i) * bends_.col(i + 1)) / pivot[i]).eval();
    }
  }

  Weights knots_;
  Square bends_;
};

}  // namespace mixed_glm::math
