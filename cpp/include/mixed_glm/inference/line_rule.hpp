// Integration over one log standard deviation psi by few evaluations: value, slope and conditional
// posterior at some nodes (line_nodes.hpp), between which the log density (log_density_line.hpp)
// and the conditional posterior (conditional_line.hpp) are interpolated. Their values at the points
// of a fine lattice make the mixture, as if they had been evaluated there.
#pragma once

#include <mixed_glm/inference/conditional_line.hpp>
#include <mixed_glm/inference/line_nodes.hpp>
#include <mixed_glm/inference/marginal_mode.hpp>
#include <mixed_glm/inference/posterior_mixture.hpp>
#include <vector>

namespace mixed_glm {

// Where a search for the mode may end: a tenth of a standard deviation from it. Nodes lie as well
// there, and the mode is that of the interpolated density.
constexpr double line_search_tolerance = 0.01;

// Points psi = mode + h sd (integer) of all that is within ten nats of the highest. As fine as it
// costs next to nothing; long tails are as coarse as a Gaussian allows, which is right to 1e-4.
class LineLattice {
 public:
  LineLattice(const LineNodes& nodes, double mode, double sd)
      : nodes_(&nodes), mode_(mode), sd_(sd), step_(finest) {
    walk();
    const double wanted = finest * double(points_.size()) / most_points;
    if (wanted <= finest) return;
    step_ = std::min(wanted, coarsest);
    walk();
  }

  struct Point {
    double psi, log_density;
  };

  double step() const { return step_; }                         // h
  const std::vector<Point>& points() const { return points_; }  // the mode first

 private:
  static constexpr double finest = 0.65, coarsest = 1.2;
  static constexpr double most_points = 44.0;    // from which on the lattice becomes coarser
  static constexpr int most_on_a_side = 10'000;  // so that no density can go on without end
  static constexpr double drop = 10.0;

  void walk() {
    points_.clear();
    points_.reserve(64);
    double highest = nodes_->line().value(mode_);
    points_.push_back({mode_, highest});
    for (const int side : {1, -1}) {
      for (int k = 1; k <= most_on_a_side; ++k) {
        const double psi = mode_ + step_ * sd_ * side * k;
        if (psi <= nodes_->lower_limit() || psi >= nodes_->upper_limit()) break;
        const double value = nodes_->line().value(psi);
        if (!(value > highest - drop)) break;
        highest = std::max(highest, value);
        points_.push_back({psi, value});
      }
    }
  }

  const LineNodes* nodes_;
  double mode_, sd_, step_;
  std::vector<Point> points_;
};

class LineRule {
 public:
  // Newton decrement of the coefficients at the nodes: what the step after it leaves does not show.
  static constexpr double node_decrement = 1e-3;

  // The marginal stands at `mode`, which becomes that of the interpolated density.
  LineRule(Marginal& marginal, MarginalMode& mode) : marginal_(&marginal), mode_(&mode) {}

  // evaluate(psi) evaluates the marginal; false where that fails. Returns false, and adds nothing,
  // where there is another, higher mode: only a lattice looks everywhere.
  template <class Evaluate>
  bool run(Evaluate&& evaluate, PosteriorMixture& mixture) {
    Vector psi = mode_->psi;
    LineNodes nodes(marginal_->model().hyperparameters().prior(0), take_node(psi),
                    1.0 / std::sqrt(mode_->precision(0, 0)));
    marginal_->allow_decrement(node_decrement);
    nodes.place([&](double x) -> std::optional<LineNode> {
      psi[0] = x;
      if (!evaluate(psi)) return std::nullopt;
      return take_node(psi);
    });
    marginal_->allow_decrement(0.0);
    if (nodes.has_higher_mode()) return false;
    left_out_ = nodes.left_out();
    move_mode(nodes.line());
    fill(nodes, mixture);
    return true;
  }

  double step() const { return step_; }  // of the lattice, in standard deviations
  int left_out() const { return left_out_; }

 private:
  struct Conditional {
    double psi;
    ConditionalPosterior posterior;
  };

  LineNode take_node(const Vector& psi) {
    conditionals_.push_back({psi[0], marginal_->posterior()});
    return {psi[0], marginal_->log_density(), marginal_->gradient(psi)[0], marginal_->held_part()};
  }

  void move_mode(const LogDensityLine& line) {
    const double psi = line.mode();
    const LogDensityLine::Expansion at = line.expand(psi);
    mode_->psi[0] = psi;
    mode_->log_density = at.value;
    if (at.curvature > 0.0) mode_->precision(0, 0) = at.curvature;
  }

  ConditionalLine interpolated() {
    const double mode = conditionals_.front().psi;
    std::sort(conditionals_.begin(), conditionals_.end(),
              [](const Conditional& a, const Conditional& b) { return a.psi < b.psi; });
    ConditionalLine::Knots knots(Index(conditionals_.size()));
    std::vector<const ConditionalPosterior*> nodes;
    Index at_mode = 0;
    for (size_t i = 0; i < conditionals_.size(); ++i) {
      knots[Index(i)] = conditionals_[i].psi;
      nodes.push_back(&conditionals_[i].posterior);
      if (conditionals_[i].psi == mode) at_mode = Index(i);
    }
    return ConditionalLine(knots, nodes, at_mode);
  }

  void fill(const LineNodes& nodes, PosteriorMixture& mixture) {
    const double sd = 1.0 / std::sqrt(mode_->precision(0, 0));
    const LineLattice lattice(nodes, mode_->psi[0], sd);
    step_ = lattice.step();
    const double log_volume = std::log(step_ * sd);
    ConditionalLine conditional = interpolated();
    ConditionalPosterior at;
    mixture.reserve(lattice.points().size());
    for (const LineLattice::Point& point : lattice.points()) {
      conditional.evaluate(point.psi, at);
      mixture.add(Vector::Constant(1, point.psi), point.log_density, log_volume, at);
    }
  }

  Marginal* marginal_;
  MarginalMode* mode_;
  std::vector<Conditional> conditionals_;
  double step_ = 0.0;
  int left_out_ = 0;
};

}  // namespace mixed_glm
