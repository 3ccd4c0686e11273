// Quadrature over the leaf's effects: for every group its nodes, their posterior weights, and every
// row's derivatives at every node.
//
//     w_gk proportional to weight_gk exp(sum_{i in g} l_i(eta_i + factor_i u_gk))
//
// with nodes u_gk and weights for the integral over N(u; 0, sd^2) by an adaptive rule.
//
// Rows are visited in batches of whole groups that fit a block; a group larger than that is a batch
// of its own, whose chunks are evaluated once for the weights and once more for the derivatives.
#pragma once

#include <mixed_glm/leaf/leaf_modes.hpp>
#include <mixed_glm/math/adaptive_rule.hpp>
#include <mixed_glm/math/resize_buffer.hpp>

namespace mixed_glm {

// Rows first .. first + count - 1 at all K nodes; column k holds node k.
struct NodeChunk {
  Index first = 0, count = 0;
  Matrix value, d1, d2, d3;  // row_block_size x K
  Vector mean_d1, mean_d2;   // row_block_size, sum_k w_gk d1_ik; d1 has its mean subtracted
};

class LeafNodes {
 public:
  LeafNodes(const LeafDesign& leaf, Index n_quad)
      : leaf_(&leaf),
        rule_(n_quad),
        wide_rule_(std::max(n_quad, fewest_wide_nodes)),
        modes_(leaf),
        eta_(leaf.full().design().rows()) {
    for (Vector* mean : {&chunk_.mean_d1, &chunk_.mean_d2}) mean->resize(row_block_size);
    make_batches();
  }

  const LeafModes& modes() const { return modes_; }
  LeafModes& modes() { return modes_; }
  auto nodes(Index g) const { return nodes_.col(g); }      // K
  auto weights(Index g) const { return weights_.col(g); }  // K, summing to one

  // Places the nodes for coefficients (v, beta) of the reduced design.
  void place(const Vector& coefficients, double sd) {
    RowBlock block;
    for (block.first = 0; block.first < eta_.size(); block.first += row_block_size) {
      block.count = std::min(row_block_size, eta_.size() - block.first);
      detail::predict(leaf_->reduced(), coefficients, block);
      eta_.segment(block.first, block.count) = block.view(block.eta);
    }
    modes_.find(eta_, sd);
    const AdaptiveRule& rule = sd > AdaptiveRule::widest_for_gauss_hermite ? wide_rule_ : rule_;
    reserve(rule.size());
    for (Index g = 0; g < leaf_->groups(); ++g) {
      rule.place(modes_.mode()[g], modes_.scale()[g], sd, nodes_.col(g).array(),
                 log_weights_.col(g).array());
    }
  }

  // Visits all batches: rows(chunk) for the chunks of each batch, then groups(g) for its groups,
  // then again(chunk). Order: the highest derivative that they use, 2 or 3. Returns sum_g log int
  // ...
  template <int Order, class Rows, class Groups, class Again>
  double sweep(Rows&& rows, Groups&& groups, Again&& again) {
    double total = 0.0;
    for (const Batch& batch : batches_) {
      total += weigh<Order>(batch);
      for_chunks<Order>(batch, rows);
      for (Index g = batch.first_group; g < batch.last_group; ++g) groups(g);
      for_chunks<Order>(batch, again);
    }
    return total;
  }
  double value() {
    double total = 0.0;
    for (const Batch& batch : batches_) total += weigh<0>(batch);
    return total;
  }

 private:
  struct Batch {
    Index first_group, last_group, first_row, last_row;
    bool one_chunk() const { return last_row - first_row <= row_block_size; }
  };
  static constexpr Index fewest_wide_nodes = 41;

  Index n_quad() const { return nodes_.rows(); }
  void reserve(Index n_quad) {
    for (Matrix* m : {&nodes_, &log_weights_, &weights_})
      resize_buffer(*m, n_quad, leaf_->groups());
    for (Matrix* m : {&chunk_.value, &chunk_.d1, &chunk_.d2, &chunk_.d3}) {
      resize_buffer(*m, row_block_size, n_quad);
    }
  }

