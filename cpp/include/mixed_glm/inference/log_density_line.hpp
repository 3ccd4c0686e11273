// A log density on the line, known by value and slope at a few nodes: a quintic polynomial between
// neighbours, whose second derivatives at the nodes are those of the polynomial through value and
// slope at the node and at both of its neighbours.
//
// Beyond the outer nodes only the likelihood is extrapolated: the prior is known. To the left,
// where effects of standard deviation e^x vanish, the likelihood is linear in the variance,
//
//     log L(x) = log L(a) + (log L)'(a) (e^(2 (x - a)) - 1) / 2
//
// so that what remains is the tail of the prior, however long. To the right it is linear in x.
//
// Of a smooth part of the density the slope may be known at one node alone: elsewhere it is that of
// the polynomial through the part's values at all nodes.
#pragma once

#include <array>
#include <cmath>
#include <mixed_glm/priors/hyper_prior.hpp>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

// part: of the value; the slope has in its place what it is at another node, that of the part that
// is known at its own place.
struct LineNode {
  double x, value, slope, part = 0.0;
};

class LogDensityLine {
 public:
  static constexpr Index most_nodes = 24;

  // The prior of x, in the log density too; it must outlive this object.
  explicit LogDensityLine(const HyperPrior& prior) : prior_(&prior) {}

  // Returns the place of the node, which is that of its neighbour from then on: nodes increase.
  Index add(const LineNode& node) {
    Index i = size_++;
    for (; i > 0 && nodes_[size_t(i - 1)].x > node.x; --i) {
      nodes_[size_t(i)] = nodes_[size_t(i - 1)];
    }
    nodes_[size_t(i)] = node;
    return i;
  }

  Index size() const { return size_; }
  const LineNode& node(Index i) const { return nodes_[size_t(i)]; }
  const LineNode& first() const { return node(0); }
  const LineNode& last() const { return node(size_ - 1); }

  double likelihood_slope(const LineNode& node) const { return node.slope - prior_->slope(node.x); }

  // To be called when all nodes are there. known: where parts have their own slope.
  void interpolate(double known) {
    complete_slopes(known);
    std::array<double, most_nodes> bend;
    for (Index i = 0; i < size_; ++i) bend[size_t(i)] = second_derivative(i);
    for (Index i = 0; i + 1 < size_; ++i) {
      pieces_[size_t(i)] = quintic(node(i), node(i + 1), bend[size_t(i)], bend[size_t(i + 1)]);
    }
  }

  double value(double x) const {
    if (x < first().x) return below(x);
    if (x > last().x) return above(x);
    return expand(x).value;
  }

  struct Expansion {
    double value, slope, curvature;  // curvature: minus the second derivative
  };

  // x: between the outer nodes, of which there are at least two.
  Expansion expand(double x) const {
    if (size_ == 1) return {first().value, first().slope, 0.0};
    Index i = 0;
    while (i + 2 < size_ && x >= node(i + 1).x) ++i;
    const Coefficients& c = pieces_[size_t(i)];
    const double t = x - node(i).x;
    double value = c[5], slope = 0.0, half = 0.0;  // Horner, with two derivatives
    for (size_t k = 5; k-- > 0;) {
      half = half * t + slope;
      slope = slope * t + value;
      value = value * t + c[k];
    }
    return {value, slope, -2.0 * half};
  }

  // Of the interpolated density, from the highest node. That node where there is none.
  double mode() const {
    Index best = 0;
    for (Index i = 1; i < size_; ++i) {
      if (node(i).value > node(best).value) best = i;
    }
    const double low = node(std::max<Index>(best - 1, 0)).x;
    const double high = node(std::min(best + 1, size_ - 1)).x;
    double x = node(best).x;
    for (int k = 0; k < 20; ++k) {
      const Expansion at = expand(x);
      if (!(at.curvature > 0.0)) return node(best).x;
      const double next = std::clamp(x + at.slope / at.curvature, low, high);
      if (std::abs(next - x) * std::sqrt(at.curvature) < 1e-6) return next;
      x = next;
    }
    return node(best).x;
  }

