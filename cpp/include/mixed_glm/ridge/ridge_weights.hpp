// Weights of a sample of a ridge proposal that make it one of the density that it was made for.
//
// Importance weights, Pareto smoothed; then calibrated by the gradients, which are known at every
// point (stein_features.hpp), and on axes with a long tail by the proposal's own moments E_q[h],
//
//     sum_i (omega_i / w_i) (h(z_i) - E_q[h]) = 0,   h = z_k, z_k^2,
//
// since there one point more or less in the tail would decide (of 0.02 % of the mass with 2 % of
// the variance).
#pragma once

#include <mixed_glm/math/pareto_smoothing.hpp>
#include <mixed_glm/ridge/calibrated_weights.hpp>
#include <mixed_glm/ridge/ridge_proposal.hpp>
#include <mixed_glm/ridge/stein_features.hpp>
#include <vector>

namespace mixed_glm {

struct RidgeSample {
  std::vector<RidgeProposal::Point> places;
  std::vector<double> log_density;  // log p; minus infinity: not known
  std::vector<Vector> gradient;     // of log p in whitened coordinates, where it is known

  Index size() const { return Index(places.size()); }
};

struct RidgeWeights {
  Vector weights;          // summing to one
  double log_mass = 0.0;   // estimate of the integral of p
  double k_hat = 0.0;      // of the importance weights
  double ess_share = 0.0;  // effective share of the points, of the importance weights
  double sd_error = 0.0;   // relative standard error of a standard deviation, the largest
};

// Calibration by more functions than points can bear is worse than none.
constexpr double points_per_feature = 2.4, least_points_per_feature = 1.7;

namespace detail {

constexpr double long_tailed = 5.0;  // kurtosis of a profile, 3 for a normal density

inline Matrix known_gradients(const RidgeSample& sample, Index dimension) {
  Matrix gradient = Matrix::Zero(sample.size(), dimension);
  for (Index i = 0; i < sample.size(); ++i) {
    const Vector& known = sample.gradient[size_t(i)];
    if (known.size() > 0) gradient.row(i) = known.transpose();
  }
  return gradient;
}

// (h - E_q[h]) / (N w), which have mean zero with calibrated weights.
inline void add_moments_of_proposal(const RidgeProposal& proposal, const RidgeSample& sample,
                                    const Vector& weights, Matrix& features) {
  const Vector scale = (weights.array() > negligible_weight)
                           .select((double(sample.size()) * weights.array()).inverse(), 0.0);
  for (Index k = 0; k < proposal.dimension(); ++k) {
    const ProfileDensity& density = proposal.density(k);
    if (density.kurtosis() < long_tailed) continue;
    Vector z(sample.size());
    for (Index i = 0; i < z.size(); ++i) z[i] = sample.places[size_t(i)].independent[k];
    const Index columns = features.cols();
    features.conservativeResize(Eigen::NoChange, columns + 2);
    features.col(columns) = (z.array() - density.mean()) * scale.array();
    features.col(columns + 1) = (z.array().square() - density.mean_square()) * scale.array();
  }
}

inline Matrix features_of(const RidgeProposal& proposal, const RidgeSample& sample,
                          const Vector& weights) {
  const Index k = proposal.dimension();
  const double points = double((weights.array() > 0.0).count());
  const auto bears = [&](Index count) {
    return points >= least_points_per_feature * double(1 + count);
  };
  if (!bears(stein_feature_count(k))) return Matrix(sample.size(), 0);
  Matrix z(sample.size(), k);
  for (Index i = 0; i < z.rows(); ++i) z.row(i) = sample.places[size_t(i)].whitened.transpose();
  Matrix features = stein_features(z, known_gradients(sample, k));
  const Index by_gradients = features.cols();
  add_moments_of_proposal(proposal, sample, weights, features);
  if (!bears(features.cols())) features.conservativeResize(Eigen::NoChange, by_gradients);
  return features;
}

inline double largest_sd_error(const CalibratedWeights& calibrated, const RidgeSample& sample) {
  const Vector& weights = calibrated.weights();
  double largest = 0.0;
  for (Index k = 0; k < sample.places.front().x.size(); ++k) {
    Vector x(sample.size());
    for (Index i = 0; i < x.size(); ++i) x[i] = sample.places[size_t(i)].x[k];
    const Vector square = (x.array() - weights.dot(x)).square();
    const double error = calibrated.standard_error(square) / (2.0 * weights.dot(square));
    largest = std::max(largest, error);
  }
  return largest;
}

}  // namespace detail

// At least one point has a density.
inline RidgeWeights weigh(const RidgeProposal& proposal, const RidgeSample& sample) {
  Vector log_ratio(sample.size());
  for (Index i = 0; i < sample.size(); ++i) {
    log_ratio[i] = sample.log_density[size_t(i)] - sample.places[size_t(i)].log_density;
  }
  const SmoothedWeights smoothed = smooth_weights(log_ratio);
  const CalibratedWeights calibrated(smoothed.weights,
                                     detail::features_of(proposal, sample, smoothed.weights));
  const double highest = log_ratio.maxCoeff();
  return {calibrated.weights(), highest + std::log((log_ratio.array() - highest).exp().mean()),
          smoothed.k_hat, smoothed.ess_share(), detail::largest_sd_error(calibrated, sample)};
}

}  // namespace mixed_glm
