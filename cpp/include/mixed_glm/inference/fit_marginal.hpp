// A fit through the marginal posterior of psi: its mode, the curvature there, and the integration
// over psi, for any approximation of the marginal.
#pragma once

#include <algorithm>
#include <mixed_glm/inference/fit_status.hpp>
#include <mixed_glm/inference/gaussian_correlations.hpp>
#include <mixed_glm/inference/integration_report.hpp>
#include <mixed_glm/inference/line_rule.hpp>
#include <mixed_glm/inference/marginal_mode.hpp>
#include <mixed_glm/inference/posterior_mixture.hpp>
#include <mixed_glm/inference/psi_points.hpp>
#include <mixed_glm/inference/quadrature_check.hpp>
#include <mixed_glm/inference/ridge_rule.hpp>
#include <mixed_glm/inference/star_rule.hpp>
#include <optional>
#include <vector>

namespace mixed_glm {

struct MarginalFitSettings {
  MarginalModeSettings mode;
  Integrate integrate = Integrate::automatic;
  std::optional<GridSettings> grid;  // none: default_grid()
  bool keep_points = true;           // what the posterior is at each of its points, and skewness
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
  IntegrationReport integration;
  QuadratureReport quadrature;
  RidgeShape ridge;    // of the density of psi, where its points were sampled with it; else empty
  bool rough = false;  // integration by weights, or probes, that say that it may be inaccurate
  std::vector<Index> strained;  // fixed effects whose means no correction reaches: fixed_tails.hpp
  bool has_points = false;      // what the posterior is at its points is there
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
  } else if (fit.rough || !fit.strained.empty()) {
    fit.status = FitStatus::rough_integration;
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

inline void plug_in_mode(const Model& model, const MarginalFitSettings& settings,
                         const ConditionalPosterior& at_mode, MarginalFit& fit) {
  const Index k = fit.mode.psi.size();
  PosteriorMixture mixture(model, settings.keep_points);
  const WhitenedPsi whitened(fit.mode.psi, fit.mode.precision);
  mixture.add(fit.mode.psi, fit.mode.log_density,
              0.5 * double(k) * log_two_pi + whitened.log_jacobian(), at_mode);
  fit.posterior = std::move(mixture).finish();
  if (k == 0) return;
  fit.posterior.vcp_cov = multiply_abt(whitened.axes(), whitened.axes());
  const ParameterLayout layout = model.layout();
  layout.theta(fit.posterior.sd) = whitened.axes().rowwise().norm();
  set_correlations(model.hyperparameters(), fit.mode.psi, fit.posterior.vcp_cov,
                   layout.theta(fit.posterior.mean), layout.theta(fit.posterior.sd));
}

// A lattice of several components that nobody asked for is interpolated where that does.
inline bool may_interpolate(const MarginalFitSettings& settings, Integrate rule) {
  return rule == Integrate::grid && settings.integrate == Integrate::automatic && !settings.grid;
}

// Once more, exactly: what is near the mode will do for interpolation, but not for a lattice.
inline void refine_mode(Marginal& marginal, const MarginalFitSettings& settings, MarginalFit& fit) {
  const int before = fit.mode.iterations;
  MarginalModeSettings exact = settings.mode;
  exact.precision = fit.mode.precision;
  MarginalModeSearch search(marginal, exact);
  MarginalMode mode = search.find(fit.mode.psi);
  if (!mode.found) return;
  mode.precision = search.curvature(false);
  fit.mode = std::move(mode);
  fit.mode.iterations += before;
}

inline void integrate(Marginal& marginal, const MarginalFitSettings& settings, MarginalFit& fit) {
  const Index k = fit.mode.psi.size();
  PosteriorMixture mixture(marginal.model(), settings.keep_points);
  StandIns stand_ins;
  tell_stage(settings.mode.monitor, Stage::integration);
  const auto evaluate = [&](const Vector& psi, double log_volume) {
    const int before = marginal.fallbacks();
    const bool valid = marginal.evaluate(psi);
    ++fit.integration.evaluations;
    tell_step(settings.mode.monitor, marginal.log_density());
    if (valid) {
      stand_ins.visited(marginal.log_density() + log_volume, marginal.fallbacks() > before);
    } else {
      ++fit.failed_points;
    }
    return valid;
  };
  const auto visit = [&](const Vector& psi, double log_volume) {
    if (!evaluate(psi, log_volume)) return -std::numeric_limits<double>::infinity();
    mixture.add(psi, marginal.log_density(), log_volume, marginal.posterior());
    return marginal.log_density();
  };
  if (fit.integration.rule == Integrate::line) {
    stand_ins.visited(fit.mode.log_density, fit.mode.stood_in);
    LineRule line(marginal, fit.mode);
    if (line.run([&](const Vector& psi) { return evaluate(psi, 0.0); }, mixture)) {
      fit.grid_step = line.step();
      fit.failed_points = line.left_out();
    } else {
      fit.integration.rule = Integrate::grid;
      stand_ins = StandIns();
      marginal.set_correction(Correction::own);
    }
  }
  bool interpolated = false;
  if (may_interpolate(settings, fit.integration.rule)) {
    const GridSettings grid = default_grid(k);
    stand_ins.visited(fit.mode.log_density, fit.mode.stood_in);
    interpolated = !fit.mode.stood_in && fit.mode.converged &&
                   StarRule(marginal, fit.mode)
                       .run([&](const Vector& psi) { return evaluate(psi, 0.0); }, grid, mixture);
    fit.grid_step = grid.step;
    if (!interpolated) {
      stand_ins = StandIns();
      fit.failed_points = 0;
      refine_mode(marginal, settings, fit);
    }
  }
  marginal.allow_decrement(StarRule::point_decrement);
  if (fit.integration.rule == Integrate::ccd) {
    CentralComposite(WhitenedPsi(fit.mode.psi, fit.mode.precision), k).run(visit);
  } else if (fit.integration.rule == Integrate::grid && !interpolated) {
    const WhitenedPsi whitened(fit.mode.psi, fit.mode.precision);
    const GridSettings grid = settings.grid.value_or(default_grid(k));
    fit.grid_step = grid.step;
    GridWalk walk(whitened, k, grid);
    if (!walk.run(visit)) fit.reason = grid_too_large;
    fit.failed_points = walk.left_out();
  }
  marginal.allow_decrement(0.0);
  fit.fallbacks = stand_ins.count();
  if (mixture.is_empty()) {
    fit.reason = evaluation_failed;
  } else {
    fit.posterior = std::move(mixture).finish();
  }
}

inline void integrate_on_ridges(Marginal& marginal, const MarginalFitSettings& settings,
                                MarginalFit& fit) {
  tell_stage(settings.mode.monitor, Stage::integration);
  RidgeSettings ridges;
  ridges.keep_points = settings.keep_points;
  ridges.monitor = settings.mode.monitor;
  marginal.allow_decrement(StarRule::point_decrement);
  RidgeFit ridge = RidgeRule(marginal, fit.mode, ridges).run();
  marginal.allow_decrement(0.0);
  fit.posterior = std::move(ridge.posterior);
  fit.ridge = std::move(ridge.shape);
  ridge.report.probes = fit.integration.probes;
  fit.integration = ridge.report;
  fit.rough = fit.rough || ridge.rough;
  fit.failed_points = ridge.failed_points;
  fit.fallbacks = ridge.fallbacks;
  if (fit.posterior.points.empty()) fit.reason = evaluation_failed;
}

// From here on the marginal keeps the correction that it has at the mode; where psi goes far, each
// evaluation has its own.
inline void correct_mode(Marginal& marginal, MarginalModeSearch& search, MarginalMode& mode) {
  constexpr double far = 0.15;  // standard deviation of psi
  const bool is_near = mode.precision(0, 0) * far * far > 1.0;
  marginal.set_correction(is_near ? Correction::held : Correction::own);
  mode = is_near ? search.find_on() : search.find_again([] {});
}

}  // namespace detail

// start: of all hyperparameters.
inline MarginalFit fit_marginal(Marginal& marginal, const Vector& start,
                                const MarginalFitSettings& settings = {}) {
  MarginalFit fit;
  Integrate rule = resolve(settings.integrate, start.size());
  // The line knows the tails of a standard deviation of random effects.
  const bool is_of_family = marginal.model().hyperparameters().psi().size == 0;
  if (rule == Integrate::line && is_of_family) rule = Integrate::grid;
  fit.integration.rule = rule;
  MarginalModeSettings search_settings = settings.mode;
  const bool may_interpolate = detail::may_interpolate(settings, rule);
  if (rule == Integrate::line || may_interpolate) {
    search_settings.tolerance = std::max(search_settings.tolerance, line_search_tolerance);
  }
  fit.has_points = settings.keep_points;
  marginal.want_third(settings.keep_points);
  marginal.begin_with_few_nodes();
  const bool holds = rule == Integrate::line && marginal.can_hold_correction();
  if (holds) marginal.set_correction(Correction::none);
  MarginalModeSearch search(marginal, search_settings);
  fit.mode = search.find(start);
  fit.reason = detail::evaluation_failed;
  if (!fit.mode.found) return fit;
  fit.quadrature = QuadratureCheck(marginal).run(search, fit.mode);
  if (holds) detail::correct_mode(marginal, search, fit.mode);
  fit.reason = fit.mode.converged ? "" : detail::mode_not_found;
  fit.integration.probes = fit.mode.probes;
  fit.rough = is_rough(fit.mode.probes);
  if (marginal.model().rounding() > 1.0) fit.reason = detail::lost_in_rounding;
  const bool plug_in = rule == Integrate::mode;
  marginal.expand_fixed(!plug_in);
  if (marginal.corrects_modes()) fit.strained = marginal.fixed_tails().strained();
  const ConditionalPosterior at_mode =
      plug_in ? marginal.posterior() : ConditionalPosterior();  // the search moves on from the mode
  // Exact for a lattice: one of its many points.
  if (rule != Integrate::line && !may_interpolate) fit.mode.precision = search.curvature(plug_in);
  if (plug_in) {
    detail::plug_in_mode(marginal.model(), settings, at_mode, fit);
    fit.fallbacks = marginal.fallbacks();
  } else if (rule == Integrate::ridge) {
    detail::integrate_on_ridges(marginal, settings, fit);
  } else {
    detail::integrate(marginal, settings, fit);
  }
  fit.posterior.fe_third = marginal.fixed_tails().third();
  fit.passes = marginal.passes();
  fit.integration.probes.fell_back = marginal.took_exact_factor();
  detail::conclude(fit);
  return fit;
}

}  // namespace mixed_glm
