// Quantiles of the parameters of a fit through the marginal posterior of psi that has kept its
// points: of fixed and random effects those of the mixture over the points, of a single psi those
// of its density on a lattice, and otherwise those of its moments.
#pragma once

#include <Eigen/Cholesky>
#include <mixed_glm/inference/fit_marginal.hpp>
#include <mixed_glm/inference/psi_quantiles.hpp>
#include <mixed_glm/inference/skew_mixture.hpp>

namespace mixed_glm {

struct QuantileLevels {
  Vector levels, normal;  // L, and the quantiles of a standard normal variate

  Index size() const { return levels.size(); }
};

class MarginalQuantiles {
 public:
  // Both are viewed. layout: of mean, sd and skewness.
  MarginalQuantiles(const MarginalFit& fit, const ParameterLayout& layout)
      : fit_(&fit), layout_(layout) {}

  // Of the combinations `way` beta of the fixed effects, L x c.
  RowMatrix of_fixed(const Matrix& way, const QuantileLevels& at) const {
    const Vector skewness = fixed_skewness(way);
    Matrix means(points(), way.rows()), sds(points(), way.rows());
    const Matrix correlation = points_have_covariances() ? Matrix() : mean_correlation();
    for (Index i = 0; i < points(); ++i) {
      const PosteriorPoint& point = point_at(i);
      means.row(i) = (way * point.fe_mean).transpose();
      const Matrix covariance =
          points_have_covariances()
              ? covariance_of(point)
              : Matrix(point.fe_sd.asDiagonal() * correlation * point.fe_sd.asDiagonal());
      sds.row(i) = (way * covariance).cwiseProduct(way).rowwise().sum().cwiseSqrt().transpose();
    }
    RowMatrix quantiles(at.size(), way.rows());
    for (Index a = 0; a < way.rows(); ++a) {
      const SkewMixture mixture(weights(), means.col(a), sds.col(a),
                                Vector::Constant(points(), skewness[a]));
      quantiles.col(a) = of_mixture(mixture, at);
    }
    return quantiles;
  }

  // L x q, the caller's order.
  RowMatrix of_effects(const QuantileLevels& at) const {
    if (point_at(0).vc_mean.size() == 0) {
      return of_moments(layout_.u(posterior().mean), layout_.u(posterior().sd),
                        layout_.u(posterior().skewness), at);
    }
    RowMatrix quantiles(at.size(), layout_.effects);
    Vector means(points()), sds(points()), skewness(points());
    for (Index j = 0; j < layout_.effects; ++j) {
      for (Index i = 0; i < points(); ++i) {
        means[i] = point_at(i).vc_mean[j];
        sds[i] = point_at(i).vc_sd[j];
        skewness[i] = point_at(i).vc_skewness[j];
      }
      quantiles.col(j) = of_mixture(SkewMixture(weights(), means, sds, skewness), at);
    }
    return quantiles;
  }

  // Of the hyperparameters, L x d: of their moments where there are several.
  RowMatrix of_theta(const QuantileLevels& at) const {
    if (fit_->mode.psi.size() != 1 || fit_->grid_step == 0.0 || points() < 2) {
      return of_moments(layout_.theta(posterior().mean), layout_.theta(posterior().sd),
                        layout_.theta(posterior().skewness), at);
    }
    Vector psi(points()), log_density(points());
    for (Index i = 0; i < points(); ++i) {
      psi[i] = point_at(i).psi[0];
      log_density[i] = point_at(i).log_density;
    }
    const LineDistribution line(psi, log_density);
    RowMatrix quantiles(at.size(), 1);
    for (Index l = 0; l < at.size(); ++l) quantiles(l, 0) = line.quantile(at.levels[l]);
    return quantiles;
  }

 private:
  const PosteriorSummary& posterior() const { return fit_->posterior; }
  const Vector& weights() const { return posterior().weights; }
  Index points() const { return Index(posterior().points.size()); }
  const PosteriorPoint& point_at(Index i) const { return posterior().points[size_t(i)]; }

  bool points_have_covariances() const { return point_at(0).fe_cov.size() > 0; }
  Eigen::Map<const Matrix> covariance_of(const PosteriorPoint& point) const {
    return {point.fe_cov.data(), layout_.fixed, layout_.fixed};
  }

  // That within the points, on average over them: where they are too many for one each.
  Matrix mean_correlation() const {
    const auto mean = layout_.beta(posterior().mean);
    Matrix within = posterior().fe_cov, scale = Matrix::Zero(within.rows(), within.cols());
    for (Index i = 0; i < points(); ++i) {
      const Vector deviation = point_at(i).fe_mean - mean;
      within -= weights()[i] * deviation * deviation.transpose();
      scale += weights()[i] * point_at(i).fe_sd * point_at(i).fe_sd.transpose();
    }
    Matrix correlation = (scale.array() > 0.0).select(within.array() / scale.array(), 0.0);
    correlation = correlation.cwiseMax(-1.0).cwiseMin(1.0);
    correlation.diagonal().setOnes();
    return correlation;
  }

  // At the heaviest of the points, as the others' hardly differ.
  Vector fixed_skewness(const Matrix& way) const {
    const Matrix& third = posterior().fe_third;
    Vector skewness = Vector::Zero(way.rows());
    if (third.size() == 0 || !points_have_covariances()) return skewness;
    // The first of those that differ by rounding alone, as points on ridges do.
    const double heavy = (1.0 - 1e-9) * weights().maxCoeff();
    Index heaviest = 0;
    while (weights()[heaviest] < heavy) ++heaviest;
    const Eigen::LLT<Matrix> factor(covariance_of(point_at(heaviest)));
    if (factor.info() != Eigen::Success) return skewness;
    const Matrix whitened = way * Matrix(factor.matrixL());
    const Index p = third.rows();
    for (Index a = 0; a < way.rows(); ++a) {
      const Vector row = whitened.row(a);
      double cube = 0.0;
      for (Index b = 0; b < p; ++b) {
        cube += row[b] * row.dot(third.middleCols(b * p, p) * row);
      }
      const double variance = row.squaredNorm();
      if (variance > 0.0) skewness[a] = cube / std::pow(variance, 1.5);
    }
    return skewness;
  }

  static Vector of_mixture(const SkewMixture& mixture, const QuantileLevels& at) {
    Vector quantiles(at.size());
    for (Index l = 0; l < at.size(); ++l) quantiles[l] = mixture.quantile(at.normal[l]);
    return quantiles;
  }
  static RowMatrix of_moments(const Vector& mean, const Vector& sd, const Vector& skewness,
                              const QuantileLevels& at) {
    RowMatrix quantiles(at.size(), mean.size());
    for (Index l = 0; l < at.size(); ++l) {
      for (Index a = 0; a < mean.size(); ++a) {
        quantiles(l, a) = expansion_quantile(mean[a], sd[a], skewness[a], at.normal[l]);
      }
    }
    return quantiles;
  }

  const MarginalFit* fit_;
  ParameterLayout layout_;
};

}  // namespace mixed_glm
