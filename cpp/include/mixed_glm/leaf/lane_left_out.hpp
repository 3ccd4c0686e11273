// What remains of log p(y, theta) where some rows are left out, of a model that LaneMarginal suits:
// rows of few groups change, at the mode of beta given all rows, the sums of their batches alone.
// With the gradient g and H of the rest there, a Newton step leads to its mode:
//
//     log p(rest, theta) - log p(y, theta) = change of the value there + 1/2 g' H^-1 g
//                                          - 1/2 (log|H| - log|H_all|) + slope' H^-1 g
//
// slope: of -1/2 log|H| given all rows, which hardly differs. A step that is too long for that is
// taken first.
#pragma once

#include <algorithm>
#include <mixed_glm/inference/rows_left_out.hpp>
#include <mixed_glm/leaf/lane_marginal.hpp>
#include <vector>

namespace mixed_glm {

class LaneLeftOut final : public RowsLeftOut {
 public:
  // How much there would be to remember.
  static bool is_worth(const Model& model, Index points) {
    const Index p = model.design().fixed(), batches = model.design().effects() / lane_count + 1;
    return points * (batches + 1) * (p + 1) * (p + 1) <= most_numbers;
  }

  // The marginal has all rows, and is viewed, as its model.
  explicit LaneLeftOut(const LaneMarginal& marginal)
      : marginal_(&marginal),
        lanes_(&marginal.lanes()),
        family_(marginal.model()),
        likelihood_(*lanes_, marginal.fixed_part(), family_, marginal.n_quad()),
        prior_(likelihood_.design(), marginal.fixed_part().prior()),
        precision_(likelihood_.design().pattern()),
        all_a_(lanes_->all_a()),
        all_b_(lanes_->all_b()) {}

  void skip_point() override { points_.emplace_back(); }
  void add_point(const Vector& theta) override {
    Point point;
    point.sd = effect_sd(theta[0]);
    point.coefficients = marginal_->coefficients();
    point.modes = marginal_->modes();
    point.total = Sums(likelihood_.design());
    for (Index c = 0; c < Index(lanes_->batches().size()); ++c) {
      point.batches.push_back(batch_sums(point, c));
      point.total.add(point.batches.back(), 1.0);
    }
    add_prior(point.coefficients, point.total);
    point.constant = family_.constant();
    point.value = point.total.value + point.constant;
    point.is_found = factorize(point.total.curvature);
    if (point.is_found) {
      point.log_determinant = precision_.log_determinant();
      point.mean_shift = marginal_->mean_shift();
    }
    points_.push_back(std::move(point));
  }

  void update_response() override {
    likelihood_.nodes().update_response();
    changed_.clear();
    for (Index c = 0; c < Index(lanes_->batches().size()); ++c) {
      if (!is_as_before(lanes_->batches()[size_t(c)])) changed_.push_back(c);
    }
  }

  // NaN where Newton's steps alone do not lead to the mode.
  double log_ratio(Index k) override {
    const Point& point = points_[size_t(k)];
    if (!point.is_found) return nan;
    Sums rest = changed_sums(point);
    Vector at = point.coefficients;
    double last = farthest;
    for (int steps = 0; steps < most_steps; ++steps) {
      if (!rest.gradient.allFinite() || !factorize(rest.curvature)) return nan;
      Vector step = rest.gradient;
      precision_.solve_in_place(step);
      const double decrement = rest.gradient.dot(step);
      if (!(decrement < last)) return nan;
      if (decrement <= near) {
        return rest.value + 0.5 * decrement + point.mean_shift.dot(rest.gradient) -
               0.5 * (precision_.log_determinant() - point.log_determinant);
      }
      last = decrement;
      at += step;
      rest = all_sums(point, at);
      rest.value += family_.constant() - point.value;
    }
    return nan;
  }

 private:
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  static constexpr Index most_numbers = 8'000'000;
  // Newton decrements from which a last step makes up for nearly all, and from which none leads
  // there for sure.
  static constexpr double near = 1e-3, farthest = 10.0;
  static constexpr int most_steps = 8;

  // Of log integrals over effects: value, gradient in beta, and minus the second derivatives.
  struct Sums {
    Sums() = default;
    explicit Sums(const Design& design)
        : gradient(Vector::Zero(design.coefficients())),
          curvature(Vector::Zero(design.pattern().size())) {}
    void add(const Sums& other, double factor) {
      value += factor * other.value;
      gradient += factor * other.gradient;
      curvature += factor * other.curvature;
    }

    double value = 0.0;
    Vector gradient, curvature;
  };
  struct Point {
    double sd = 1.0;
    Vector coefficients, modes;  // of beta and, for all slots, of the effects
    std::vector<Sums> batches;
    Sums total;                          // with the prior
    double constant = 0.0, value = 0.0;  // of the family; of all together
    double log_determinant = 0.0;        // of H
    Vector mean_shift;                   // H^-1 slope
    bool is_found = false;
  };

  // From the coefficients given all rows, where these leave nothing: what the rest says there.
  Sums changed_sums(const Point& point) {
    Sums rest = point.total;
    rest.value = family_.constant() - point.constant;
    for (const Index c : changed_) {
      rest.add(batch_sums(point, c), 1.0);
      rest.add(point.batches[size_t(c)], -1.0);
    }
    return rest;
  }

  Sums batch_sums(const Point& point, Index batch) {
    likelihood_.nodes().visit_only(batch);
    begin_at(point, batch, batch + 1);
    return sums_at(point.coefficients);
  }

  // With the prior.
  Sums all_sums(const Point& point, const Vector& coefficients) {
    likelihood_.nodes().visit_all();
    likelihood_.nodes().reset();  // of what other rows left out have made of the shifts
    begin_at(point, 0, Index(lanes_->batches().size()));
    Sums sums = sums_at(coefficients);
    add_prior(coefficients, sums);
    return sums;
  }

  // Modes of the effects in batches first .. last - 1.
  void begin_at(const Point& point, Index first, Index last) {
    LaneNodes& nodes = likelihood_.nodes();
    nodes.set_sd(point.sd);
    nodes.start_at(point.coefficients);
    for (Index s = first * lane_count; s < last * lane_count; ++s) {
      nodes.set_start(s, point.modes[s]);
    }
  }

  Sums sums_at(const Vector& coefficients) {
    Sums sums(likelihood_.design());
    sums.value =
        likelihood_.expand(coefficients, sums.gradient, sums.curvature.data()) - family_.constant();
    return sums;
  }

  void add_prior(const Vector& coefficients, Sums& sums) const {
    sums.value += prior_.log_density(coefficients);
    prior_.add_gradient(coefficients, sums.gradient);
    prior_.add_precision(sums.curvature.data());
  }

  bool factorize(const Vector& curvature) {
    std::copy_n(curvature.data(), curvature.size(), precision_.values());
    return precision_.factorize();
  }

  bool is_as_before(const GroupLanes::Batch& batch) const {
    const Index first = batch.first * lane_count, count = batch.rows * lane_count;
    return lanes_->all_a().segment(first, count) == all_a_.segment(first, count) &&
           lanes_->all_b().segment(first, count) == all_b_.segment(first, count);
  }

  const LaneMarginal* marginal_;
  const GroupLanes* lanes_;
  FamilyAt family_;
  LaneLikelihood likelihood_;
  CoefficientPrior prior_;  // of beta
  Precision precision_;
  Vector all_a_, all_b_;  // of all rows
  std::vector<Point> points_;
  std::vector<Index> changed_;  // batches
};

}  // namespace mixed_glm
