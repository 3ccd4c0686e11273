// Which approximation suits a model, found out by looking at it.
//
// At Laplace's mode of psi, with covariance C of psi there, the gradients of log p(y, psi) by
// expectation propagation (g_E) and by leaf quadrature (g_L) say to first order by how much each of
// them would move psi, in standard deviations:
//
//     E_k = (C g_E)_k / sd_k        L_k = (C g_L)_k / sd_k
//
// Laplace errs by about max(|E_k|, |L_k|). Quadrature is exact for the parameters l of the leaf
// (the family's, too, where there are no effects beside it) and Laplace for all others, EP treats
// all alike: so EP errs by about the largest |L_l - E_l|, and leaf quadrature by the largest |E_k -
// L_k| of the others. On 37 problems with long MCMC references this predicted nearly all errors
// within a third, and its worst case was that of an oracle (benchmarks/accuracy). For a Gaussian
// response Laplace is exact. Where crossed factors have many levels (linalg/krylov_factor.hpp), the
// factor of the quadrature, which is dense, may be too much; EP remains.
#pragma once

#include <mixed_glm/fit/approximation.hpp>
#include <mixed_glm/inference/fit_marginal.hpp>

namespace mixed_glm {

struct Choice {
  Approximation approximation;
  Vector start;  // K, where its search for the mode of psi should begin
};

namespace detail {

constexpr Index most_rows_to_choose = 500'000;  // beyond, Laplace with mean correction
constexpr double good_enough = 0.02;            // posterior sds of psi that Laplace may be off
// Effects beside the leaf that its exact factor can have, where Laplace's is not exact.
constexpr Index most_crossed_effects = 2'500;

// First-order move of the mode of psi under another approximation, in standard deviations.
// Infinite where it cannot be evaluated: it is never the one to choose.
inline Vector psi_shift(const Model& model, const Approximation& approximation, const Vector& psi,
                        const Matrix& covariance, const NewtonSettings& inner) {
  const auto marginal = make_marginal(model, approximation, inner);
  if (!marginal->evaluate(psi)) {
    return Vector::Constant(psi.size(), std::numeric_limits<double>::infinity());
  }
  const Vector move = covariance * marginal->gradient(psi);
  return move.array() / covariance.diagonal().array().sqrt();
}

// The move itself, at most one standard deviation.
inline Vector bounded_move(const Vector& shift, const Matrix& covariance) {
  return shift.array().min(1.0).max(-1.0) * covariance.diagonal().array().sqrt();
}

inline double largest(const Vector& shift) { return shift.cwiseAbs().maxCoeff(); }

// Whether the factor that leaf quadrature needs, which is dense, can be afforded.
inline bool can_afford(const LeafBlock& leaf, const Design& design) {
  if (leaf.is_default() || design.pattern().is_filled()) return true;
  double beside = double(design.effects());
  for (Index k = 0; k < design.components(); ++k) {
    if (leaf.place(k) >= 0) beside -= design.component_size()[k];
  }
  return beside <= double(most_crossed_effects);
}

// psi: Laplace's mode.
inline Choice choose_at(const Model& model, const Vector& psi, const Matrix& covariance,
                        const NewtonSettings& inner) {
  const Approximation laplace, ep{ApproximationName::ep};
  const Vector ep_shift = psi_shift(model, ep, psi, covariance, inner);
  const LeafBlock block = default_leaf(model.design());
  if (block.is_default() || !can_afford(block, model.design()))
    return {largest(ep_shift) < good_enough ? laplace : ep, psi};
  const Approximation leaf{ApproximationName::leaf, block};
  const Vector leaf_shift = psi_shift(model, leaf, psi, covariance, inner);
  if (!leaf_shift.allFinite()) return {ep, psi};
  if (std::max(largest(ep_shift), largest(leaf_shift)) < good_enough) return {laplace, psi};
  Vector of_others = (ep_shift - leaf_shift).cwiseAbs();
  double of_leaf = 0.0;
  const Index components = model.design().components();
  const Hyperparameters::Block family = model.hyperparameters().family();
  const auto is_of_leaf = [&](Index k) {
    if (k < components) return block.place(k) >= 0;
    const bool is_of_family = family.size > 0 && k >= family.begin;
    return is_of_family ? block.size() == components : model.design().is_correlated();
  };
  for (Index k = 0; k < of_others.size(); ++k) {
    if (!is_of_leaf(k)) continue;
    of_leaf = std::max(of_leaf, of_others[k]);
    of_others[k] = 0.0;
  }
  if (of_leaf < of_others.maxCoeff()) return {ep, psi + bounded_move(ep_shift, covariance)};
  return {leaf, psi + bounded_move(leaf_shift, covariance)};
}

}  // namespace detail

inline Choice choose(const Model& model, Monitor* monitor = nullptr, Team* team = nullptr) {
  const Vector start = model.hyperparameters().start();
  if (start.size() == 0 || is_quadratic(model.family())) return {Approximation(), start};
  MarginalFitSettings settings;
  settings.integrate = Integrate::mode;
  settings.mode.monitor = monitor;
  LaplaceMarginal laplace(model, {marginal_newton_settings(monitor, team)});
  const MarginalFit fit = fit_marginal(laplace, start, settings);
  if (fit.posterior.points.empty()) return {Approximation(), start};
  if (model.design().rows() > detail::most_rows_to_choose) return {Approximation(), fit.mode.psi};
  NewtonSettings exact;
  exact.monitor = monitor;
  exact.team = team;
  return detail::choose_at(model, fit.mode.psi, fit.posterior.vcp_cov, exact);
}

}  // namespace mixed_glm
