// Draws of the effects of a block (leaf_block.hpp) given everything else: of each group one
// coordinate after the other, given those before it, with those behind it integrated out by
// quadrature,
//
//     p(u_c | u_1 .. u_(c-1)) = int exp h_g(u) du_(c+1) .. du_m / ...
//
// each a log-concave density on the line that is drawn from by inversion (line_density.hpp). The
// nodes behind, like the centre of the line, follow what is drawn as they would in the normal
// distribution that the nodes of the leaf quadrature are placed by: u = centre + root z.
#pragma once

#include <mixed_glm/leaf/leaf_nodes.hpp>
#include <mixed_glm/sampling/line_density.hpp>

namespace mixed_glm {

class BlockEffectDraws {
 public:
  BlockEffectDraws(const LeafDesign& leaf, Index n_quad)
      : leaf_(&leaf), sites_(leaf.reduced(), leaf.family().kernel()), nodes_(leaf, n_quad) {
    const Index m = leaf.coordinates(), together = std::min(leaf.groups(), row_block_size);
    for (Index c = 0; c < m; ++c) behind_.emplace_back(n_quad, m - c - 1);
    z_.resize(m, together);
    direction_.resize(m, together);
    places_.resize(size_t(together));
  }

  // coefficients: (v, beta) of the reduced design. effects: standard normals, m x groups, become
  // the draws. Of the groups of some batches, whose log density is returned.
  double draw(const Vector& coefficients, const LeafPrior& prior,
              const std::vector<LeafBatch>& batches, Matrix& effects) {
    nodes_.place(coefficients, prior, batches);
    double total = 0.0;
    for (const LeafBatch& batch : batches) {
      for (Index c = 0; c < leaf_->coordinates(); ++c) {
        begin(batch, c, prior, effects);
        add_rows(batch);
        total += finish(batch, c, effects);
      }
    }
    return total;
  }

 private:
  static constexpr Index on_line = DensityNodes::count;

  static Index column(Index g) { return g % row_block_size; }
  Index coordinates() const { return leaf_->coordinates(); }
  double& point(Index g, Index p, Index d) { return points_(d * value_.rows() + p, column(g)); }

  // The points at which h is asked for, with the part of the prior in its value and slope: those of
  // the line with all nodes behind, the latter moving faster.
  void begin(const LeafBatch& batch, Index c, const LeafPrior& prior, const Matrix& effects) {
    const ProductRule& behind = behind_[size_t(c)];
    const Index count = on_line * behind.log_weights.size();
    resize_buffer(points_, coordinates() * count, z_.cols());
    resize_buffer(value_, count, z_.cols());
    resize_buffer(slope_, count, z_.cols());
    for (Index g = batch.first_group; g < batch.last_group; ++g) {
      const TinyMatrix& root = nodes_.root(g);
      for (Index d = 0; d < coordinates(); ++d) {
        direction_(d, column(g)) = d < c ? 0.0 : root(d, c) / root(c, c);
      }
      DensityNodes& places = places_[size_t(column(g))];
      places.place(following(g, c), root(c, c), prior.root()(c, c));
      const DensityNodes::Table nodes = places.all();
      for (Index k = 0; k < on_line; ++k) set_points(g, c, k, nodes[k], effects);
      add_prior(g, prior, behind.log_weights);
    }
  }

  // The centre of coordinate d given the z before it.
  double following(Index g, Index d) const {
    double sum = nodes_.centre(g, d);
    for (Index e = 0; e < d; ++e) sum += nodes_.root(g)(d, e) * z_(e, column(g));
    return sum;
  }

  void set_points(Index g, Index c, Index k, double value, const Matrix& effects) {
    const TinyMatrix& root = nodes_.root(g);
    const Matrix& behind = behind_[size_t(c)].nodes;
    auto z = z_.col(column(g));
    z[c] = (value - following(g, c)) / root(c, c);
    for (Index j = 0; j < behind.rows(); ++j) {
      const Index p = k * behind.rows() + j;
      for (Index d = 0; d < c; ++d) point(g, p, d) = effects(d, g);
      point(g, p, c) = value;
      for (Index d = c + 1; d < coordinates(); ++d) {
        z[d] = std::sqrt(2.0) * behind(j, d - c - 1);
        point(g, p, d) = following(g, d) + root(d, d) * z[d];
      }
    }
  }

