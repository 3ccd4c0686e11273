// Newton's method for the maximum of a strictly concave function of one variable, inside a bracket.
// Newton's step is taken where it stays in the bracket and the slope falls fast; otherwise the
// bracket is halved, or, where one end is not known yet, the last move doubled.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace mixed_glm {

class ModeBracket {
 public:
  // From slope and minus the curvature at a point to the next one. True where it moves by no more
  // than `share` of the scale, curvature^-1/2.
  bool move(double slope, double curvature, double share, double& at) {
    (slope > 0.0 ? low_ : high_) = at;
    const bool bracketed = std::isfinite(low_) && std::isfinite(high_);
    const bool slow = !(std::abs(slope) <= 0.2 * last_slope_);
    double move = slope / curvature;
    const bool close = std::abs(move) <= share * (1.0 / std::sqrt(curvature));
    if (!bracketed) {  // a slow approach is sped up, a leap held back
      const double reach = std::max(4.0, 3.0 * std::abs(last_move_));
      if (!(std::abs(move) < reach) || (slow && !close && last_move_ != 0.0)) {
        move = std::copysign(reach, slope);
      }
    }
    double next = at + move;
    const bool inside = next >= low_ && next <= high_;
    if (bracketed && (!inside || (slow && !close))) next = 0.5 * (low_ + high_);
    last_slope_ = std::abs(slope);
    last_move_ = next - at;
    at = next;
    return close;
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  double low_ = -infinity, high_ = infinity;
  double last_slope_ = infinity, last_move_ = 0.0;
};

}  // namespace mixed_glm
