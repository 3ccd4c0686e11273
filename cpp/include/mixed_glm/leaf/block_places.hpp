// Where the nodes of a block (leaf_block.hpp) stand: a product rule about the mean of each group's
// effects given everything else, scaled by the root of their covariance,
//
//     u_k = centre + sqrt(2) root x_k
//
// both found with nodes that stand about the mode first (block_modes.hpp; Naylor and Smith 1982).
// With few binary rows a group and large standard deviations, mean and covariance are far from mode
// and curvature, and so many nodes about the latter that they miss the mass (15 x 15 nodes: 3.5
// nats, .1 about the mean).
#pragma once

#include <mixed_glm/leaf/block_modes.hpp>
#include <mixed_glm/math/product_rule.hpp>

namespace mixed_glm {

class BlockPlaces {
 public:
  static constexpr int rounds = 3;  // of moving the nodes, at the most

  BlockPlaces(const LeafDesign& leaf, Index n_quad)
      : modes_(leaf),
        spread_(spread_of_factors(leaf)),
        rule_(n_quad, leaf.coordinates()),
        wide_rule_(std::max(n_quad, fewest_wide_nodes(leaf.coordinates())), leaf.coordinates()),
        centre_(Matrix::Zero(leaf.coordinates(), leaf.groups())),
        root_(size_t(leaf.groups())) {}

  void set_prior(const LeafPrior& prior) {
    prior_ = prior;
    wide_ = is_wide();
  }
  void set_start(const Matrix& modes) { modes_.set_start(modes); }

  const ProductRule& rule() const { return wide_ ? wide_rule_ : rule_; }
  auto centre(Index g) const { return centre_.col(g); }
  const TinyMatrix& root(Index g) const { return root_[size_t(g)]; }

  // Places the nodes of a batch's groups about their modes.
  void find_modes(const Vector& eta, const LeafBatch& batch) {
    modes_.find(eta, prior_, batch);
    for (Index g = batch.first_group; g < batch.last_group; ++g) {
      centre_.col(g) = modes_.mode(g);
      root_[size_t(g)] = modes_.root(g);
    }
  }

  // To the mean and the covariance that the weights of the last nodes show. False where the nodes
  // stand there already.
  template <class Weights>
  bool move(Index g, const Weights& weights) {
    const Index m = centre_.rows();
    const Matrix& nodes = rule().nodes;
    TinyVector mean(m);
    for (Index c = 0; c < m; ++c) mean[c] = std::sqrt(2.0) * nodes.col(c).dot(weights);
    TinyMatrix covariance(m);
    double off = 0.0;
    for (Index c = 0; c < m; ++c) {
      off = std::max(off, std::abs(mean[c]));
      for (Index d = 0; d <= c; ++d) {
        const double square =
            2.0 * (nodes.col(c).array() * nodes.col(d).array() * weights.array()).sum();
        covariance(c, d) = covariance(d, c) = square - mean[c] * mean[d];
        off = std::max(off, std::abs(covariance(c, d) - (c == d ? 1.0 : 0.0)));
      }
      covariance(c, c) += least_variance;
    }
    if (!(off > close_enough)) return false;
    const TinyMatrix change = lower_root(covariance);
    if (!is_finite(change)) return false;
    const TinyVector shift = root(g) * mean;
    for (Index c = 0; c < m; ++c) centre_(c, g) += shift[c];
    root_[size_t(g)] = root(g) * change;
    return true;
  }

  // nodes: m K, one coordinate after the other; log_weights: K, with the prior's density.
  template <class Nodes, class LogWeights>
  void place(Index g, Nodes&& nodes, LogWeights&& log_weights) const {
    const Matrix& x = rule().nodes;
    const Index m = centre_.rows(), count = x.rows();
    const TinyMatrix& root = this->root(g);
    const TinyMatrix& precision = prior_.precision();
    log_weights = rule().log_weights.array() + log_scale(root);
    for (Index c = 0; c < m; ++c) {
      auto own = nodes.segment(c * count, count).array();
      own = std::sqrt(2.0) * root(c, 0) * x.col(0).array() + centre_(c, g);
      for (Index d = 1; d <= c; ++d) own += std::sqrt(2.0) * root(c, d) * x.col(d).array();
      log_weights.array() -= 0.5 * precision(c, c) * own.square();
      for (Index d = 0; d < c; ++d) {
        if (precision(c, d) == 0.0) continue;
        log_weights.array() -= precision(c, d) * own * nodes.segment(d * count, count).array();
      }
    }
  }

 private:
  static constexpr double close_enough = 0.2;     // of means and covariances, in units of the root
  static constexpr double least_variance = 1e-4;  // where all weight is on one node
  // Beyond these standard deviations of a linear predictor more nodes are taken.
  static constexpr double widest_for_few_nodes = 2.0;
  static Index fewest_wide_nodes(Index coordinates) { return coordinates == 2 ? 15 : 11; }

  // Root mean square of the factors of each coordinate that are not zero.
  static TinyVector spread_of_factors(const LeafDesign& leaf) {
    TinyVector spread(leaf.coordinates());
    for (Index c = 0; c < spread.size(); ++c) {
      double sum = 0.0, count = 0.0;
      for (Index i = 0; i < leaf.full().design().rows(); ++i) {
        const double factor = leaf.factor(c)[i];
        sum += factor * factor;
        count += factor != 0.0 ? 1.0 : 0.0;
      }
      spread[c] = count > 0.0 ? std::sqrt(sum / count) : 0.0;
    }
    return spread;
  }

  bool is_wide() const {
    for (Index c = 0; c < spread_.size(); ++c) {
      if (prior_.sd(c) * spread_[c] > widest_for_few_nodes) return true;
    }
    return false;
  }

  // Of the integral over u by nodes in x, and the constant of the prior's density.
  double log_scale(const TinyMatrix& root) const {
    double sum = -prior_.log_root_determinant();
    for (Index c = 0; c < root.size(); ++c) {
      sum += std::log(root(c, c)) + 0.5 * (std::log(2.0) - log_two_pi);
    }
    return sum;
  }

  BlockModes modes_;
  TinyVector spread_;
  ProductRule rule_, wide_rule_;
  LeafPrior prior_;
  bool wide_ = false;
  Matrix centre_;  // m x groups
  std::vector<TinyMatrix> root_;
};

}  // namespace mixed_glm