  void add_prior(Index g, const LeafPrior& prior, const Vector& log_weights) {
    const Index at = column(g);
    TinyVector u(coordinates());
    for (Index p = 0; p < value_.rows(); ++p) {
      for (Index d = 0; d < coordinates(); ++d) u[d] = point(g, p, d);
      const TinyVector pull = prior.precision() * u;
      value_(p, at) = log_weights[p % log_weights.size()] - 0.5 * dot(u, pull);
      slope_(p, at) = 0.0;
      for (Index d = 0; d < coordinates(); ++d) slope_(p, at) -= pull[d] * direction_(d, at);
    }
  }

  void add_rows(const LeafBatch& batch) {
    batch.for_blocks([&](Index first, Index last) {
      block_.first = first;
      block_.count = last - first;
      for (Index p = 0; p < value_.rows(); ++p) add_point(p);
    });
  }

  void add_point(Index p) {
    for (Index r = 0; r < block_.count; ++r) {
      const Index i = block_.first + r, g = leaf_->row_group()[size_t(i)];
      double sum = nodes_.eta()[i];
      for (Index d = 0; d < coordinates(); ++d) sum += leaf_->factor(d)[i] * point(g, p, d);
      block_.eta[size_t(r)] = sum;
    }
    sites_.evaluate<1>(block_);
    for (Index r = 0; r < block_.count; ++r) {
      const Index i = block_.first + r, at = column(leaf_->row_group()[size_t(i)]);
      value_(p, at) += block_.value[size_t(r)];
      for (Index d = 0; d < coordinates(); ++d) {
        slope_(p, at) += leaf_->factor(d)[i] * direction_(d, at) * block_.pull[size_t(r)];
      }
    }
  }

  // Draws coordinate c; returns its log density.
  double finish(const LeafBatch& batch, Index c, Matrix& effects) {
    double total = 0.0;
    for (Index g = batch.first_group; g < batch.last_group; ++g) {
      sum_behind(column(g), behind_[size_t(c)].log_weights.size());
      line_.tabulate(places_[size_t(column(g))], line_value_, line_slope_);
      const LineDensity::Draw drawn =
          line_.quantile(0.5 * std::erfc(-effects(c, g) / std::sqrt(2.0)));
      effects(c, g) = drawn.value;
      z_(c, column(g)) = (drawn.value - following(g, c)) / nodes_.root(g)(c, c);
      if (leaf_->group_effect(g, c) >= 0) total += drawn.log_density;
    }
    return total;
  }

  // log of the sum over the nodes behind, and its slope.
  void sum_behind(Index at, Index count) {
    for (Index k = 0; k < on_line; ++k) {
      const auto values = value_.col(at).segment(k * count, count);
      const auto slopes = slope_.col(at).segment(k * count, count);
      const double highest = values.maxCoeff();
      double sum = 0.0, slope = 0.0;
      for (Index j = 0; j < count; ++j) {
        const double weight = std::exp(values[j] - highest);
        sum += weight;
        slope += weight * slopes[j];
      }
      line_value_[k] = highest + std::log(sum);
      line_slope_[k] = slope / sum;
    }
  }

  const LeafDesign* leaf_;
  LikelihoodSites sites_;
  LeafNodes nodes_;
  std::vector<ProductRule> behind_;  // for each coordinate, of those behind it
  RowBlock block_;
  LineDensity line_;
  DensityNodes::Table line_value_, line_slope_;
  // Of the groups of a batch, in the column of their number modulo row_block_size.
  std::vector<DensityNodes> places_;
  Matrix z_, direction_;           // m: of the draws; how u moves with the line
  Matrix points_, value_, slope_;  // m points, points, points
};

}  // namespace mixed_glm
