// Scores of the groups of a batch at their nodes, in the coordinates of the shift h
// (leaf_scores.hpp, of a leaf of one coordinate with nothing beside it but beta): sums over rows of
// the columns c_i = (x_i, factor_i),
//
//     sum_i l'_ik c_i                  from which d_gk is made
//     sum_i W_i c_i c_i'               lower triangle row by row; h = its last row by its corner
//
// lane_count numbers for each entry.
#pragma once

#include <mixed_glm/leaf/lane_nodes.hpp>

namespace mixed_glm {

class LaneScores {
 public:
  explicit LaneScores(const LaneNodes& nodes)
      : nodes_(&nodes),
        width_(nodes.lanes().width()),
        weight_(LaneRows::most_rows * lane_count),
        mean_(width_ * lane_count),
        apart_(2 * width_ * lane_count),
        square_(width_ * (width_ + 1) / 2 * lane_count) {}

  // For a batch.
  void clear() {
    resize_buffer(scores_, nodes_->n_quad() * width_ * lane_count, 1);
    scores_.setZero();
    square_.setZero();
  }

  // Adds the rows of a block.
  void add(const LaneChunk& chunk) {
    const double* const columns = nodes_->lanes().columns(chunk.first);
    const Index nodes = nodes_->n_quad();
    if (chunk.separable) return add_apart(chunk, columns);
    Index k = 0;
    const auto slopes = [&] { return chunk.d1.data() + k * LaneChunk::stride; };
    for (; k + 2 <= nodes; k += 2) add_products<2>(chunk.count, slopes(), columns, at(k, 0));
    if (k < nodes) add_products<1>(chunk.count, slopes(), columns, at(k, 0));
  }
  // Adds sum_i slope_i c_i to products, for some nodes whose slopes are LaneChunk::stride apart.
  template <Index Nodes>
  void add_products(Index count, const double* slopes, const double* columns,
                    double* products) const {
    Index j = 0;
    for (; j + 4 <= width_; j += 4) add_tile<Nodes, 4>(j, count, slopes, columns, products);
    for (; j + 2 <= width_; j += 2) add_tile<Nodes, 2>(j, count, slopes, columns, products);
    if (j < width_) add_tile<Nodes, 1>(j, count, slopes, columns, products);
  }
  // Adds their W_i c_i c_i'.
  void add_square(const LaneChunk& chunk) {
    set_weights(chunk);
    const double* const columns = nodes_->lanes().columns(chunk.first);
    for (Index a = 0; a < width_; a += 3) {
      for (Index b = 0; b <= a; b += 3) {
        const Index high = width_ - a, wide = width_ - b;
        if (high >= 3) {
          add_square_tile<3, 3>(a, b, chunk.count, columns);
        } else if (high == 2 && wide >= 3) {
          add_square_tile<2, 3>(a, b, chunk.count, columns);
        } else if (high == 2) {
          add_square_tile<2, 2>(a, b, chunk.count, columns);
        } else if (wide >= 3) {
          add_square_tile<1, 3>(a, b, chunk.count, columns);
        } else {
          add_square_tile<1, 1>(a, b, chunk.count, columns);
        }
      }
    }
  }

  // From sums of squares.
  void choose_shift(double* shift) const {
    const Index last = width_ - 1;
    const Lanes inverse = Lanes(1.0) / (square(last, last) + nodes_->precision());
    for (Index j = 0; j < last; ++j) store(shift + j * lane_count, square(last, j) * inverse);
  }

  // Into the coordinates of the shift.
  void apply_shift(const LaneChunk& chunk, const double* shift) {
    const Index nodes = nodes_->n_quad(), last = width_ - 1;
    const double precision = nodes_->precision();
    mean_.setZero();
    Lanes centre = 0.0;
    for (Index k = 0; k < nodes; ++k) {
      const Lanes w = load(chunk.weight(k));
      centre += w * load(chunk.node(k));
      for (Index j = 0; j < width_; ++j) add_to(at(mean_, j), w * load(at(k, j)));
    }
    store(mean_node_, centre);
    for (Index k = 0; k < nodes; ++k) {
      const Lanes pull =
          precision * (load(chunk.node(k)) - centre) - (load(at(k, last)) - load(at(mean_, last)));
      for (Index j = 0; j < last; ++j) {
        store(at(k, j), load(at(k, j)) - load(at(mean_, j)) + load(shift + j * lane_count) * pull);
      }
    }
  }

