// Quadrature over the leaf's effects: for every group its nodes, their posterior weights, and every
// row's derivatives at every node.
//
//     w_gk proportional to weight_gk exp(sum_{i in g} l_i(eta_i + factor_i' u_gk))
//
// with nodes u_gk and weights for the integral over the prior by an adaptive rule: a line's
// (adaptive_rule.hpp) about the modes of a single component, a product's about the means of a block
// (block_places.hpp).
//
// Rows are visited batch by batch (leaf_batches.hpp), by one thread or by a team; the chunks of a
// batch that is larger than a block are evaluated once for the weights and once more for the
// derivatives.
#pragma once

#include <mixed_glm/leaf/block_places.hpp>
#include <mixed_glm/leaf/leaf_modes.hpp>
#include <mixed_glm/math/adaptive_rule.hpp>
#include <mixed_glm/math/resize_buffer.hpp>
#include <mixed_glm/parallel/for_each_piece.hpp>
#include <mixed_glm/parallel/ordered_chunks.hpp>
#include <optional>

namespace mixed_glm {

// Rows first .. first + count - 1 at all K nodes; column k holds node k. And of the groups of their
// batch nodes and weights, in the column of their number modulo row_block_size.
struct NodeChunk {
  int member = 0;  // of the team, that works on it
  Index first = 0, count = 0;
  double log_integrals = 0.0;   // of the groups of its batch
  Matrix nodes;                 // m K, one coordinate after the other
  Matrix log_weights, weights;  // K, the latter summing to one
  Matrix value, d1, d2, d3;     // row_block_size x K
  // Slopes of value, d1 and d2 in the family's hyperparameter, and about minus the second one of
  // value, with order 3; empty where it has none.
  Matrix slope, slope_d1, slope_d2, information;
  Vector mean_d1, mean_d2;  // row_block_size, sum_k w_gk d1_ik; d1 has its mean subtracted

  static Index column(Index g) { return g % row_block_size; }
};

class LeafNodes {
 public:
  // The team, if there is one, is viewed.
  LeafNodes(const LeafDesign& leaf, Index n_quad, Team* team = nullptr)
      : leaf_(&leaf),
        team_(is_worth(leaf, team) ? team : nullptr),
        rule_(n_quad),
        wide_rule_(std::max(n_quad, fewest_wide_nodes)),
        modes_(leaf),
        eta_(leaf.full().design().rows()),
        chunks_(size_t(members())) {
    if (leaf.coordinates() > 1) block_.emplace(leaf, n_quad);
    for (NodeChunk& chunk : chunks_) {
      chunk.member = int(&chunk - chunks_.data());
      for (Vector* mean : {&chunk.mean_d1, &chunk.mean_d2}) mean->resize(row_block_size);
    }
  }

  int members() const { return team_ == nullptr ? 1 : team_->size(); }

  // Where the last nodes of a group are centred: one entry for each coordinate.
  double centre(Index g, Index c = 0) const {
    return block_ ? block_->centre(g)[c] : modes_.mode()[g];
  }
  // Of a block: the lower triangular root of the covariance that its nodes are scaled by.
  const TinyMatrix& root(Index g) const {
    return block_->root(g);  // NOLINT(bugprone-unchecked-optional-access)
  }
  // n: linear predictors of the rows without the leaf, at the last coefficients.
  const Vector& eta() const { return eta_; }
  // m x groups: modes from where the next search begins.
  void set_start(const Matrix& modes) {
    if (block_) {
      block_->set_start(modes);
    } else {
      modes_.set_start(modes.row(0));
    }
  }

  // Whether the rule is one that is exact to rounding for nearly normal integrands.
  bool is_exact() const {
    return !block_ && prior_.root()(0, 0) <= AdaptiveRule::widest_for_gauss_hermite;
  }

