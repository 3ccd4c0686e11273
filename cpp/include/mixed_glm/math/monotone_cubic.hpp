// Interpolation of several functions between common nodes by cubic polynomials that are monotone
// where their values are (Fritsch and Butland 1984); constant beyond the nodes.
#pragma once

#include <algorithm>
#include <cmath>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

class MonotoneCubic {
 public:
  MonotoneCubic() = default;
  // nodes: at least two, increasing; values: nodes x functions.
  MonotoneCubic(const Vector& nodes, const Matrix& values)
      : nodes_(nodes), values_(values), slopes_(values.rows(), values.cols()) {
    for (Index c = 0; c < values.cols(); ++c) set_slopes(c);
  }

  struct Result {
    Vector value, slope;
  };
  Result at(double x) const {
    const Index n = nodes_.size();
    if (!(x > nodes_[0])) return {values_.row(0), Vector::Zero(values_.cols())};
    if (!(x < nodes_[n - 1])) return {values_.row(n - 1), Vector::Zero(values_.cols())};
    const double* begin = nodes_.data();
    const Index i = Index(std::upper_bound(begin, begin + n, x) - begin) - 1;
    const double h = nodes_[i + 1] - nodes_[i], t = (x - nodes_[i]) / h;
    const double rise = t * t * (3.0 - 2.0 * t), rise_slope = 6.0 * t * (1.0 - t) / h;
    const double left = h * t * (1.0 - t) * (1.0 - t), left_slope = (1.0 - t) * (1.0 - 3.0 * t);
    const double right = h * t * t * (t - 1.0), right_slope = t * (3.0 * t - 2.0);
    const auto change = values_.row(i + 1) - values_.row(i);
    return {values_.row(i) + rise * change + left * slopes_.row(i) + right * slopes_.row(i + 1),
            rise_slope * change + left_slope * slopes_.row(i) + right_slope * slopes_.row(i + 1)};
  }

 private:
  double secant(Index i, Index c) const {
    return (values_(i + 1, c) - values_(i, c)) / (nodes_[i + 1] - nodes_[i]);
  }

  void set_slopes(Index c) {
    const Index n = nodes_.size();
    if (n == 2) {
      slopes_.col(c).setConstant(secant(0, c));
      return;
    }
    slopes_(0, c) =
        end_slope(nodes_[1] - nodes_[0], nodes_[2] - nodes_[1], secant(0, c), secant(1, c));
    slopes_(n - 1, c) = end_slope(nodes_[n - 1] - nodes_[n - 2], nodes_[n - 2] - nodes_[n - 3],
                                  secant(n - 2, c), secant(n - 3, c));
    for (Index i = 1; i + 1 < n; ++i) {
      const double before = secant(i - 1, c), after = secant(i, c);
      const double h0 = nodes_[i] - nodes_[i - 1], h1 = nodes_[i + 1] - nodes_[i];
      const double w0 = 2.0 * h1 + h0, w1 = h1 + 2.0 * h0;
      slopes_(i, c) = before * after > 0.0 ? (w0 + w1) / (w0 / before + w1 / after) : 0.0;
    }
  }

  // Of the parabola through the three nodes at an end, as far as it keeps the sign of the secant.
  static double end_slope(double h0, double h1, double first, double second) {
    const double slope = ((2.0 * h0 + h1) * first - h0 * second) / (h0 + h1);
    if (slope * first <= 0.0) return 0.0;
    if (first * second <= 0.0 && std::abs(slope) > 3.0 * std::abs(first)) return 3.0 * first;
    return slope;
  }

  Vector nodes_;
  Matrix values_, slopes_;
};

}  // namespace mixed_glm