  // d_k.
  Lanes score(Index k, Index j) const { return load(at(k, j)); }
  // sum_i E_k[l'_ik] c_i, and E_k[u].
  Lanes mean(Index j) const { return load(mean_.data() + j * lane_count); }
  Lanes mean_node() const { return load(mean_node_); }
  // sum_i W_i c_ia c_ib, b <= a.
  Lanes square(Index a, Index b) const { return load(square_.data() + place(a, b)); }

 private:
  static double* at(Vector& entries, Index j) { return entries.data() + j * lane_count; }
  double* at(Index k, Index j) { return scores_.data() + (k * width_ + j) * lane_count; }
  const double* at(Index k, Index j) const {
    return scores_.data() + (k * width_ + j) * lane_count;
  }

  void add_apart(const LaneChunk& chunk, const double* columns) {
    apart_.setZero();
    add_products<2>(chunk.count, chunk.apart.data(), columns, apart_.data());
    for (Index k = 0; k < nodes_->n_quad(); ++k) {
      const Lanes growth = load(chunk.growth.data() + k * lane_count);
      for (Index j = 0; j < width_; ++j) {
        add_to(at(k, j), load(at(apart_, j)) - growth * load(at(apart_, width_ + j)));
      }
    }
  }

  template <Index Nodes, Index Columns>
  void add_tile(Index j, Index count, const double* slopes, const double* columns,
                double* products) const {
    Lanes sums[Nodes][Columns];
    for (Index m = 0; m < Nodes; ++m) {
      for (Index c = 0; c < Columns; ++c) sums[m][c] = 0.0;
    }
    const double* row = columns + j * lane_count;
    for (Index r = 0; r < count; ++r) {
      Lanes slope[Nodes];
      for (Index m = 0; m < Nodes; ++m) slope[m] = load(slopes + m * LaneChunk::stride);
      for (Index c = 0; c < Columns; ++c) {
        const Lanes x = load(row + c * lane_count);
        for (Index m = 0; m < Nodes; ++m) sums[m][c] += slope[m] * x;
      }
      slopes += lane_count;
      row += width_ * lane_count;
    }
    for (Index m = 0; m < Nodes; ++m) {
      for (Index c = 0; c < Columns; ++c) {
        add_to(products + (m * width_ + j + c) * lane_count, sums[m][c]);
      }
    }
  }

  // W_i = E_k[-l''_ik].
  void set_weights(const LaneChunk& chunk) {
    const Index nodes = nodes_->n_quad();
    if (chunk.separable) {
      const Lanes growth = chunk.mean_growth();
      for (Index s = 0; s < chunk.count * lane_count; s += lane_count) {
        store(weight_.data() + s, growth * load(chunk.means() + s));
      }
      return;
    }
    for (Index r = 0; r < chunk.count; ++r) {
      const double* d2 = chunk.d2.data() + r * lane_count;
      Lanes sum = 0.0;
      for (Index k = 0; k < nodes; ++k) {
        sum -= load(chunk.weight(k)) * load(d2);
        d2 += LaneChunk::stride;
      }
      store(weight_.data() + r * lane_count, sum);
    }
  }

  // Columns a .. a + A - 1 by b .. b + B - 1, of the lower triangle.
  template <Index A, Index B>
  void add_square_tile(Index a, Index b, Index count, const double* columns) {
    Lanes sums[A][B];
    for (Index m = 0; m < A; ++m) {
      for (Index c = 0; c < B; ++c) sums[m][c] = 0.0;
    }
    const double* weight = weight_.data();
    for (Index r = 0; r < count; ++r) {
      Lanes x[B];
      for (Index c = 0; c < B; ++c) x[c] = load(columns + (b + c) * lane_count);
      for (Index m = 0; m < A; ++m) {
        const Lanes weighted = load(weight) * load(columns + (a + m) * lane_count);
        for (Index c = 0; c < B; ++c) sums[m][c] += weighted * x[c];
      }
      weight += lane_count;
      columns += width_ * lane_count;
    }
    for (Index m = 0; m < A; ++m) {
      for (Index c = 0; c < B && b + c <= a + m; ++c) {
        add_to(square_.data() + place(a + m, b + c), sums[m][c]);
      }
    }
  }
  static Index place(Index a, Index b) { return (a * (a + 1) / 2 + b) * lane_count; }

  const LaneNodes* nodes_;
  Index width_;
  Vector scores_;  // K width
  Vector weight_;  // of the rows of a block
  Vector mean_, apart_, square_;
  double mean_node_[lane_count];
};

}  // namespace mixed_glm