  Index n_quad() const { return n_quad_; }  // K, of the last placement
  // Of a group of the batch that a member works on, K each.
  auto nodes(int member, Index g, Index c = 0) const {
    return chunks_[size_t(member)].nodes.col(NodeChunk::column(g)).segment(c * n_quad_, n_quad_);
  }
  auto weights(int member, Index g) const {
    return chunks_[size_t(member)].weights.col(NodeChunk::column(g));
  }

  // Decides where the nodes stand for coefficients (v, beta) of the reduced design.
  void place(const Vector& coefficients, const LeafPrior& prior) {
    place(coefficients, prior, leaf_->batches());
  }
  // Those of some batches alone.
  void place(const Vector& coefficients, const LeafPrior& prior,
             const std::vector<LeafBatch>& batches) {
    prior_ = prior;
    if (block_) block_->set_prior(prior);
    n_quad_ = block_ ? block_->rule().log_weights.size() : rule().size();
    reserve();
    for_each_piece(team_, Index(batches.size()), [&](int member, Index k) {
      const LeafBatch& batch = batches[size_t(k)];
      predict(coefficients, batch);
      if (block_) {
        place_block(*block_, chunks_[size_t(member)], batch);
      } else {
        modes_.find(eta_, prior_.root()(0, 0), batch);
      }
    });
  }

  // work(member, batch) for all batches, in any thread and order.
  template <class Work>
  void for_batches(Work&& work) {
    const std::vector<LeafBatch>& batches = leaf_->batches();
    for_each_piece(team_, Index(batches.size()),
                   [&](int member, Index k) { work(member, batches[size_t(k)]); });
  }

  // Visits all batches: rows(chunk) for the chunks of each batch, then groups(member, g) for its
  // groups, then again(chunk), all in one thread; then finish(member, batch), in the order of the
  // batches. Order: the highest derivative that they use, 2 or 3. Returns sum_g log int ...
  template <int Order, class Rows, class Groups, class Again, class Finish>
  double sweep(Rows&& rows, Groups&& groups, Again&& again, Finish&& finish) {
    const auto visit = [&](NodeChunk& chunk, const LeafBatch& batch) {
      for_chunks<Order>(chunk, batch, rows);
      for (Index g = batch.first_group; g < batch.last_group; ++g) groups(chunk.member, g);
      for_chunks<Order>(chunk, batch, again);
    };
    return run<Order>(visit, finish);
  }
  double value() {
    return run<0>([](NodeChunk&, const LeafBatch&) {}, [](int, const LeafBatch&) {});
  }

 private:
  static constexpr Index fewest_wide_nodes = 41;

  // A row costs here what ten cost in a pass over the rows.
  static bool is_worth(const LeafDesign& leaf, const Team* team) {
    return team != nullptr && team->size() > 1 &&
           10 * leaf.full().design().rows() >= team->fewest_rows();
  }

  const AdaptiveRule& rule() const {
    return prior_.root()(0, 0) > AdaptiveRule::widest_for_gauss_hermite ? wide_rule_ : rule_;
  }

  // About the modes, then about the means that the nodes there show.
  void place_block(BlockPlaces& block, NodeChunk& chunk, const LeafBatch& batch) {
    block.find_modes(eta_, batch);
    for (int round = 0; round < BlockPlaces::rounds; ++round) {
      weigh<0>(chunk, batch);
      bool moved = false;
      for (Index g = batch.first_group; g < batch.last_group; ++g) {
        moved = block.move(g, chunk.weights.col(NodeChunk::column(g))) || moved;
      }
      if (!moved) break;
    }
  }

  template <int Order, class Visit, class Finish>
  double run(Visit&& visit, Finish&& finish) {
    const std::vector<LeafBatch>& batches = leaf_->batches();
    double total = 0.0;
    run_in_order(
        team_, Index(batches.size()),
        [&](int member, Index k) {
          NodeChunk& chunk = chunks_[size_t(member)];
          chunk.log_integrals = weigh<Order>(chunk, batches[size_t(k)]);
          visit(chunk, batches[size_t(k)]);
        },
        [&](int member, Index k) {
          total += chunks_[size_t(member)].log_integrals;
          finish(member, batches[size_t(k)]);
        });
    return total;
  }

