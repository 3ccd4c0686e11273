// Moments of the tilted densities of expectation propagation (tilted_rows.hpp), for a block of
// rows.
//
// Nodes lie around the mean of the posterior as it stands and are scaled by its standard deviation:
// where expectation propagation has converged these are the tilted density's own, and on the way
// there they are near. Around the cavity, as is usual, nodes miss the likelihood of a large count.
// Single binary trials with logit link have a rule of their own (logistic_moments.hpp), all others
// take Gauss-Hermite nodes. Where the moments come out far from where the nodes were put, or the
// cavity is so wide that its density is cut by the edge of the likelihood, nodes are placed at the
// tilted mode and scaled by the curvature there (adaptive_rule.hpp). The modes are found by
// Newton's method inside a bracket, all rows of the block at once.
#pragma once

#include <mixed_glm/ep/logistic_moments.hpp>
#include <mixed_glm/math/adaptive_rule.hpp>
#include <mixed_glm/math/resize_buffer.hpp>
#include <mixed_glm/model/likelihood_sites.hpp>
#include <mixed_glm/model/shape_sites.hpp>

namespace mixed_glm {

class TiltedMoments {
 public:
  // Both are viewed. family: the model's, at some theta.
  TiltedMoments(const Model& model, const Family& family, Index n_quad)
      : model_(&model),
        sites_(model, family),
        slopes_(model, family),
        is_logistic_(std::holds_alternative<BinomialLogit>(family) ||
                     std::holds_alternative<CumulativeLogit>(family)),
        logistic_(n_quad),
        rule_(n_quad),
        wide_rule_(std::max(n_quad, fewest_wide_nodes)) {}

  MIXED_GLM_NOINLINE void compute(RowBlock& block, TiltedRows& rows) {
    const double sd = widest_cavity(block, rows);
    if (logistic_rows(block, rows, sd) && is_centered(block, rows)) return;
    if (sd <= widest_centered()) {
      place_at_center(block, rows);
      integrate(block, rows);
      if (is_centered(block, rows)) return;
    }
    find_modes(block, rows);
    place_at_mode(block, rows, sd > widest ? wide_rule_ : rule_);
    integrate(block, rows);
  }

  // Sum over the rows of the expected slopes in the family's hyperparameter, under the densities of
  // the last computation, of the same block; not for single binary trials, which have none.
  MIXED_GLM_NOINLINE double family_slope(RowBlock& block) {
    const Index n = block.count;
    double sum = 0.0;
    for (Index k = 0; k < weights_.cols(); ++k) {
      block.view(block.eta) = (origin_.head(n) + nodes_.col(k).head(n)).matrix();
      slopes_.evaluate<1>(block);
      for (Index r = 0; r < n; ++r) {
        const double weight = weights_(r, k);
        if (weight > 0.0) sum += weight / total_[r] * block.value[size_t(r)];
      }
    }
    return sum;
  }

 private:
  static constexpr int max_iterations = 60;
  static constexpr double settled = 1e-3;  // of the tilted scale
  static constexpr double widest = 3.0;    // cavity sd beyond which a block takes the wide rule
  static constexpr Index fewest_wide_nodes = 41;

  static double widest_cavity(const RowBlock& block, TiltedRows& rows) {
    return 1.0 / std::sqrt(block.view(rows.cavity_precision).minCoeff());
  }

  // As far as AdaptiveRule takes Gauss-Hermite nodes.
  double widest_centered() const {
    return rule_.size() < AdaptiveRule::fewest_for_sinh ? widest
                                                        : AdaptiveRule::widest_for_gauss_hermite;
  }

  // False where the rule is not for these rows.
  bool logistic_rows(const RowBlock& block, TiltedRows& rows, double sd) {
    if (!is_logistic_ || sd > LogisticMoments::widest) return false;
    const double* const a = model_->response().a.data() + block.first;
    const double* const b = model_->response().b.data() + block.first;
    return LogisticMoments::are_single(a, b, block.count) &&
           logistic_.compute(rows, a, block.count, sd);
  }

  // Whether the densities lie where they were looked for.
  MIXED_GLM_NOINLINE static bool is_centered(const RowBlock& block, const TiltedRows& rows) {
    bool all = true;
    for (size_t r = 0; r < size_t(block.count); ++r) {
      const double away = rows.mean[r] - rows.center[r], ratio = rows.variance[r];
      const double expected = rows.spread[r] * rows.spread[r];
      all = all & (away * away < 0.25 * expected) & (ratio < 1.7 * expected) &
            (ratio > 0.6 * expected);
    }
    return all;
  }

