// The posterior as a mixture over points in psi: weights proportional to the marginal density times
// the volume of each point's cell, and at each point the conditional posterior of the coefficients.
// Moments of the coefficients are accumulated point by point; nothing of size points x q is kept.
#pragma once

#include <mixed_glm/inference/marginal.hpp>
#include <vector>

namespace mixed_glm {

struct PosteriorPoint {
  Vector psi;                // all hyperparameters
  double log_density = 0.0;  // log p(y, psi)
  double log_weight = 0.0;   // log_density + log volume of the cell
  // Of the fixed effects given psi; as all below empty if not kept.
  Vector fe_mean, fe_sd, fe_skewness;
  Vector fe_cov;  // p p, their covariances; empty for all points where there are many
  // Of the random effects given psi, the caller's order; empty for all points where they would be
  // more than a posterior should hold.
  Vector vc_mean, vc_sd, vc_skewness;
};

struct PosteriorSummary {
  std::vector<PosteriorPoint> points;
  Vector weights;  // of the points, summing to one
  double log_evidence = 0.0;
  // Of (beta, theta, u), the caller's order, correlations themselves in theta
  // (Hyperparameters::told). skewness: or empty.
  Vector mean, sd, skewness;
  Matrix fe_cov;   // p x p
  Matrix vcp_cov;  // d x d, of theta
  // p x p p, third cumulants of the fixed effects given psi (linalg/symmetric_cubes.hpp), of L^-1
  // (beta - mean) with L the lower Cholesky factor of their covariance there; empty: all zero.
  Matrix fe_third;
};

class PosteriorMixture {
 public:
  // keep_points: the moments of the coefficients at each point too; without, only their sums, and
  // no skewness.
  explicit PosteriorMixture(const Model& model, bool keep_points = true)
      : model_(&model),
        keep_points_(keep_points),
        first_(Vector::Zero(model.design().coefficients())),
        second_(Vector::Zero(model.design().coefficients())),
        third_(Vector::Zero(keep_points ? model.design().coefficients() : 0)),
        fe_second_(Matrix::Zero(model.design().fixed(), model.design().fixed())) {}

  void reserve(size_t points) { points_.reserve(points); }

  void add(const Vector& psi, double log_density, double log_volume,
           const ConditionalPosterior& posterior) {
    PosteriorPoint point;
    point.psi = psi;
    point.log_density = log_density;
    point.log_weight = log_density + log_volume;
    if (points_.empty()) origin_ = posterior.mean;
    if (point.log_weight > -std::numeric_limits<double>::infinity()) {
      accumulate(posterior, point.log_weight);
    }
    if (keep_points_) {
      const Index p = model_->design().fixed();
      const Vector skew = skewness_of(posterior);
      point.fe_mean = posterior.mean.tail(p);
      point.fe_sd = posterior.variance.tail(p).cwiseSqrt();
      point.fe_skewness = skew.tail(p);
      keep_effects(posterior, skew, point);
      keep_covariance(posterior, point);
    }
    points_.push_back(std::move(point));
  }

  bool is_empty() const { return !(total_ > 0.0); }

  // Of a mixture that is not empty; it gives its points away.
  PosteriorSummary finish() && {
    PosteriorSummary result;
    result.log_evidence = reference_ + std::log(total_);
    result.weights.resize(Index(points_.size()));
    for (size_t i = 0; i < points_.size(); ++i) {
      result.weights[Index(i)] = std::exp(points_[i].log_weight - result.log_evidence);
    }
    const Index p = model_->design().fixed();
    const Vector shift = first_ / total_;
    const Vector variance = (second_ / total_ - shift.cwiseAbs2()).cwiseMax(0.0);
    result.fe_cov = fe_second_ / total_ - shift.tail(p) * shift.tail(p).transpose();
    const PsiMoments psi = psi_moments(result.weights);
    result.vcp_cov = psi.covariance;
    result.mean = model_->design().join(origin_ + shift, psi.mean);
    result.sd = model_->design().join(variance.cwiseSqrt(), psi.sd);
    if (keep_points_) {
      const Vector third = third_.array() / total_ -
                           3.0 * shift.array() * second_.array() / total_ +
                           2.0 * shift.array().cube();
      result.skewness = model_->design().join(skewness(third, variance), psi.skewness);
    }
    result.points = std::move(points_);
    return result;
  }

 private:
  struct PsiMoments {
    Vector mean, sd, skewness;  // as they are told
    Matrix covariance;          // of theta
  };

  static constexpr Index most_kept = 20'000'000;  // points x effects, or covariances