  void predict(const Vector& coefficients, const LeafBatch& batch) {
    RowBlock block;
    batch.for_blocks([&](Index begin, Index end) {
      block.first = begin;
      block.count = end - begin;
      detail::predict(leaf_->reduced(), coefficients, block);
      eta_.segment(begin, end - begin) = block.view(block.eta);
    });
  }

  void reserve() {
    const Index most_together = std::min(leaf_->groups(), row_block_size);
    for (NodeChunk& chunk : chunks_) {
      resize_buffer(chunk.nodes, leaf_->coordinates() * n_quad_, most_together);
      for (Matrix* m : {&chunk.log_weights, &chunk.weights}) {
        resize_buffer(*m, n_quad_, most_together);
      }
      for (Matrix* m : {&chunk.value, &chunk.d1, &chunk.d2, &chunk.d3}) {
        resize_buffer(*m, row_block_size + 8, n_quad_);  // columns in different cache sets
      }
      if (!has_shape(leaf_->family().kernel())) continue;
      for (Matrix* m : {&chunk.slope, &chunk.slope_d1, &chunk.slope_d2, &chunk.information}) {
        resize_buffer(*m, row_block_size + 8, n_quad_);
      }
    }
  }

  void set_nodes(NodeChunk& chunk, Index g) const {
    const Index column = NodeChunk::column(g);
    auto nodes = chunk.nodes.col(column);
    auto log_weights = chunk.log_weights.col(column);
    if (block_) {
      block_->place(g, nodes, log_weights);
    } else {
      rule().place(modes_.mode()[g], modes_.scale()[g], prior_.root()(0, 0), nodes.array(),
                   log_weights.array());
    }
    chunk.weights.col(column).setZero();
  }

  template <int Order>
  double weigh(NodeChunk& chunk, const LeafBatch& batch) {
    for (Index g = batch.first_group; g < batch.last_group; ++g) set_nodes(chunk, g);
    if (batch.is_one_block()) {
      evaluate<Order>(chunk, batch.first_row, batch.last_row);
      add_values(chunk);
    } else {
      batch.for_blocks([&](Index first, Index last) {
        evaluate<0>(chunk, first, last);
        add_values(chunk);
      });
    }
    double total = 0.0;
    for (Index g = batch.first_group; g < batch.last_group; ++g) total += normalize(chunk, g);
    if (Order >= 2 && batch.is_one_block()) center(chunk);
    return total;
  }

  template <int Order, class Visit>
  void for_chunks(NodeChunk& chunk, const LeafBatch& batch, Visit&& visit) {
    if (batch.is_one_block()) {
      visit(chunk);
      return;
    }
    batch.for_blocks([&](Index first, Index last) {
      evaluate<Order>(chunk, first, last);
      center(chunk);
      visit(chunk);
    });
  }