  void make_batches() {
    Batch batch{0, 0, 0, 0};
    for (Index g = 0; g < leaf_->groups(); ++g) {
      const bool fits = leaf_->group_end(g) - batch.first_row <= row_block_size &&
                        g - batch.first_group < row_block_size;  // groups may have no rows
      if (!fits && batch.last_group > batch.first_group) {
        batches_.push_back(batch);
        batch = {g, g, leaf_->group_begin(g), leaf_->group_begin(g)};
      }
      batch.last_group = g + 1;
      batch.last_row = leaf_->group_end(g);
    }
    if (batch.last_group > batch.first_group) batches_.push_back(batch);
  }

  template <int Order>
  double weigh(const Batch& batch) {
    auto sums = weights_.middleCols(batch.first_group, batch.last_group - batch.first_group);
    sums.setZero();
    if (batch.one_chunk()) {
      evaluate<Order>(batch.first_row, batch.last_row);
      add_values();
    } else {
      for (Index i = batch.first_row; i < batch.last_row; i += row_block_size) {
        evaluate<0>(i, std::min(i + row_block_size, batch.last_row));
        add_values();
      }
    }
    double total = 0.0;
    for (Index g = batch.first_group; g < batch.last_group; ++g) total += normalize(g);
    if (Order >= 2 && batch.one_chunk()) center();
    return total;
  }

  template <int Order, class Visit>
  void for_chunks(const Batch& batch, Visit&& visit) {
    if (batch.one_chunk()) {
      visit(chunk_);
      return;
    }
    for (Index i = batch.first_row; i < batch.last_row; i += row_block_size) {
      evaluate<Order>(i, std::min(i + row_block_size, batch.last_row));
      center();
      visit(chunk_);
    }
  }

  template <int Order>
  void evaluate(Index first, Index last) {
    chunk_.first = first;
    chunk_.count = last - first;
    const Model& model = leaf_->reduced();
    const double* const a = model.response().a.data() + first;
    const double* const b = model.response().b.data() + first;
    std::array<double, row_block_size> eta;
    const auto expand = [&](const auto& kernel) {
      for (Index k = 0; k < n_quad(); ++k) {
        for (Index r = 0; r < chunk_.count; ++r) {
          const auto i = size_t(first + r);
          eta[size_t(r)] = eta_[Index(i)] + leaf_->factor()[i] * nodes_(k, leaf_->row_group()[i]);
        }
        evaluate_rows<Order>(kernel, chunk_.count, eta.data(), a, b, column(chunk_.value, k),
                             column(chunk_.d1, k), column(chunk_.d2, k), column(chunk_.d3, k));
      }
    };
    std::visit(expand, model.family());
  }
  static double* column(Matrix& matrix, Index k) { return matrix.data() + k * matrix.rows(); }

  void add_values() {
    for (Index r = 0; r < chunk_.count; ++r) {
      weights_.col(leaf_->row_group()[size_t(chunk_.first + r)]) += chunk_.value.row(r).transpose();
    }
  }

  // Sums of log likelihoods -> normalized weights; returns the log of the integral.
  double normalize(Index g) {
    auto w = weights_.col(g);
    w += log_weights_.col(g);
    const double highest = w.maxCoeff();
    w.array() = (w.array() - highest).exp();
    // Eigen's exp has a least value where there should be none: it would meet derivatives of 1e200.
    w = (w.array() > 1e-280).select(w, 0.0);
    const double sum = w.sum();
    w /= sum;
    return highest + std::log(sum);
  }

  void center() {
    for (Index r = 0; r < chunk_.count; ++r) {
      const auto w = weights_.col(leaf_->row_group()[size_t(chunk_.first + r)]);
      if (w.minCoeff() == 0.0) drop_dead_nodes(r, w);
      const double mean = chunk_.d1.row(r).dot(w);
      chunk_.mean_d1[r] = mean;
      chunk_.mean_d2[r] = chunk_.d2.row(r).dot(w);
      chunk_.d1.row(r).array() -= mean;
    }
  }

  // A node without weight may have derivatives whose squares overflow.
  template <class Weights>
  void drop_dead_nodes(Index r, const Weights& w) {
    for (Index k = 0; k < n_quad(); ++k) {
      if (w[k] == 0.0) chunk_.d1(r, k) = chunk_.d2(r, k) = chunk_.d3(r, k) = 0.0;
    }
  }

  const LeafDesign* leaf_;
  AdaptiveRule rule_, wide_rule_;
  LeafModes modes_;
  Vector eta_;
  Matrix nodes_, log_weights_, weights_;  // K x groups
  NodeChunk chunk_;
  std::vector<Batch> batches_;
};

}  // namespace mixed_glm
