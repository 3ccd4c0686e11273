// Quadrature rules for expectations under a normal distribution,
//
//     E f(m + sd z) = sum_k weight_k f(m + sd node_k),   z ~ N(0, 1)
//
// of functions analytic in a strip |Im eta| < strip. What a rule must resolve is sd / strip. Narrow
// distributions take Gauss-Hermite rules of 6 to 16 nodes. Beyond sd = strip / 3 their error falls
// as exp(-c sqrt(nodes)) only, and the trapezoidal rule is better (Trefethen and Weideman 2014):
// its error is exp(-2 pi strip / (sd step)), 4e-10 with step = 0.29 strip / sd.
//
// Largest relative error of E log(1 + e^eta), and largest error of its second derivative relative
// to the largest one, for means from -12 to 12:
//
//     sd              0.3    0.5    0.62   0.78   1      1.5    2      3      5      8      12
//     nodes           6      8      10     12     16     25     39     47     91     139    217
//     value           9e-11  4e-10  2e-10  7e-10  9e-10  2e-9   1e-8   2e-8   2e-9   1e-9   5e-10
//     derivative      3e-9   2e-8   2e-8   5e-8   8e-8   1e-7   1e-9   4e-8   7e-10  1e-9   4e-10
//     32 Gauss-Hermite nodes, value:                     3e-10  6e-8   1e-5   1e-3   7e-3
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <mixed_glm/math/gauss_hermite.hpp>
#include <vector>

namespace mixed_glm {

struct NormalRule {
  Vector nodes, weights;  // weights sum to one

  static NormalRule gauss(Index n) {
    const GaussHermite rule(n);
    NormalRule result{std::sqrt(2.0) * rule.nodes,
                      (rule.log_weights.array() - rule.nodes.array().square()).exp()};
    result.weights /= result.weights.sum();
    return result;
  }

  // Nodes step * k, up to `reach` standard deviations.
  static NormalRule trapezoidal(double step, double reach) {
    const auto half = Index(std::ceil(reach / step));
    const auto side = double(half);
    NormalRule result{step * Vector::LinSpaced(2 * half + 1, -side, side), {}};
    result.weights = (-0.5 * result.nodes.array().square()).exp();
    result.weights /= result.weights.sum();
    return result;
  }
};

// What a kernel asks of a rule.
struct RuleNeeds {
  double strip;  // half width of the strip in which it is analytic
  double reach;  // standard deviations beyond which the normal density times the kernel is nothing
};

// The rules for all widths, each made when it is first needed. nodes > 0: one Gauss-Hermite rule
// with so many nodes for everything.
class NormalRules {
 public:
  NormalRules(RuleNeeds needs, Index nodes) : needs_(needs) {
    if (nodes > 0) fixed_.push_back(NormalRule::gauss(nodes));
  }

  // For standard deviations up to sd; the same for the same sd, whatever came before.
  const NormalRule& at(double sd) {
    if (!fixed_.empty()) return fixed_.front();
    const double width = sd / needs_.strip;
    for (size_t k = 0; k < gauss_nodes.size(); ++k) {
      if (width <= gauss_width[k]) {
        return make(gauss_[k], [k] { return NormalRule::gauss(gauss_nodes[k]); });
      }
    }
    const double levels = std::log(width / gauss_width.back()) / std::log(growth);
    const auto level = size_t(std::clamp(std::ceil(levels), 1.0, double(wide_.size())));
    return make(wide_[level - 1], [&] {
      const double widest = gauss_width.back() * std::pow(growth, double(level));
      return NormalRule::trapezoidal(0.29 / widest, needs_.reach);
    });
  }

 private:
  static constexpr std::array<Index, 5> gauss_nodes = {6, 8, 10, 12, 16};
  static constexpr std::array<double, 5> gauss_width = {0.1, 0.16, 0.2, 0.25, 0.32};
  static constexpr double growth = 1.25;

  template <class Make>
  static const NormalRule& make(NormalRule& rule, Make&& maker) {
    if (rule.nodes.size() == 0) rule = maker();
    return rule;
  }

  RuleNeeds needs_;
  std::vector<NormalRule> fixed_;
  std::array<NormalRule, 5> gauss_;
  std::array<NormalRule, 15> wide_;  // to a width of 9, an sd of 28 for the logit link
};

}  // namespace mixed_glm
