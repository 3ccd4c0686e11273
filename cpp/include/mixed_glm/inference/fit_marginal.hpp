// A fit through the marginal posterior of psi: its mode, the curvature there, and the integration
// over psi, for any approximation of the marginal.
#pragma once

#include <algorithm>
#include <mixed_glm/inference/fit_status.hpp>
#include <mixed_glm/inference/marginal_mode.hpp>
#include <mixed_glm/inference/posterior_mixture.hpp>
#include <mixed_glm/inference/psi_points.hpp>
#include <optional>
#include <vector>

namespace mixed_glm {

struct MarginalFitSettings {
  MarginalModeSettings mode;
  Integrate integrate = Integrate::automatic;
  std::optional<GridSettings> grid;  // none: default_grid()
};

struct MarginalFit {
  FitStatus status = FitStatus::failed;
  const char* reason = "";  // why it failed or has not converged
  MarginalMode mode;
  PosteriorSummary posterior;  // empty if the evaluation failed
  int passes = 0;              // over the rows with curvature
  int fallbacks = 0;           // points that count and that a simpler approximation stood in for;
                               // without an integration, evaluations on the way to the mode
  int failed_points = 0;       // points of the integration that count and could not be evaluated
  double grid_step = 0.0;      // of the lattice of points, in standard deviations; 0: no lattice
};

namespace detail {

constexpr const char* evaluation_failed = "the conditional mode was not found";
constexpr const char* mode_not_found = "mode of the variance parameters not found";
constexpr const char* grid_too_large = "the grid over the variance parameters is too large";
constexpr const char* lost_in_rounding =
    "counts or trials are so large that rounding hides differences of the density";
constexpr const char* no_spread =
    "numbers are so large that rounding hides how the density falls off around its mode";

// The status, when all that it depends on is known.
inline void conclude(MarginalFit& fit) {
  if (fit.posterior.points.empty()) return;
  const auto sd = fit.posterior.sd.array();
  if (fit.mode.converged && !((sd > 0.0).all() && sd.allFinite())) fit.reason = no_spread;
  if (*fit.reason != '\0') {
    fit.status = FitStatus::not_converged;
  } else if (fit.failed_points > 0) {
    fit.status = FitStatus::points_left_out;
  } else {
    fit.status = fit.fallbacks > 0 ? FitStatus::fell_back : FitStatus::converged;
  }
}

// Points of an integration at which a simpler approximation stood in, as far as they matter: those
// within negligible_drop of the one with the highest weight.
class StandIns {
 public:
  void visited(double log_weight, bool stood_in) {
    highest_ = std::max(highest_, log_weight);
    if (stood_in) log_weights_.push_back(log_weight);
  }
  int count() const {
    const auto matters = [this](double weight) { return weight > highest_ - negligible_drop; };
    return int(std::count_if(log_weights_.begin(), log_weights_.end(), matters));
  }

 private:
  double highest_ = -std::numeric_limits<double>::infinity();
  std::vector<double> log_weights_;
};

inline void plug_in_mode(const Model& model, const ConditionalPosterior& at_mode,
                         MarginalFit& fit) {
  const Index k = fit.mode.psi.size();
  PosteriorMixture mixture(model);
  const WhitenedPsi whitened(fit.mode.psi, fit.mode.precision);
  mixture.add(fit.mode.psi, fit.mode.log_density,
              0.5 * double(k) * log_two_pi + whitened.log_jacobian(), at_mode);
  fit.posterior = std::move(mixture).finish();
  if (k == 0) return;
  fit.posterior.vcp_cov = multiply_abt(whitened.axes(), whitened.axes());
  model.layout().theta(fit.posterior.sd) = whitened.axes().rowwise().norm();
}

inline void integrate(Marginal& marginal, const MarginalFitSettings& settings, MarginalFit& fit) {
  const Index k = fit.mode.psi.size();
  PosteriorMixture mixture(marginal.model());
  StandIns stand_ins;
  tell_stage(settings.mode.monitor, Stage::integration);
  const auto visit = [&](const Vector& psi, double log_volume) {
    const int before = marginal.fallbacks();
    const bool valid = marginal.evaluate(psi);
    tell_step(settings.mode.monitor, marginal.log_density());
    if (!valid) {
      ++fit.failed_points;
      return -std::numeric_limits<double>::infinity();
    }
    stand_ins.visited(marginal.log_density() + log_volume, marginal.fallbacks() > before);
    mixture.add(psi, marginal.log_density(), log_volume, marginal.posterior());
    return marginal.log_density();
  };
  const WhitenedPsi whitened(fit.mode.psi, fit.mode.precision);
  if (resolve(settings.integrate, k) == Integrate::ccd) {
    CentralComposite(whitened, k).run(visit);
  } else {
    const GridSettings grid = settings.grid.value_or(default_grid(k));
    fit.grid_step = grid.step;
    GridWalk walk(whitened, k, grid);
    if (!walk.run(visit)) fit.reason = grid_too_large;
    fit.failed_points = walk.left_out();
  }
  fit.fallbacks = stand_ins.count();
  if (mixture.is_empty()) {
    fit.reason = evaluation_failed;
  } else {
    fit.posterior = std::move(mixture).finish();
  }
}

}  // namespace detail

// start: K log standard deviations.
inline MarginalFit fit_marginal(Marginal& marginal, const Vector& start,
                                const MarginalFitSettings& settings = {}) {
  MarginalFit fit;
  MarginalModeSearch search(marginal, settings.mode);
  fit.mode = search.find(start);
  fit.reason = detail::evaluation_failed;
  if (!fit.mode.found) return fit;
  fit.reason = fit.mode.converged ? "" : detail::mode_not_found;
  if (marginal.model().rounding() > 1.0) fit.reason = detail::lost_in_rounding;
  const bool plug_in = resolve(settings.integrate, start.size()) == Integrate::mode;
  marginal.expand_fixed(!plug_in);
  const ConditionalPosterior at_mode =
      plug_in ? marginal.posterior() : ConditionalPosterior();  // the search moves on from the mode
  fit.mode.precision = search.curvature(plug_in);  // exact for a lattice: one of its many points
  if (plug_in) {
    detail::plug_in_mode(marginal.model(), at_mode, fit);
    fit.fallbacks = marginal.fallbacks();
  } else {
    detail::integrate(marginal, settings, fit);
  }
  fit.posterior.fe_third = marginal.fixed_tails().third();
  fit.passes = marginal.passes();
  detail::conclude(fit);
  return fit;
}

}  // namespace mixed_glm
