// The cubic spline through values at knots whose third derivative is continuous at the second and
// at the last but one ("not a knot", de Boor 1978): through four points their cubic, through three
// their parabola, through two a line.
#pragma once

#include <algorithm>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm::math {

class CubicSpline {
 public:
  // knots: two or more, increasing; values: as many.
  CubicSpline(const Vector& knots, const Vector& values)
      : knots_(knots), values_(values), slopes_(knots.size()) {
    const Index n = knots_.size();
    if (n == 2) {
      slopes_.setConstant(secant(0));
    } else if (n == 3) {
      const double bend = (secant(1) - secant(0)) / (knots_[2] - knots_[0]);
      slopes_[0] = secant(0) - bend * width(0);
      slopes_[1] = secant(0) + bend * width(0);
      slopes_[2] = secant(1) + bend * width(1);
    } else {
      solve_slopes();
    }
  }

  // Between the knots; beyond, of the outer pieces.
  double operator()(double x) const {
    const double* const inner = knots_.data() + 1;
    const Index i = std::upper_bound(inner, inner + knots_.size() - 2, x) - inner;
    const double h = width(i), t = x - knots_[i];
    const double bend = (slopes_[i] + slopes_[i + 1] - 2.0 * secant(i)) / h;
    const double square = (secant(i) - slopes_[i]) / h - bend;
    return values_[i] + t * (slopes_[i] + t * (square + t * (bend / h)));
  }

 private:
  double width(Index i) const { return knots_[i + 1] - knots_[i]; }
  double secant(Index i) const { return (values_[i + 1] - values_[i]) / width(i); }

  // Three diagonals, eliminated from the first row to the last.
  void solve_slopes() {
    const Index n = knots_.size();
    Vector diagonal(n), above(n);
    diagonal[0] = width(1);
    above[0] = knots_[2] - knots_[0];
    slopes_[0] = end_condition(above[0], width(0), width(1), secant(0), secant(1));
    for (Index i = 1; i < n; ++i) {
      const bool last = i == n - 1;
      const double below = last ? knots_[n - 1] - knots_[n - 3] : width(i);
      const double ratio = below / diagonal[i - 1];
      if (last) {
        diagonal[i] = width(n - 3);
        slopes_[i] = end_condition(below, width(n - 2), width(n - 3), secant(n - 2), secant(n - 3));
      } else {
        diagonal[i] = 2.0 * (width(i - 1) + width(i));
        above[i] = width(i - 1);
        slopes_[i] = 3.0 * (width(i) * secant(i - 1) + width(i - 1) * secant(i));
      }
      diagonal[i] -= ratio * above[i - 1];
      slopes_[i] -= ratio * slopes_[i - 1];
    }
    slopes_[n - 1] /= diagonal[n - 1];
    for (Index i = n - 1; i-- > 0;) {
      slopes_[i] = (slopes_[i] - above[i] * slopes_[i + 1]) / diagonal[i];
    }
  }
  // Of the outer piece and the one next to it.
  static double end_condition(double both, double outer, double inner, double outer_secant,
                              double inner_secant) {
    return ((outer + 2.0 * both) * inner * outer_secant + outer * outer * inner_secant) / both;
  }

  Vector knots_, values_, slopes_;
};

}  // namespace mixed_glm::math
