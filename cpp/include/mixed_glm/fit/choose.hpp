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
// response Laplace is exact; where rows belong together (families/shape.hpp) there is no EP. With
// several components EP costs a fraction of what leaf quadrature does, and is taken where it errs
// by little. Where crossed factors have many levels (linalg/krylov_factor.hpp), the factor of the
// quadrature, which is dense, may be too much; EP remains.
//
// Nothing of it is thrown away: the three begin where the one before has come to, and the fit goes
// on from there.
//
// Where the leaf is all that there is, and its passes cost what Laplace's do (lane_marginal.hpp),
// there is nothing to find out: quadrature is exact for every parameter.
#pragma once

#include <memory>
#include <mixed_glm/fit/make_marginal.hpp>
#include <mixed_glm/inference/fit_marginal.hpp>
#include <utility>

namespace mixed_glm {

struct Choice {
  Approximation approximation;
  Vector start;                         // K, where its search for the mode of psi should begin
  Matrix precision = {};                // K x K, minus the Hessian about there; or empty
  std::shared_ptr<Marginal> warm = {};  // has been evaluated near there; or null
};

namespace detail {

constexpr Index most_rows_to_choose = 500'000;  // beyond, Laplace with mean correction
constexpr double good_enough = 0.02;            // posterior sds of psi that Laplace may be off
constexpr double ep_good_enough = 0.04;         // the same of EP where it is much cheaper
constexpr double ep_known_enough =
    0.05;  // of what EP errs by at most: leaf quadrature need not tell
constexpr double choice_decrement = 1e-5;  // of the coefficients, where gradients are compared
// Effects beside the leaf that its exact factor can have, where Laplace's is not exact.
constexpr Index most_crossed_effects = 2'500;

class Chooser {
 public:
  Chooser(const Model& model, Monitor* monitor, Team* team)
      : model_(&model), monitor_(monitor), inner_(marginal_newton_settings(monitor, team)) {}

  Choice run(const Vector& start) {
    const std::shared_ptr<Marginal> laplace = make_marginal(*model_, Approximation(), inner_);
    MarginalModeSettings settings;
    settings.monitor = monitor_;
    settings.tolerance = line_search_tolerance;
    MarginalModeSearch search(*laplace, settings);
    const MarginalMode mode = search.find(start);
    if (!mode.found) return {Approximation(), start};
    psi_ = mode.psi;
    coefficients_ = laplace->mode_of_coefficients();
    gradient_ = laplace->gradient(psi_);
    if (model_->design().rows() > most_rows_to_choose) {
      return {Approximation(), psi_, mode.precision, laplace};
    }
    precision_ = search.curvature();
    covariance_ = Eigen::LLT<Matrix>(precision_).solve(Matrix::Identity(psi_.size(), psi_.size()));
    const Choice of_laplace{Approximation(), psi_, precision_, laplace};
    return choose_beside(of_laplace);
  }

 private:
  // An approximation at Laplace's mode, and by how much it would move psi to first order, in
  // standard deviations; infinite where it cannot be evaluated: it is never the one to choose.
  struct Candidate {
    Choice choice;
    Vector shift;
  };

  Candidate look(const Approximation& approximation) const {
    Candidate found;
    std::shared_ptr<Marginal> marginal = make_marginal(*model_, approximation, inner_);
    marginal->start_at(coefficients_);
    marginal->allow_decrement(choice_decrement);
    const bool valid = marginal->evaluate(psi_);
    marginal->allow_decrement(0.0);
    if (!valid) {
      const double infinity = std::numeric_limits<double>::infinity();
      found.choice = {approximation, psi_};
      found.shift = Vector::Constant(psi_.size(), infinity);
      return found;
    }
    const Vector sd = covariance_.diagonal().cwiseSqrt();
    const Vector move = covariance_ * (marginal->gradient(psi_) - gradient_);
    found.shift = move.cwiseQuotient(sd);
    const Vector start = psi_ + move.cwiseMin(sd).cwiseMax(-sd);  // one standard deviation at most
    found.choice = {approximation, start, precision_, std::move(marginal)};
    return found;
  }

  static double largest(const Vector& shift) { return shift.cwiseAbs().maxCoeff(); }

  // Whether the factor that leaf quadrature needs, which is dense, can be afforded.
  bool can_afford(const LeafBlock& leaf) const {
    const Design& design = model_->design();
    if (design.pattern().is_filled()) return true;
    double beside = double(design.effects());
    for (Index k = 0; k < design.components(); ++k) {
      if (leaf.place(k) >= 0) beside -= design.component_size()[k];
    }
    return beside <= double(most_crossed_effects);
  }

