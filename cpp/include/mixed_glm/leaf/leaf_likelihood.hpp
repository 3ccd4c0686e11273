// The log likelihood with the leaf integrated out by adaptive Gauss-Hermite quadrature, as a
// concave function (Prekopa) of the remaining coefficients (v, beta):
//
//     L = sum_g log int exp(sum_{i in g} l_i(eta_i + factor_i' u)) N(u; 0, P^-1) du
//     gradient  sum_i E_k[l'_ik] a'_i
//     -Hessian  sum_i E_k[-l''_ik] a'_i a'_i' - sum_g Cov_k(sum_{i in g} l'_ik a'_i)
//
// which is computed in the coordinates of leaf_scores.hpp. There a group's share is, with its shift
// h and s = sum_i W_i a'_i factor_i',
//
//     gradient  sum_i E_k[l'_ik] a'_i + h (P E_k[u] - sum_i factor_i E_k[l'_ik])
//     -Hessian  sum_i W_i a'_i a'_i' - s h' - Cov_k(c_gk)
#pragma once

#include <mixed_glm/leaf/leaf_scores.hpp>
#include <mixed_glm/math/resize_buffer.hpp>
#include <mixed_glm/model/coefficient_likelihood.hpp>

namespace mixed_glm {

class LeafLikelihood final : public CoefficientLikelihood {
 public:
  // The team, if there is one, is viewed.
  LeafLikelihood(const LeafDesign& leaf, Index n_quad, Team* team = nullptr)
      : leaf_(&leaf),
        nodes_(leaf, n_quad, team),
        scores_(leaf, nodes_.members()),
        rows_(leaf.reduced().design()),
        mean_pull_(leaf.full().design().rows()),
        mean_weight_(leaf.full().design().rows()),
        members_(size_t(nodes_.members())) {
    size_t most = 0;
    for (const LeafBatch& batch : leaf.batches()) most = std::max(most, size_of_shares(batch));
    for (Member& member : members_) member.shares.reserve(most);
  }

  void set_prior(const LeafPrior& prior) { prior_ = prior; }
  const LeafPrior& prior() const { return prior_; }
  LeafNodes& nodes() { return nodes_; }
  const LeafNodes& nodes() const { return nodes_; }
  LeafScores& scores() { return scores_; }

  const Design& design() const override { return leaf_->reduced().design(); }
  double rounding() const override { return leaf_->full().rounding(); }

  // Standard deviation and family are LeafMarginal's to set, which knows all of theta.
  void set_theta(ConstVectorRef) override {}

  double value(const Vector& coefficients) override {
    nodes_.place(coefficients, prior_);
    return leaf_->family().constant() + nodes_.value();
  }

  double expand(const Vector& coefficients, Vector& gradient, double* curvature) override {
    nodes_.place(coefficients, prior_);
    reserve();
    const auto rows = [&](NodeChunk& chunk) {
      scores_.add(chunk);
      average(chunk);
    };
    const auto groups = [&](int member, Index g) {
      if (!is_empty(g)) summarize(member, g);
    };
    const auto finish = [&](int member, const LeafBatch& batch) {
      add_rows(batch, gradient, curvature);
      std::vector<double>& shares = members_[size_t(member)].shares;
      const double* share = shares.data();
      for (Index g = batch.first_group; g < batch.last_group; ++g) {
        if (!is_empty(g)) share = add_group(g, share, gradient, curvature);
      }
      shares.clear();
    };
    return leaf_->family().constant() + nodes_.sweep<2>(rows, groups, [](NodeChunk&) {}, finish);
  }

  // The rows without the leaf's effects.
  void start(Vector& pull, double* curvature) override {
    const Vector zero = Vector::Zero(design().coefficients());
    pass_rows<2>(leaf_->reduced(), StartSites(leaf_->reduced(), leaf_->family().kernel()), zero,
                 &pull, curvature, rows_);
  }

 private:
  // What each member of the team has of its own.
  struct Member {
    Matrix weighted, covariance;
    // What the groups of its batch add besides their rows, one after the other: factors of the
    // columns of their shift, for the gradient, and the lower triangle, row by row, that the
    // curvature loses.
    std::vector<double> shares;
  };

  bool is_empty(Index g) const { return leaf_->group_begin(g) == leaf_->group_end(g); }

