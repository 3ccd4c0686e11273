// Where the line rule evaluates the density of one hyperparameter: at its mode, on each side 1.5
// standard deviations from there, and on each side where the exact slope predicts a fall of six
// nats. Less on the left where the likelihood is already flat: what remains is the prior.
#pragma once

#include <limits>
#include <mixed_glm/inference/log_density_line.hpp>
#include <optional>

namespace mixed_glm {

class LineNodes {
 public:
  // mode: evaluated already, or nearly the mode; sd: as far as it is known.
  LineNodes(const HyperPrior& prior, const LineNode& mode, double sd)
      : line_(prior), mode_(mode), sd_(sd) {
    line_.add(mode);
  }

  // visit(x) returns value and slope there, or nothing where they cannot be evaluated.
  template <class Visit>
  void place(Visit&& visit) {
    const auto left = place_inner(-1.0, visit), right = place_inner(1.0, visit);
    if (right) go_out(1.0, *right, visit);
    if (left) go_out(-1.0, *left, visit);
    line_.interpolate(mode_.x);
  }

  const LogDensityLine& line() const { return line_; }
  // Whether a node is so much higher than the mode that there must be another one.
  bool has_higher_mode() const { return highest_ > mode_.value + 1.0; }
  // Beyond these the density is not known: it could not be evaluated there.
  double lower_limit() const { return limit_[0]; }
  double upper_limit() const { return limit_[1]; }
  // Places without a value that may matter: the density was not yet low on the way to them.
  int left_out() const { return left_out_; }

 private:
  static constexpr double first = 1.5;       // standard deviations
  static constexpr double fall = 6.0;        // nats, of the outer nodes
  static constexpr double enough = 5.0;      // nats, not to go on once more
  static constexpr double too_far = 3.5;     // nats, of the inner nodes
  static constexpr double flat = 0.2;        // slope of the likelihood
  static constexpr double negligible = 5.0;  // nats: what is lower need not be evaluated
  static constexpr int most_inner = 3, most_outer = 7;

  // Returns the outermost node on this side.
  template <class Visit>
  std::optional<LineNode> place_inner(double side, Visit& visit) {
    std::optional<LineNode> outer;
    double distance = first * sd_;
    for (int k = 0; k < most_inner; ++k) {
      const auto node = visit_at(mode_.x + side * distance, outer.value_or(mode_), side, visit);
      if (!node) {
        distance *= 0.5;
        continue;
      }
      if (!outer) outer = node;
      const double down = fall_of(*node);
      if (down < too_far) {
        if (side < 0.0) learn_scale(*node);
        break;
      }
      distance *= std::clamp(std::sqrt(0.5 * first * first / down), 0.2, 0.7);
    }
    return outer;
  }

  template <class Visit>
  void go_out(double side, LineNode node, Visit& visit) {
    for (int k = 0; k < most_outer; ++k) {
      const double down = fall_of(node);
      if (down > (k == 0 ? fall : enough)) return;
      if (k > 0 && side < 0.0 && std::abs(line_.likelihood_slope(node)) < flat) return;
      const double slope = std::max(-side * node.slope, 0.3 / sd_);
      const double most =
          k == 0 ? 2.5 * sd_ : std::max(4.0 * sd_, std::abs(node.x - mode_.x) - 4.0 * sd_);
      // Short of what the slope says: it grows on the way.
      const double way = std::clamp((fall - down) / slope * (k == 0 ? 0.8 : 1.0), 0.8 * sd_, most);
      const auto next = visit_at(node.x + side * way, node, side, visit);
      if (!next) return;
      node = *next;
    }
  }

  template <class Visit>
  std::optional<LineNode> visit_at(double x, const LineNode& before, double side, Visit& visit) {
    const std::optional<LineNode> node = visit(x);
    if (node) {
      line_.add(*node);
      highest_ = std::max(highest_, node->value);
      return node;
    }
    double& limit = limit_[side < 0.0 ? 0 : 1];
    limit = side < 0.0 ? std::max(limit, x) : std::min(limit, x);
    if (fall_of(before) < negligible) ++left_out_;
    return node;
  }

  double fall_of(const LineNode& node) const {
    return std::max(mode_.value, highest_) - node.value;
  }

  // The standard deviation, by the curvature at the mode of the cubic to the first node.
  void learn_scale(const LineNode& node) {
    const double h = node.x - mode_.x;
    const double bend =
        (6.0 * (node.value - mode_.value) / h - 4.0 * mode_.slope - 2.0 * node.slope) / h;
    if (bend < 0.0) sd_ = std::clamp(1.0 / std::sqrt(-bend), 0.6 * sd_, 1.6 * sd_);
  }

  LogDensityLine line_;
  LineNode mode_;
  double sd_;
  double highest_ = -std::numeric_limits<double>::infinity();
  std::array<double, 2> limit_ = {-std::numeric_limits<double>::infinity(),
                                  std::numeric_limits<double>::infinity()};
  int left_out_ = 0;
};

}  // namespace mixed_glm
