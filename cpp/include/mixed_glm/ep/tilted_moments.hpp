// Moments of the tilted densities of expectation propagation, for a block of rows:
//
//     Z_i = int N(eta; cavity mean, 1 / cavity precision) p(y_i | eta) d eta,   and mean and
//     variance
//
// by Gauss-Hermite quadrature placed at the tilted mode and scaled by the curvature there: at the
// cavity, as is usual, the nodes miss the likelihood of a large count. The modes are found by
// Newton's method inside a bracket, all rows of the block at once.
#pragma once

#include <mixed_glm/math/gauss_hermite.hpp>
#include <mixed_glm/model/likelihood_sites.hpp>

namespace mixed_glm {

class TiltedMoments {
 public:
  TiltedMoments(const Model& model, Index n_quad)
      : sites_(model), rule_(n_quad), log_terms_(row_block_size, n_quad) {}

  // Cavities come in, moments go out; block.eta holds a guess of the modes.
  struct Rows {
    RowBlock::Column cavity_mean, cavity_precision;
    RowBlock::Column log_z, mean, variance;
  };

  void compute(RowBlock& block, Rows& rows) {
    find_modes(block, rows);
    integrate(block, rows);
  }

 private:
  static constexpr int max_iterations = 60;
  static constexpr double settled = 1e-3;  // of the tilted scale

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
    const Index n = block.count, nodes = rule_.nodes.size();
    using Array = Eigen::Map<const Eigen::ArrayXd>;
    const Array cavity_mean(rows.cavity_mean.data(), n), precision(rows.cavity_precision.data(), n);
    const Array scale(scale_.data(), n);
    mode_ = Array(block.eta.data(), n);
    for (Index k = 0; k < nodes; ++k) {
      block.view(block.eta).array() = mode_ + (std::sqrt(2.0) * rule_.nodes[k]) * scale;
      sites_.evaluate<0>(block);
      log_terms_.col(k).head(n) =
          Array(block.value.data(), n) + rule_.log_weights[k] -
          0.5 * precision * (Array(block.eta.data(), n) - cavity_mean).square();
    }
    auto terms = log_terms_.topRows(n);
    highest_ = terms.rowwise().maxCoeff();
    terms = (terms.colwise() - highest_).exp();
    sum_ = terms.rowwise().sum();
    const Eigen::ArrayXd x = std::sqrt(2.0) * rule_.nodes.array();
    first_ = (terms.matrix() * x.matrix()).array() / sum_;
    second_ = (terms.matrix() * x.square().matrix()).array() / sum_;
    Eigen::Map<Eigen::ArrayXd>(rows.mean.data(), n) = mode_ + scale * first_;
    Eigen::Map<Eigen::ArrayXd>(rows.variance.data(), n) =
        scale.square() * (second_ - first_.square());
    Eigen::Map<Eigen::ArrayXd>(rows.log_z.data(), n) = highest_ + sum_.log() +
                                                       (std::sqrt(2.0) * scale).log() +
                                                       0.5 * (precision.log() - log_two_pi);
  }

  LikelihoodSites sites_;
  GaussHermite rule_;
  RowBlock::Column low_, high_, scale_;
  Eigen::ArrayXXd log_terms_;
  Eigen::ArrayXd mode_, highest_, sum_, first_, second_;
};

}  // namespace mixed_glm