  size_t size_of_shares(const LeafBatch& batch) const {
    Index sum = 0;
    for (Index g = batch.first_group; g < batch.last_group; ++g) {
      if (!is_empty(g)) sum += leaf_->coordinates() + scores_.size(g) * (scores_.size(g) + 1) / 2;
    }
    return size_t(sum);
  }

  // Mean pull and mean weight of each row over its nodes.
  void average(const NodeChunk& chunk) {
    mean_pull_.segment(chunk.first, chunk.count) = chunk.mean_d1.head(chunk.count);
    mean_weight_.segment(chunk.first, chunk.count) = -chunk.mean_d2.head(chunk.count);
  }

  void reserve() {
    const Index largest = scores_.largest_size();
    scores_.reserve(nodes_.n_quad());
    for (Member& own : members_) {
      resize_buffer(own.weighted, largest, nodes_.n_quad());
      resize_buffer(own.covariance, largest, largest);
      own.shares.clear();
    }
  }

  void summarize(int member, Index g) {
    Member& own = members_[size_t(member)];
    const Index m = leaf_->coordinates();
    const TinyMatrix& precision = prior_.precision();
    const auto weights = nodes_.weights(member, g);
    TinyVector mean(m);
    for (Index c = 0; c < m; ++c) mean[c] = nodes_.nodes(member, g, c).dot(weights);
    scores_.choose_shift(member, g, precision);
    scores_.apply_shift(member, g, precision, [&](Index c) {
      return (nodes_.nodes(member, g, c).array() - mean[c]).matrix();
    });
    for (Index c = 0; c < m; ++c) {
      double pulled = -scores_.sums(member, g).pull[c];
      for (Index d = 0; d < m; ++d) pulled += precision(c, d) * mean[d];
      own.shares.push_back(pulled);
    }
    const auto scores = scores_.of(member, g);
    const Index size = scores.rows(), nodes = scores.cols();
    auto weighted = own.weighted.topLeftCorner(size, nodes);
    weighted = scores;
    for (Index k = 0; k < nodes; ++k) weighted.col(k) *= weights[k];
    auto covariance = own.covariance.topLeftCorner(size, size);
    covariance.setZero();
    add_abt(weighted, scores, covariance);
    for (Index c = 0; c < m; ++c) {
      covariance.noalias() +=
          scores_.coupling(member, g).col(c) * scores_.shift(g).col(c).transpose();
    }
    for (Index a = 0; a < size; ++a) {
      for (Index b = 0; b <= a; ++b) own.shares.push_back(covariance(a, b));
    }
  }

  void add_rows(const LeafBatch& batch, Vector& gradient, double* curvature) {
    batch.for_blocks([&](Index first, Index last) {
      block_.first = first;
      block_.count = last - first;
      block_.view(block_.pull) = mean_pull_.segment(first, block_.count);
      block_.view(block_.weight) = mean_weight_.segment(first, block_.count);
      detail::add_gradient(design(), block_, gradient);
      detail::add_curvature(design(), block_, curvature);
    });
  }

  // Returns where the share of the next group begins.
  const double* add_group(Index g, const double* share, Vector& gradient, double* curvature) const {
    for (Index c = 0; c < leaf_->coordinates(); ++c) {
      leaf_->scatter(g, *share++, scores_.shift(g).col(c), gradient);
    }
    const BorderedPattern& pattern = design().pattern();
    const Index touched = leaf_->touched_count(g), p = pattern.border(), t = pattern.tail();
    const std::int32_t* position = leaf_->clique(g);
    for (Index a = 0; a < touched; ++a) {
      for (Index b = 0; b <= a; ++b) curvature[*position++] -= *share++;
    }
    for (Index c = 0; c < p; ++c) {
      for (Index a = 0; a < touched; ++a) {
        const Code effect = leaf_->touched()[size_t(leaf_->touched_begin(g) + a)];
        curvature[pattern.border_position(effect) + c] -= *share++;
      }
      for (Index b = 0; b <= c; ++b) curvature[pattern.dense_position(t + c, t + b)] -= *share++;
    }
    return share;
  }

  const LeafDesign* leaf_;
  LeafPrior prior_;
  LeafNodes nodes_;
  LeafScores scores_;
  RowTeam rows_;
  RowBlock block_;                  // of the member whose turn it is
  Vector mean_pull_, mean_weight_;  // n
  std::vector<Member> members_;
};

}  // namespace mixed_glm
