// Integration over three and more hyperparameters by importance sampling.
//
// The proposal has the profiles of the density along whitened axes, on curved ridges, and is
// sampled at quasi-random points, whose weights are calibrated by the gradients (ridge/). What
// comes out is one mixture over the points.
//
// The number of points follows from the number of dimensions: the shape of the largest weights
// (k-hat) tells of a tail that the proposal misses, not of scatter. It is doubled once where k-hat
// and the effective share of the points are bad, or where standard deviations have not settled.
#pragma once

#include <mixed_glm/inference/integration_report.hpp>
#include <mixed_glm/inference/marginal_mode.hpp>
#include <mixed_glm/inference/posterior_mixture.hpp>
#include <mixed_glm/math/sobol_points.hpp>
#include <mixed_glm/ridge/probe_axes.hpp>
#include <mixed_glm/ridge/ridge_weights.hpp>

namespace mixed_glm {

struct RidgeSettings {
  // Numbers in conditional posteriors that are kept until their weights are known; what is beyond
  // is evaluated again.
  Index most_kept = 20'000'000;
  bool keep_points = true;  // what the posterior is at each of its points
  Monitor* monitor = nullptr;
};

struct RidgeFit {
  PosteriorSummary posterior;  // empty if nothing could be evaluated
  RidgeShape shape;
  IntegrationReport report;
  bool rough = false;     // the weights say that the proposal does not fit the density
  int failed_points = 0;  // that could not be evaluated, where their share is not negligible
  int fallbacks = 0;      // that a simpler approximation stood in for, likewise
};

class RidgeRule {
 public:
  // The marginal stands anywhere.
  RidgeRule(Marginal& marginal, const MarginalMode& mode, const RidgeSettings& settings = {})
      : marginal_(&marginal), mode_(&mode), settings_(settings) {}

  RidgeFit run() {
    RidgeFit fit;
    fit.shape = probe_axes([this](const Vector& psi) { return evaluate(psi); }, mode_->psi,
                           mode_->log_density, mode_->precision);
    axes_ = fit.shape.axes;
    const RidgeProposal proposal(fit.shape, temper);
    const Index first = first_points(proposal.dimension());
    RidgeWeights weights;
    for (const Index points : {first, 2 * first}) {
      sample_until(points, proposal);
      if (failed_ == sample_.size()) continue;
      weights = weigh(proposal, sample_);
      if (!is_doubtful(weights) && weights.sd_error < settled) break;
    }
    fit.failed_points = unless_negligible(failed_);
    fit.fallbacks = unless_negligible(stand_ins_);
    fit.rough = is_doubtful(weights);
    if (weights.weights.size() > 0) fit.posterior = mixture(weights);
    fit.report = {Integrate::ridge, evaluations_, weights.k_hat, weights.ess_share, {}};
    return fit;
  }

 private:
  static constexpr double temper = 1.1;    // of the profiles, for tails that are a little longer
  static constexpr double settled = 0.05;  // standard error of a log standard deviation
  static constexpr double negligible_share = 0.02;  // of the points; what a lattice leaves out

  static Index first_points(Index k) {
    const double least = points_per_feature * double(1 + stein_feature_count(k));
    Index points = k <= 8 ? 128 : k <= 12 ? 256 : has_stein_products(k) ? 512 : 1024;
    while (double(points) < least) points *= 2;
    return points;
  }

  // Far out, a partial correlation's density falls off more slowly than its profile's: a handful of
  // large weights there, of correlations next to one, is no sign of a region that was missed.
  bool is_doubtful(const RidgeWeights& weights) const {
    const bool is_thin = weights.ess_share < 0.9;
    if (marginal_->model().hyperparameters().cor().size > 0) return weights.k_hat > 0.55 && is_thin;
    return weights.k_hat > 0.7 || (weights.k_hat > 0.45 && is_thin);
  }

  int unless_negligible(Index points) const {
    return double(points) > negligible_share * double(sample_.size()) ? int(points) : 0;
  }

  Evaluation evaluate(const Vector& psi) {
    ++evaluations_;
    const bool valid = marginal_->evaluate(psi);
    tell_step(settings_.monitor, marginal_->log_density());
    if (!valid) return {};
    return {marginal_->log_density(), marginal_->gradient(psi)};
  }

  // The points of the sequence that are not yet in the sample, each followed by the nearest that is
  // left: the search for the conditional mode starts from the last one.
  void sample_until(Index points, const RidgeProposal& proposal) {
    const SobolPoints uniform(proposal.dimension());
    std::vector<RidgeProposal::Point> left;
    for (Index i = sample_.size(); i < points; ++i) {
      left.push_back(proposal.at(uniform.point(std::uint32_t(i))));
    }
    Vector at = Vector::Zero(proposal.dimension());
    while (!left.empty()) {
      const auto nearer = [&](const auto& a, const auto& b) {
        return (a.whitened - at).squaredNorm() < (b.whitened - at).squaredNorm();
      };
      const auto nearest = std::min_element(left.begin(), left.end(), nearer);
      at = nearest->whitened;
      add(std::move(*nearest));
      left.erase(nearest);
    }
  }

  void add(RidgeProposal::Point place) {
    const int before = marginal_->fallbacks();
    const Evaluation found = evaluate(place.x);
    const bool known = std::isfinite(found.value) && found.gradient.allFinite();
    if (!known) ++failed_;
    if (marginal_->fallbacks() > before) ++stand_ins_;
    sample_.places.push_back(std::move(place));
    sample_.log_density.push_back(known ? found.value : -std::numeric_limits<double>::infinity());
    sample_.gradient.push_back(known ? Vector(axes_ * found.gradient) : Vector());
    posteriors_.emplace_back();
    if (known && kept_ < settings_.most_kept) {
      posteriors_.back() = marginal_->posterior();
      kept_ += 2 * posteriors_.back().mean.size() + posteriors_.back().fe_cov.size();
    }
  }

  // What was not kept is evaluated again.
  PosteriorSummary mixture(const RidgeWeights& found) {
    PosteriorMixture mixture(marginal_->model(), settings_.keep_points);
    for (size_t i = 0; i < posteriors_.size(); ++i) {
      const double weight = found.weights[Index(i)], value = sample_.log_density[i];
      const Vector& psi = sample_.places[i].x;
      if (!(weight > 0.0)) continue;
      if (posteriors_[i].mean.size() == 0) {
        if (!std::isfinite(evaluate(psi).value)) continue;
        posteriors_[i] = marginal_->posterior();
      }
      mixture.add(psi, value, found.log_mass + std::log(weight) - value, posteriors_[i]);
      posteriors_[i] = {};
    }
    return mixture.is_empty() ? PosteriorSummary() : std::move(mixture).finish();
  }

  Marginal* marginal_;
  const MarginalMode* mode_;
  RidgeSettings settings_;
  Matrix axes_;
  RidgeSample sample_;
  std::vector<ConditionalPosterior> posteriors_;  // of the sample; empty where not kept
  Index evaluations_ = 0, failed_ = 0, stand_ins_ = 0, kept_ = 0;
};

}  // namespace mixed_glm
