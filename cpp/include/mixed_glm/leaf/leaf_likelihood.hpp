// The log likelihood with the leaf integrated out by adaptive Gauss-Hermite quadrature, as a
// concave function (Prekopa) of the remaining coefficients (v, beta):
//
//     L = sum_g log int exp(sum_{i in g} l_i(eta_i + factor_i u)) N(u; 0, sd^2) du
//     gradient  sum_i E_k[l'_ik] a'_i
//     -Hessian  sum_i E_k[-l''_ik] a'_i a'_i' - sum_g Cov_k(sum_{i in g} l'_ik a'_i)
//
// which is computed in the coordinates of leaf_scores.hpp. There a group's share is, with its shift
// h and s = sum_i W_i factor_i a'_i,
//
//     gradient  sum_i E_k[l'_ik] a'_i + h (E_k[u] / sd^2 - sum_i factor_i E_k[l'_ik])
//     -Hessian  sum_i W_i a'_i a'_i' - s h' - Cov_k(c_gk)
#pragma once

#include <mixed_glm/leaf/leaf_scores.hpp>
#include <mixed_glm/math/resize_buffer.hpp>
#include <mixed_glm/model/coefficient_likelihood.hpp>

namespace mixed_glm {

class LeafLikelihood final : public CoefficientLikelihood {
 public:
  LeafLikelihood(const LeafDesign& leaf, Index n_quad)
      : leaf_(&leaf), nodes_(leaf, n_quad), scores_(leaf), rows_(leaf.reduced().design()) {}

  void set_sd(double sd) { sd_ = sd; }
  double sd() const { return sd_; }
  LeafNodes& nodes() { return nodes_; }
  const LeafNodes& nodes() const { return nodes_; }
  LeafScores& scores() { return scores_; }

  const Design& design() const override { return leaf_->reduced().design(); }
  double rounding() const override { return leaf_->full().rounding(); }

  double value(const Vector& coefficients) override {
    nodes_.place(coefficients, sd_);
    return leaf_->full().constant() + nodes_.value();
  }

  double expand(const Vector& coefficients, Vector& gradient, double* curvature) override {
    nodes_.place(coefficients, sd_);
    const auto rows = [&](NodeChunk& chunk) {
      scores_.add(chunk);
      average(chunk);
      detail::add_gradient(design(), block_, gradient);
      detail::add_curvature(design(), block_, curvature);
    };
    const auto groups = [&](Index g) {
      if (leaf_->group_begin(g) == leaf_->group_end(g)) return;
      shift(g, gradient);
      subtract_covariance(g, curvature);
    };
    return leaf_->full().constant() + nodes_.sweep<2>(rows, groups, [](NodeChunk&) {});
  }

  // The rows without the leaf's effects.
  void start(Vector& pull, double* curvature) override {
    const Vector zero = Vector::Zero(design().coefficients());
    pass_rows<2>(leaf_->reduced(), StartSites(leaf_->reduced()), zero, &pull, curvature, rows_);
  }

 private:
  // Mean pull and mean weight of each row over its nodes.
  void average(const NodeChunk& chunk) {
    block_.first = chunk.first;
    block_.count = chunk.count;
    for (Index r = 0; r < chunk.count; ++r) {
      block_.pull[size_t(r)] = chunk.mean_d1[r];
      block_.weight[size_t(r)] = -chunk.mean_d2[r];
    }
  }

  // Of the same shape for all groups: how sums are rounded depends on how columns are aligned, and
  // that must not depend on what was fitted before.
  void reserve(Index nodes) {
    resize_buffer(weighted_, scores_.largest_size(), nodes);
    resize_buffer(covariance_, scores_.largest_size(), scores_.largest_size());
  }

  void shift(Index g, Vector& gradient) {
    const double precision = 1.0 / (sd_ * sd_), mean = nodes_.nodes(g).dot(nodes_.weights(g));
    scores_.choose_shift(g, precision);
    scores_.apply_shift(g, precision, (nodes_.nodes(g).array() - mean).matrix());
    leaf_->scatter(g, precision * mean - scores_.sums(g).pull, scores_.shift(g), gradient);
  }

  void subtract_covariance(Index g, double* curvature) {
    const auto scores = scores_.of(g);
    const Index size = scores.rows(), nodes = scores.cols();
    reserve(nodes);
    auto weighted = weighted_.topLeftCorner(size, nodes);
    weighted = scores;
    for (Index k = 0; k < nodes; ++k) weighted.col(k) *= nodes_.weights(g)[k];
    auto covariance = covariance_.topLeftCorner(size, size);
    covariance.noalias() = weighted * scores.transpose();
    covariance.noalias() += scores_.coupling(g) * scores_.shift(g).transpose();
    const BorderedPattern& pattern = design().pattern();
    const Index touched = leaf_->touched_count(g), p = pattern.border(), t = pattern.tail();
    const std::int32_t* position = leaf_->clique(g);
    for (Index a = 0; a < touched; ++a) {
      for (Index b = 0; b <= a; ++b) curvature[*position++] -= covariance(a, b);
      const Code effect = leaf_->touched()[size_t(leaf_->touched_begin(g) + a)];
      double* const border = curvature + pattern.border_position(effect);
      for (Index c = 0; c < p; ++c) border[c] -= covariance(touched + c, a);
    }
    for (Index b = 0; b < p; ++b) {
      double* const column = curvature + pattern.dense_position(t + b, t + b);
      for (Index a = b; a < p; ++a) column[a - b] -= covariance(touched + a, touched + b);
    }
  }

  const LeafDesign* leaf_;
  double sd_ = 1.0;
  LeafNodes nodes_;
  LeafScores scores_;
  RowTeam rows_;
  RowBlock block_;
  Matrix weighted_, covariance_;
};

}  // namespace mixed_glm