  MIXED_GLM_NOINLINE void place_at_center(const RowBlock& block, TiltedRows& rows) {
    const Index n = block.count;
    resize(rule_.size());
    origin_.head(n) = block.view(rows.center).array();
    const Eigen::ArrayXd scale = std::sqrt(2.0) * block.view(rows.spread).array();
    const Eigen::ArrayXd away = origin_.head(n) - block.view(rows.cavity_mean).array();
    const auto precision = block.view(rows.cavity_precision).array();
    for (Index k = 0; k < rule_.size(); ++k) {
      nodes_.col(k).head(n) = rule_.gauss_hermite().nodes[k] * scale;
      weights_.col(k).head(n) = rule_.gauss_hermite().log_weights[k] -
                                0.5 * precision * (nodes_.col(k).head(n) + away).square();
    }
    log_scale_.head(n) = scale.log() + 0.5 * precision.log() - 0.5 * log_two_pi;
  }

  void find_modes(RowBlock& block, const TiltedRows& rows) {
    block.view(block.eta) = Eigen::Map<const Vector>(rows.center.data(), block.count);
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

  // block.eta: the modes.
  void place_at_mode(const RowBlock& block, TiltedRows& rows, const AdaptiveRule& rule) {
    resize(rule.size());
    Eigen::ArrayXd nodes(rule.size()), log_weights(rule.size());
    for (Index r = 0; r < block.count; ++r) {
      const auto i = size_t(r);
      const double center = block.eta[i] - rows.cavity_mean[i];
      rule.place(center, scale_[i], 1.0 / std::sqrt(rows.cavity_precision[i]), nodes, log_weights);
      nodes_.row(r) = (nodes - center).transpose();
      weights_.row(r) = log_weights.transpose();
      origin_[r] = block.eta[i];
    }
    log_scale_.setZero();
  }

  // With the nodes, as distances from origin_, and the logarithms of their weights.
  MIXED_GLM_NOINLINE void integrate(RowBlock& block, TiltedRows& rows) {
    const Index n = block.count, nodes = nodes_.cols();
    for (Index k = 0; k < nodes; ++k) {
      block.view(block.eta) = (origin_.head(n) + nodes_.col(k).head(n)).matrix();
      sites_.evaluate<0>(block);
      weights_.col(k).head(n) += block.view(block.value).array();
    }
    const Eigen::ArrayXd highest = weights_.topRows(n).rowwise().maxCoeff();
    Eigen::ArrayXd first = Eigen::ArrayXd::Zero(n), second = first, cube = first;
    total_.head(n).setZero();
    for (Index k = 0; k < nodes; ++k) {
      auto weight = weights_.col(k).head(n);
      const auto node = nodes_.col(k).head(n);
      weight = (weight - highest).exp();
      total_.head(n) += weight;
      first += weight * node;
      second += weight * node.square();
      cube += weight * node.cube();
    }
    for (Index r = 0; r < n; ++r) {
      const auto i = size_t(r);
      const double total = total_[r], mean = first[r] / total, square = second[r] / total;
      rows.log_z[i] = log_scale_[r] + highest[r] + math::log(total);
      rows.mean[i] = origin_[r] + mean;
      rows.variance[i] = square - mean * mean;
      rows.third[i] = cube[r] / total - mean * (3.0 * square - 2.0 * mean * mean);
    }
  }

  void resize(Index nodes) {
    resize_buffer(nodes_, row_block_size, nodes);
    resize_buffer(weights_, row_block_size, nodes);
    origin_.resize(row_block_size);
    log_scale_.resize(row_block_size);
    total_.resize(row_block_size);
  }

  const Model* model_;
  LikelihoodSites sites_;
  ShapeSites slopes_;
  bool is_logistic_;
  LogisticMoments logistic_;
  AdaptiveRule rule_, wide_rule_;
  RowBlock::Column low_, high_, scale_;
  Eigen::ArrayXXd nodes_, weights_;  // rows x nodes; weights: before the integration, logarithms
  Eigen::ArrayXd origin_, log_scale_, total_;
};

}  // namespace mixed_glm