 private:
  using Coefficients = std::array<double, 6>;

  double below(double x) const {
    const LineNode& end = first();
    return end.value + prior_->value(x) - prior_->value(end.x) +
           0.5 * likelihood_slope(end) * std::expm1(2.0 * (x - end.x));
  }
  double above(double x) const {
    const LineNode& end = last();
    return end.value + prior_->value(x) - prior_->value(end.x) +
           std::min(likelihood_slope(end), 0.0) * (x - end.x);
  }

  static Coefficients quintic(const LineNode& a, const LineNode& b, double bend_a, double bend_b) {
    const double h = b.x - a.x;
    const double rise = (b.value - a.value - h * (a.slope + 0.5 * h * bend_a)) / (h * h * h);
    const double turn = (b.slope - a.slope - h * bend_a) / (h * h);
    const double bend = (bend_b - bend_a) / h;
    return {a.value,
            a.slope,
            0.5 * bend_a,
            10.0 * rise - 4.0 * turn + 0.5 * bend,
            (-15.0 * rise + 7.0 * turn - bend) / h,
            (6.0 * rise - 3.0 * turn + 0.5 * bend) / (h * h)};
  }

  void complete_slopes(double known) {
    const double there = slope_of_part(known);
    for (Index i = 0; i < size_; ++i) {
      nodes_[size_t(i)].slope += slope_of_part(node(i).x) - there;
    }
  }

  // At x, of the polynomial through the parts, by Neville's scheme with derivatives.
  double slope_of_part(double x) const {
    std::array<double, most_nodes> value, slope;
    for (Index i = 0; i < size_; ++i) {
      value[size_t(i)] = node(i).part;
      slope[size_t(i)] = 0.0;
    }
    for (Index order = 1; order < size_; ++order) {
      for (Index i = 0; i + order < size_; ++i) {
        const auto k = size_t(i);
        const double width = node(i + order).x - node(i).x, share = (x - node(i).x) / width;
        slope[k] += share * (slope[k + 1] - slope[k]) + (value[k + 1] - value[k]) / width;
        value[k] += share * (value[k + 1] - value[k]);
      }
    }
    return slope[0];
  }

  // At a, of the cubic through value and slope at a and b.
  static double one_sided(const LineNode& a, const LineNode& b) {
    const double h = b.x - a.x;
    return (6.0 * (b.value - a.value) / h - 4.0 * a.slope - 2.0 * b.slope) / h;
  }

  double second_derivative(Index i) const {
    if (size_ == 1) return 0.0;
    if (i == 0) return one_sided(node(0), node(1));
    if (i == size_ - 1) return one_sided(node(i), node(i - 1));
    return two_sided(node(i - 1), node(i), node(i + 1));
  }

  // At the middle one, of the quintic f0 + g0 t + c2 t^2 + ... + c5 t^5 through all three:
  //
  //     u = c2 - c4 t^2 - 2 c5 t^3,   w = c3 + 2 c4 t + 3 c5 t^2      from the node at t
  static double two_sided(const LineNode& left, const LineNode& at, const LineNode& right) {
    const auto conditions = [&at](const LineNode& node) {
      const double t = node.x - at.x;
      const double rise = (node.value - at.value - at.slope * t) / (t * t);
      const double turn = (node.slope - at.slope) / t;
      return std::array<double, 2>{3.0 * rise - turn, (turn - 2.0 * rise) / t};
    };
    const double a = at.x - left.x, b = right.x - at.x, both = a + b;
    const auto [u_left, w_left] = conditions(left);
    const auto [u_right, w_right] = conditions(right);
    const double w = (w_right - w_left) / both;
    const double c5 = -2.0 * (u_right - u_left + 0.5 * w * (b - a) * both) / (both * both * both);
    const double c4 = 0.5 * w - 1.5 * c5 * (b - a);
    return 2.0 * (u_right + b * b * (c4 + 2.0 * b * c5));
  }

  const HyperPrior* prior_;
  Index size_ = 0;
  std::array<LineNode, most_nodes> nodes_;
  std::array<Coefficients, most_nodes> pieces_;
};

}  // namespace mixed_glm
