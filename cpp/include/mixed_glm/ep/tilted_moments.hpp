// Moments of the tilted densities of expectation propagation, for a block of rows:
//
//     Z_i = int N(eta; cavity mean, 1 / cavity precision) p(y_i | eta) d eta,
//     and their means, variances and third cumulants
//
// by Gauss-Hermite quadrature placed at the tilted mode and scaled by the curvature there: at the
// cavity, as is usual, the nodes miss the likelihood of a large count. The modes are found by
// Newton's method inside a bracket, all rows of the block at once.
#pragma once

#include <mixed_glm/math/adaptive_rule.hpp>
#include <mixed_glm/math/resize_buffer.hpp>
#include <mixed_glm/model/likelihood_sites.hpp>
#include <mixed_glm/model/shape_sites.hpp>

namespace mixed_glm {

class TiltedMoments {
 public:
  // Both are viewed. family: the model's, at some theta.
  TiltedMoments(const Model& model, const Family& family, Index n_quad)
      : sites_(model, family),
        slopes_(model, family),
        rule_(n_quad),
        wide_rule_(std::max(n_quad, fewest_wide_nodes)) {}

  // Cavities come in, moments go out; block.eta holds a guess of the modes.
  struct Rows {
    RowBlock::Column cavity_mean, cavity_precision;
    RowBlock::Column log_z, mean, variance, third;
  };

  MIXED_GLM_NOINLINE void compute(RowBlock& block, Rows& rows) {
    find_modes(block, rows);
    integrate(block, rows);
  }

  // Sum over the rows of the expected slopes in the family's hyperparameter, under the densities of
  // the last computation, of the same block.
  MIXED_GLM_NOINLINE double family_slope(RowBlock& block) {
    const auto weights = log_terms_.leftCols(block.count);  // by now no logarithms
    double sum = 0.0;
    for (Index k = 0; k < weights.rows(); ++k) {
      for (Index r = 0; r < block.count; ++r) {
        block.eta[size_t(r)] = mode_[size_t(r)] + nodes_(k, r);
      }
      slopes_.evaluate<1>(block);
      for (Index r = 0; r < block.count; ++r) {
        const double weight = weights(k, r);
        if (weight > 0.0) sum += weight / weights.col(r).sum() * block.value[size_t(r)];
      }
    }
    return sum;
  }

 private:
  static constexpr int max_iterations = 60;
  static constexpr double settled = 1e-3;  // of the tilted scale
  static constexpr double widest = 3.0;    // cavity sd beyond which a block takes the wide rule
  static constexpr Index fewest_wide_nodes = 41;

  void find_modes(RowBlock& block, const Rows& rows) {
    low_.fill(-std::numeric_limits<double>::infinity());
    high_.fill(std::numeric_limits<double>::infinity());
    for (int k = 0; k < max_iterations; ++k) {
      sites_.evaluate<2>(block);
      double farthest = 0.0;
      for (size_t r = 0; r < size_t(block.count); ++r) {
        const double eta = block.eta[r], precision = rows.cavity_precision[r];
        const double slope = block.pull[r] - precision * (eta - rows.cavity_mean[r]);
        const double curvature = block.weight[r] + precision;
        (slope > 0.0 ? low_ : high_)[r] = eta;
        double next = eta + slope / curvature;
        if (!(next >= low_[r] && next <= high_[r])) next = 0.5 * (low_[r] + high_[r]);
        if (!std::isfinite(next)) next = eta;
        scale_[r] = 1.0 / std::sqrt(curvature);
        farthest = std::max(farthest, std::abs(next - eta) / scale_[r]);
        block.eta[r] = next;
      }
      if (farthest <= settled) return;
    }
  }

  void integrate(RowBlock& block, Rows& rows) {
    const Index n = block.count;
    const RowBlock::Column& mode = mode_ = block.eta;
    const auto precision = block.view(rows.cavity_precision);
    const bool wide = precision.minCoeff() < 1.0 / (widest * widest);
    const AdaptiveRule& rule = wide ? wide_rule_ : rule_;
    resize_buffer(nodes_, rule.size(), row_block_size);
    resize_buffer(log_terms_, rule.size(), row_block_size);
    for (Index r = 0; r < n; ++r) {
      const auto i = size_t(r);
      rule.place(mode[i] - rows.cavity_mean[i], scale_[i], 1.0 / std::sqrt(precision[r]),
                 nodes_.col(r), log_terms_.col(r));
    }
    for (Index k = 0; k < rule.size(); ++k) {
      for (Index r = 0; r < n; ++r)
        block.eta[size_t(r)] = nodes_(k, r) + rows.cavity_mean[size_t(r)];
      sites_.evaluate<0>(block);
      log_terms_.row(k).head(n) += block.view(block.value).transpose().array();
    }
    for (Index r = 0; r < n; ++r) {
      const auto i = size_t(r);
      auto terms = log_terms_.col(r);
      const double highest = terms.maxCoeff();
      terms = (terms - highest).exp();
      const double sum = terms.sum(), center = mode[i] - rows.cavity_mean[i];
      auto deviation = nodes_.col(r);
      deviation -= center;
      const double first = (terms * deviation).sum() / sum;
      const double second = (terms * deviation.square()).sum() / sum;
      const double cube = (terms * deviation.cube()).sum() / sum;
      rows.mean[i] = mode[i] + first;
      rows.variance[i] = second - first * first;
      rows.third[i] = cube - first * (3.0 * second - 2.0 * first * first);
      rows.log_z[i] = highest + std::log(sum);
    }
  }

  LikelihoodSites sites_;
  ShapeSites slopes_;
  AdaptiveRule rule_, wide_rule_;
  RowBlock::Column low_, high_, scale_, mode_;
  Eigen::ArrayXXd nodes_, log_terms_;  // nodes x rows
};

}  // namespace mixed_glm