  template <int Order>
  void evaluate(NodeChunk& chunk, Index first, Index last) const {
    chunk.first = first;
    chunk.count = last - first;
    const Model& model = leaf_->reduced();
    const double* const a = model.response().a.data() + first;
    const double* const b = model.response().b.data() + first;
    std::array<double, row_block_size> eta;
    const auto expand = [&](const auto& kernel) {
      for (Index k = 0; k < n_quad(); ++k) {
        for (Index r = 0; r < chunk.count; ++r) {
          const auto i = size_t(first + r);
          eta[size_t(r)] = eta_[Index(i)] + leaf_->factor()[i] * node(chunk, i, k);
        }
        for (Index c = 1; c < leaf_->coordinates(); ++c) {
          const double* const factor = leaf_->factor(c);
          for (Index r = 0; r < chunk.count; ++r) {
            const auto i = size_t(first + r);
            eta[size_t(r)] += factor[i] * node(chunk, i, c * n_quad() + k);
          }
        }
        evaluate_rows<Order>(kernel, chunk.count, eta.data(), a, b, column(chunk.value, k),
                             column(chunk.d1, k), column(chunk.d2, k), column(chunk.d3, k));
        if constexpr (Order >= 3) evaluate_slopes(kernel, eta.data(), a, b, k, chunk);
      }
    };
    std::visit(expand, leaf_->family().kernel());
  }
  double node(const NodeChunk& chunk, size_t row, Index k) const {
    return chunk.nodes(k, NodeChunk::column(leaf_->row_group()[row]));
  }
  static double* column(Matrix& matrix, Index k) { return matrix.data() + k * matrix.rows(); }

  // At node k.
  template <class Kernel>
  static void evaluate_slopes(const Kernel& kernel, const double* eta, const double* a,
                              const double* b, Index k, NodeChunk& chunk) {
    if constexpr (has_shape_v<Kernel>) {
      if (chunk.slope.size() == 0) return;  // a family of the user's without one
      evaluate_shape_slopes(kernel, chunk.count, eta, a, b, column(chunk.slope, k),
                            column(chunk.slope_d1, k), column(chunk.slope_d2, k),
                            column(chunk.information, k));
    }
  }

  auto weights_of_row(NodeChunk& chunk, Index r) const {
    return chunk.weights.col(NodeChunk::column(leaf_->row_group()[size_t(chunk.first + r)]));
  }

  void add_values(NodeChunk& chunk) const {
    for (Index r = 0; r < chunk.count; ++r) {
      weights_of_row(chunk, r) += chunk.value.row(r).transpose();
    }
  }

  // Sums of log likelihoods -> normalized weights; returns the log of the integral.
  static double normalize(NodeChunk& chunk, Index g) {
    auto w = chunk.weights.col(NodeChunk::column(g));
    w += chunk.log_weights.col(NodeChunk::column(g));
    const double highest = w.maxCoeff();
    w.array() = (w.array() - highest).exp();
    // Eigen's exp has a least value where there should be none: it would meet derivatives of 1e200.
    w = (w.array() > 1e-280).select(w, 0.0);
    const double sum = w.sum();
    w /= sum;
    return highest + std::log(sum);
  }

  void center(NodeChunk& chunk) const {
    for (Index r = 0; r < chunk.count; ++r) {
      const auto w = weights_of_row(chunk, r);
      if (w.minCoeff() == 0.0) drop_dead_nodes(chunk, r, w);
      const double mean = chunk.d1.row(r).dot(w);
      chunk.mean_d1[r] = mean;
      chunk.mean_d2[r] = chunk.d2.row(r).dot(w);
      chunk.d1.row(r).array() -= mean;
    }
  }

  // A node without weight may have derivatives whose squares overflow.
  template <class Weights>
  void drop_dead_nodes(NodeChunk& chunk, Index r, const Weights& w) const {
    for (Index k = 0; k < n_quad(); ++k) {
      if (w[k] != 0.0) continue;
      chunk.d1(r, k) = chunk.d2(r, k) = chunk.d3(r, k) = 0.0;
      if (chunk.slope.size() == 0) continue;
      chunk.slope(r, k) = chunk.slope_d1(r, k) = chunk.slope_d2(r, k) = 0.0;
      chunk.information(r, k) = 0.0;
    }
  }

  const LeafDesign* leaf_;
  Team* team_;
  AdaptiveRule rule_, wide_rule_;
  LeafModes modes_;
  std::optional<BlockPlaces> block_;  // of a leaf of several components
  LeafPrior prior_;
  Index n_quad_ = 0;
  Vector eta_;
  std::vector<NodeChunk> chunks_;  // of each member of the team
};

}  // namespace mixed_glm