  // Whether a parameter is one of those that quadrature over the leaf is exact for.
  bool is_of(const LeafBlock& block, Index k) const {
    const Index components = model_->design().components();
    const Hyperparameters::Block family = model_->hyperparameters().family();
    if (k < components) return block.place(k) >= 0;
    const bool is_of_family = family.size > 0 && k >= family.begin;
    return is_of_family ? block.size() == components : model_->design().is_correlated();
  }

  // The largest of the leaf's parameters, and of the others.
  std::pair<double, double> parts(const LeafBlock& block, const Vector& shift) const {
    double of_leaf = 0.0, of_others = 0.0;
    for (Index k = 0; k < shift.size(); ++k) {
      double& part = is_of(block, k) ? of_leaf : of_others;
      part = std::max(part, std::abs(shift[k]));
    }
    return {of_leaf, of_others};
  }

  Choice choose_without_ep(const Choice& laplace, const LeafBlock& block) const {
    if (block.is_default() || !can_afford(block)) return laplace;
    const Candidate leaf = look({ApproximationName::leaf, block});
    const bool is_better = leaf.shift.allFinite() && largest(leaf.shift) >= good_enough;
    return is_better ? leaf.choice : laplace;
  }

  // What EP errs by at most, as far as that is known without leaf quadrature: with binary data and
  // intercepts of G groups with standard deviation s, simulations have errors of s^2 sqrt(G) times
  // .0015 to .003 for s up to .9, .0031 to .0041 for 1, .002 to .0054 for 2.
  double bound_of_ep(const LeafBlock& block) const {
    const Design& design = model_->design();
    const bool is_known = std::holds_alternative<BinomialLogit>(model_->family()) &&
                          block.size() == 1 && design.z().is_indicator();
    if (!is_known) return std::numeric_limits<double>::infinity();
    const Index leaf = block.components().front();
    const double square = std::exp(2.0 * psi_[leaf]);
    const auto groups = double(design.effects_of(leaf).size());
    return 0.003 * square * (1.0 + 0.4 * square) * std::sqrt(groups);
  }

  Choice choose_beside(const Choice& laplace) const {
    const LeafBlock block = default_leaf(model_->design());
    if (has_joint_rows(model_->family())) return choose_without_ep(laplace, block);
    const Candidate ep = look({ApproximationName::ep});
    const bool has_others = block.size() < model_->design().components();
    const bool ep_is_known =
        has_others && ep.shift.allFinite() && bound_of_ep(block) < ep_known_enough;
    if (block.is_default() || ep_is_known || !can_afford(block)) {
      return largest(ep.shift) < good_enough ? laplace : ep.choice;
    }
    const Candidate leaf = look({ApproximationName::leaf, block});
    if (!leaf.shift.allFinite()) return ep.choice;
    if (std::max(largest(ep.shift), largest(leaf.shift)) < good_enough) return laplace;
    const auto [error_of_ep, error_of_leaf] = parts(block, ep.shift - leaf.shift);
    const double enough = has_others ? ep_good_enough : 0.0;
    return error_of_ep < std::max(error_of_leaf, enough) ? ep.choice : leaf.choice;
  }

  const Model* model_;
  Monitor* monitor_;
  NewtonSettings inner_;
  Vector psi_, coefficients_, gradient_;  // at Laplace's mode
  Matrix precision_, covariance_;
};

}  // namespace detail

// Monitor and team are viewed by what has been evaluated, too.
inline Choice choose(const Model& model, Monitor* monitor = nullptr, Team* team = nullptr) {
  const Vector start = model.hyperparameters().start();
  if (start.size() == 0 || is_quadratic(model.family())) return {Approximation(), start};
  if (has_lanes(model)) {
    const Approximation leaf{ApproximationName::leaf, default_leaf(model.design())};
    return {leaf, start};
  }
  return detail::Chooser(model, monitor, team).run(start);
}

// The fit that was chosen. settings: of the integration.
inline MarginalFit fit_chosen(const Model& model, const Choice& choice,
                              MarginalFitSettings settings, const NewtonSettings& inner) {
  settings.mode.precision = choice.precision;
  if (choice.warm) return fit_marginal(*choice.warm, choice.start, settings);
  return fit_marginal(*make_marginal(model, choice.approximation, inner), choice.start, settings);
}

}  // namespace mixed_glm
