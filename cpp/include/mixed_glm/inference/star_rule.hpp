// Integration over several hyperparameters whose density is nearly normal, by few evaluations: at
// the mode and at two points of each axis (star_points.hpp), between which density and conditional
// posterior (conditional_star.hpp) are interpolated. Their values at the points of a lattice make
// the mixture, as if they had been evaluated there.
#pragma once

#include <mixed_glm/inference/conditional_star.hpp>
#include <mixed_glm/inference/posterior_mixture.hpp>
#include <mixed_glm/inference/psi_points.hpp>
#include <mixed_glm/inference/star_points.hpp>

namespace mixed_glm {

class StarRule {
 public:
  // Newton decrement of the coefficients at the points: what the step after it leaves does not
  // show.
  static constexpr double point_decrement = 1e-3;

  // The marginal stands at `mode`, or near it, with a rough precision; both become those of the
  // interpolated density.
  StarRule(Marginal& marginal, MarginalMode& mode)
      : marginal_(&marginal), mode_(&mode), whitened_(mode.psi, mode.precision) {}

  // evaluate(psi) evaluates the marginal; false where that fails. Returns false, and adds nothing,
  // where the density is too far from a normal one, or too wide.
  template <class Evaluate>
  bool run(Evaluate&& evaluate, const GridSettings& grid, PosteriorMixture& mixture) {
    if (spread_of_logs() > widest_of_logs || !place(evaluate)) return false;
    const StarExpansion density(values_, reach);
    const Vector scales = density.scales();
    if (scales.minCoeff() < narrowest || !(scales.maxCoeff() < widest)) return false;
    if (density.largest_third() > most_third || density.largest_fourth() > most_fourth)
      return false;
    Vector center;
    ConditionalStar conditional(posteriors_, reach);
    if (!conditional.is_valid() || !move_mode(density, center)) return false;
    fill(density, conditional, center, grid, mixture);
    return true;
  }

 private:
  static constexpr double reach = 1.75;  // standard deviations
  // Standard deviations along the axes, of an axis' unit, where the points are well placed.
  static constexpr double narrowest = 0.6, widest = 1.6;
  // Of a standard deviation of some 15 groups and more: errors of standard deviations of psi stay
  // below one percent.
  static constexpr double most_third = 0.06, most_fourth = 0.01;

  // Of a log standard deviation; variances of the effects grow with its exponential, which what is
  // interpolated from few points does not follow far: at this spread standard deviations of the
  // effects are off by some percent at most, at one by a third.
  static constexpr double widest_of_logs = 0.3;

  // The largest standard deviation of one.
  double spread_of_logs() const {
    const Hyperparameters::Block psi = marginal_->model().hyperparameters().psi();
    const Matrix axes = whitened_.axes().middleRows(psi.begin, psi.size);
    return psi.size > 0 ? axes.rowwise().norm().maxCoeff() : 0.0;
  }

  template <class Evaluate>
  bool place(Evaluate& evaluate) {
    take(mode_->psi);
    marginal_->allow_decrement(point_decrement);
    bool valid = true;
    for (Index k = 0; valid && k < mode_->psi.size(); ++k) {
      for (const double side : {-reach, reach}) {
        const Vector psi = whitened_.psi(side * Vector::Unit(mode_->psi.size(), k));
        const int before = marginal_->fallbacks();
        valid = valid && evaluate(psi) && marginal_->fallbacks() == before;
        if (valid) take(psi);
      }
    }
    marginal_->allow_decrement(0.0);
    return valid;
  }

  void take(const Vector& psi) {
    values_.push_back(
        {marginal_->log_density(), whitened_.axes().transpose() * marginal_->gradient(psi)});
    posteriors_.push_back(marginal_->posterior());
  }

  // Newton's method on the expansion.
  bool move_mode(const StarExpansion& density, Vector& center) {
    center = Vector::Zero(density.dimension());
    for (int k = 0; k < 20; ++k) {
      const Eigen::LLT<Matrix> bend(-density.hessian(center));
      if (bend.info() != Eigen::Success) return false;
      const Vector step = bend.solve(density.gradient(center));
      center += step;
      if (center.norm() > 1.0) return false;
      if (step.norm() < 1e-9) break;
    }
    const Matrix bend = -density.hessian(center);
    if (Eigen::LLT<Matrix>(bend).info() != Eigen::Success) return false;
    const Matrix back = whitened_.axes().inverse();
    mode_->psi = whitened_.psi(center);
    mode_->log_density = density.value(center);
    mode_->precision = back.transpose() * bend * back;
    return true;
  }

  void fill(const StarExpansion& density, ConditionalStar& conditional, const Vector& center,
            const GridSettings& grid, PosteriorMixture& mixture) const {
    const WhitenedPsi lattice(mode_->psi, mode_->precision);
    const Vector origin = whitened_.psi(Vector::Zero(center.size()));
    const Matrix back = whitened_.axes().inverse();
    ConditionalPosterior at;
    GridWalk(lattice, center.size(), grid).run([&](const Vector& psi, double log_volume) {
      const Vector z = back * (psi - origin);
      const double value = density.value(z);
      conditional.evaluate(z, at);
      mixture.add(psi, value, log_volume, at);
      return value;
    });
  }

  Marginal* marginal_;
  MarginalMode* mode_;
  WhitenedPsi whitened_;
  std::vector<StarPoint> values_;
  std::vector<ConditionalPosterior> posteriors_;
};

}  // namespace mixed_glm