  void keep_effects(const ConditionalPosterior& posterior, const Vector& skew,
                    PosteriorPoint& point) {
    const Design& design = model_->design();
    const Index q = design.effects();
    if (Index(points_.size() + 1) * q > most_kept) {
      for (PosteriorPoint& p : points_) p.vc_mean = p.vc_sd = p.vc_skewness = Vector();
      return;
    }
    const auto in_user_order = [&](const Vector& values) {
      Vector result(q);
      for (Index j = 0; j < q; ++j) result[design.user_effect(j)] = values[j];
      return result;
    };
    point.vc_mean = in_user_order(posterior.mean.head(q));
    point.vc_sd = in_user_order(posterior.variance.head(q).cwiseSqrt());
    point.vc_skewness = in_user_order(skew.head(q));
  }

  void keep_covariance(const ConditionalPosterior& posterior, PosteriorPoint& point) {
    const Index size = posterior.fe_cov.size();
    if (Index(points_.size() + 1) * size > most_kept) {
      for (PosteriorPoint& p : points_) p.fe_cov = Vector();
      return;
    }
    point.fe_cov = Eigen::Map<const Vector>(posterior.fe_cov.data(), size);
  }

  static Vector skewness_of(const ConditionalPosterior& posterior) {
    if (posterior.third.size() == 0) return Vector::Zero(posterior.mean.size());
    return skewness(posterior.third, posterior.variance);
  }
  static Vector skewness(const Vector& third, const Vector& variance) {
    const auto v = variance.array();
    return (v > 0.0).select(third.array() / (v * v.sqrt()), 0.0);
  }

  // Moments about the first point's mean, scaled by the highest weight so far.
  void accumulate(const ConditionalPosterior& posterior, double log_weight) {
    if (log_weight > reference_) {
      const double factor = std::exp(reference_ - log_weight);
      total_ *= factor;
      first_ *= factor;
      second_ *= factor;
      third_ *= factor;
      fe_second_ *= factor;
      reference_ = log_weight;
    }
    const double weight = std::exp(log_weight - reference_);
    shift_ = posterior.mean - origin_;
    const Vector& shift = shift_;
    const auto variance = posterior.variance.array();
    total_ += weight;
    first_ += weight * shift;
    second_.array() += weight * (shift.array().square() + variance);
    if (keep_points_) {
      third_.array() += weight * shift.array() * (shift.array().square() + 3.0 * variance);
      if (posterior.third.size() > 0) third_ += weight * posterior.third;
    }
    const Index p = model_->design().fixed();
    fe_second_ += weight * posterior.fe_cov;
    fe_second_.noalias() += weight * shift.tail(p) * shift.tail(p).transpose();
  }

  PsiMoments psi_moments(const Vector& weights) const {
    const Index k = model_->hyperparameters().size();
    PsiMoments moments{Vector::Zero(k), Vector(), Vector(), Matrix::Zero(k, k)};
    for (size_t i = 0; i < points_.size(); ++i) moments.mean += weights[Index(i)] * points_[i].psi;
    Vector third = Vector::Zero(k);
    for (size_t i = 0; i < points_.size(); ++i) {
      const Vector deviation = points_[i].psi - moments.mean;
      moments.covariance += weights[Index(i)] * deviation * deviation.transpose();
      third.array() += weights[Index(i)] * deviation.array().cube();
    }
    moments.sd = moments.covariance.diagonal().cwiseSqrt();
    moments.skewness = skewness(third, moments.covariance.diagonal());
    tell_correlations(weights, moments);
    return moments;
  }

  // Correlations in the place of the numbers that they are made of.
  void tell_correlations(const Vector& weights, PsiMoments& moments) const {
    const Hyperparameters& hyper = model_->hyperparameters();
    const Hyperparameters::Block cor = hyper.cor();
    if (cor.size == 0) return;
    Matrix told(cor.size, Index(points_.size()));
    for (size_t i = 0; i < points_.size(); ++i) {
      told.col(Index(i)) = hyper.told(points_[i].psi).segment(cor.begin, cor.size);
    }
    const Vector mean = told * weights;
    told.colwise() -= mean;
    const Vector variance = told.array().square().matrix() * weights;
    const Vector third = told.array().cube().matrix() * weights;
    moments.mean.segment(cor.begin, cor.size) = mean;
    moments.sd.segment(cor.begin, cor.size) = variance.cwiseSqrt();
    moments.skewness.segment(cor.begin, cor.size) = skewness(third, variance);
  }

  const Model* model_;
  bool keep_points_;
  std::vector<PosteriorPoint> points_;
  double reference_ = -std::numeric_limits<double>::infinity();
  double total_ = 0.0;
  Vector origin_, first_, second_, third_, shift_;
  Matrix fe_second_;
};

}  // namespace mixed_glm
