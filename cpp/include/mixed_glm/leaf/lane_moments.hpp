// Second-order corrections around the mode of beta with covariance Sigma = H^-1, by the formulas of
// leaf_moments.hpp for a leaf of one coordinate with nothing beside it, lanes being groups; and the
// third cumulants of beta, by those of leaf_third.hpp. With the rows a_i = x_i - factor_i h and
// q_k = (Sigma d_k, -h' Sigma d_k), which meets the columns c_i = (x_i, factor_i):
//
//     s_i = a_i' Sigma a_i,   m_i = sum_k w_k l''_ik q_k
//     Delta = Sigma sum_g { sum_i (1/2 E_k[l'''_ik] s_i + c_i' m_i) a_i + 1/2 E_k[(t + v) d] }
#pragma once

#include <mixed_glm/inference/conditional_mode.hpp>
#include <mixed_glm/leaf/lane_likelihood.hpp>
#include <mixed_glm/linalg/symmetric_cubes.hpp>

namespace mixed_glm {

class LaneMoments {
 public:
  // third: whether there is a place for the third cumulants of beta.
  LaneMoments(LaneLikelihood& likelihood, bool third)
      : nodes_(&likelihood.nodes()),
        effects_(&likelihood.effects()),
        lanes_(&nodes_->lanes()),
        p_(lanes_->fixed()),
        row_variance_(lanes_->rows() * lane_count),
        delta_(Vector::Zero(p_)),
        members_(size_t(nodes_->members()), Member(*nodes_, third ? p_ : 0)),
        third_(third ? p_ : 0) {}

  // mode: found for the likelihood; sigma: p x p, the inverse of its H; fixed_third: whether the
  // third cumulants of beta are wanted, too. The effects have their corrections from here.
  void compute(ConstMatrixRef sigma, const ConditionalMode& mode, bool fixed_third = false) {
    sigma_ = sigma;
    fixed_third_ = fixed_third;
    delta_.setZero(p_);
    third_.set_zero();
    for (Member& own : members_) own.open(nodes_->n_quad());
    const auto rows = [&](const LaneChunk& chunk) { add_traces(chunk, member(chunk)); };
    const auto groups = [&](const LaneChunk& chunk) { finish_batch(chunk, member(chunk)); };
    const auto again = [&](LaneChunk& chunk) { add_pulls(chunk, member(chunk)); };
    nodes_->sweep<3>(nullptr, rows, groups, again,
                     [&](int number) { add(members_[size_t(number)]); });
    mode.precision().solve_in_place(delta_);
    effects_->add_to_correction(delta_);
  }
  void forget() {
    delta_.setZero();
    fixed_third_ = false;
    effects_->forget_correction();
  }

  const Vector& delta() const { return delta_; }  // of beta
  bool has_third() const { return fixed_third_; }
  Matrix third() const { return third_.whole(); }
  const Matrix& sigma() const { return sigma_; }  // where it was computed

 private:
  static constexpr Index powers = LaneEffects::powers;

  // What each member of the team has of its own; lane_count numbers for each entry.
  struct Member {
    Member(const LaneNodes& nodes, Index skew)
        : scores(nodes),
          row(nodes.lanes().width() * lane_count),
          shift_product(nodes.lanes().fixed() * lane_count),
          delta(Vector::Zero(shift_product.size())),
          mixed(LaneRows::most_rows * lane_count, nodes.lanes().width()),
          third(LaneRows::most_rows * lane_count),
          pull(LaneRows::most_rows * lane_count),
          pulled(row.size()),
          alpha(skew > 0 ? mixed.rows() : 0, skew),
          cubes(skew) {}

    void open(Index nodes) {
      scores.clear();
      cubes.set_zero();
      resize_buffer(trace, nodes * lane_count, 1);
      trace.setZero();
      resize_buffer(product, nodes * lane_count, mixed.cols());
    }

    LaneScores scores;
    Vector row;            // p: a_i, then Sigma a_i
    Vector shift_product;  // p: Sigma h
    Vector trace;          // K: t_k, then w_k (t_k + v_k less its mean)
    Matrix product;        // K x (p + 1): q_k
    Vector delta;
    Matrix mixed;         // of the rows of a block, x (p + 1): m_i
    Vector third;         // E_k[l'''_ik]
    Vector pull, pulled;  // of the rows of a block, and the sum of pull_i c_i over them
    Matrix alpha;         // Sigma a_i
    SymmetricCubes cubes;
  };

  Member& member(const LaneChunk& chunk) { return members_[size_t(chunk.member)]; }
  static double* at(Vector& entries, Index j) { return entries.data() + j * lane_count; }

  // a_i and s_i.
  Lanes set_row(Member& own, const double* columns, const double* shift) const {
    const Lanes factor = load(columns + p_ * lane_count);
    Lanes variance = 0.0;
    for (Index j = 0; j < p_; ++j) {
      const Lanes a = load(columns + j * lane_count) - factor * load(shift + j * lane_count);
      store(at(own.row, j), a);
      Lanes product = 0.5 * sigma_(j, j) * a;
      for (Index m = 0; m < j; ++m) product += sigma_(m, j) * load(at(own.row, m));
      variance += a * product;
    }
    return 2.0 * variance;
  }

  void add_traces(const LaneChunk& chunk, Member& own) {
    own.scores.add(chunk);
    const double* const shift = nodes_->shift(chunk.batch);
    double* const variance = row_variance_.data() + chunk.first * lane_count;
    for (Index r = 0; r < chunk.count; ++r) {
      store(variance + r * lane_count, set_row(own, lanes_->columns(chunk.first + r), shift));
    }
    if (chunk.separable) return add_traces_apart(chunk, variance, own);
    for (Index k = 0; k < nodes_->n_quad(); ++k) {
      const double* const d2 = chunk.d2.data() + k * LaneChunk::stride;
      Lanes sum = 0.0;
      for (Index r = 0; r < chunk.count; ++r) {
        sum += load(variance + r * lane_count) * load(d2 + r * lane_count);
      }
      add_to(at(own.trace, k), sum);
    }
  }

  void add_traces_apart(const LaneChunk& chunk, const double* variance, Member& own) const {
    Lanes sum = 0.0;
    for (Index s = 0; s < chunk.count * lane_count; s += lane_count) {
      sum += load(variance + s) * load(chunk.means() + s);
    }
    for (Index k = 0; k < nodes_->n_quad(); ++k) {
      add_to(at(own.trace, k), -(load(chunk.growth.data() + k * lane_count) * sum));
    }
  }

  void finish_batch(const LaneChunk& chunk, Member& own) {
    const double* const shift = nodes_->shift(chunk.batch);
    own.scores.apply_shift(chunk, shift);
    multiply_shift(shift, own);
    multiply_scores(chunk, shift, own);
    correct_moments(chunk, shift, own);
    if (fixed_third_) own.cubes.add(chunk.weights, own.product.leftCols(p_));
    own.scores.clear();
    own.trace.setZero();
  }

  void multiply_shift(const double* shift, Member& own) const {
    for (Index j = 0; j < p_; ++j) {
      Lanes sum = 0.0;
      for (Index m = 0; m < p_; ++m) sum += sigma_(m, j) * load(shift + m * lane_count);
      store(at(own.shift_product, j), sum);
    }
  }

  void multiply_scores(const LaneChunk& chunk, const double* shift, Member& own) const {
    Lanes mean = 0.0;
    for (Index k = 0; k < nodes_->n_quad(); ++k) {
      Lanes variance = 0.0, of_effect = 0.0;
      for (Index j = 0; j < p_; ++j) {
        Lanes sum = 0.0;
        for (Index m = 0; m < p_; ++m) sum += sigma_(m, j) * own.scores.score(k, m);
        store(own.product.col(j).data() + k * lane_count, sum);
        variance += sum * own.scores.score(k, j);
        of_effect -= sum * load(shift + j * lane_count);
      }
      store(own.product.col(p_).data() + k * lane_count, of_effect);
      add_to(at(own.trace, k), variance);
      mean += load(chunk.weight(k)) * load(at(own.trace, k));
    }
    for (Index k = 0; k < nodes_->n_quad(); ++k) {
      store(at(own.trace, k), load(chunk.weight(k)) * (load(at(own.trace, k)) - mean));
    }
  }

  // c_n of lane_effects.hpp without the share of Delta, sum_k t_k w^n - n (Sigma h)' Cov_k(d,
  // w^(n-1)), and what the nodes add to Delta.
  void correct_moments(const LaneChunk& chunk, const double* shift, Member& own) {
    const Lanes centre = load(nodes_->centre(chunk.batch));
    Lanes traces[powers];
    for (Lanes& trace : traces) trace = 0.0;
    for (Index k = 0; k < nodes_->n_quad(); ++k) {
      const Lanes deviation = load(chunk.node(k)) - centre;
      Lanes power = 0.5 * load(at(own.trace, k));
      for (Lanes& trace : traces) trace += power *= deviation;
    }
    Lanes along[2] = {0.0, 0.0};
    for (Index j = 0; j < p_; ++j) {
      const Lanes h = load(shift + j * lane_count), product = load(at(own.shift_product, j));
      const Lanes twice = 2.0 * effects_->node_mean(chunk.batch, 0);
      along[0] += (effects_->node_slope(chunk.batch, 0, j) + h) * product;
      along[1] += (effects_->node_slope(chunk.batch, 1, j) + twice * h) * product;
      Lanes pull = 0.0;
      for (Index k = 0; k < nodes_->n_quad(); ++k) {
        pull += load(at(own.trace, k)) * own.scores.score(k, j);
      }
      add_to(at(own.delta, j), 0.5 * pull);
    }
    effects_->set_correction(chunk.batch, 0, traces[0]);
    effects_->set_correction(chunk.batch, 1, traces[1] - 2.0 * along[0]);
    effects_->set_correction(chunk.batch, 2, traces[2] - 3.0 * along[1]);
  }

  void add_pulls(LaneChunk& chunk, Member& own) {
    if (chunk.separable) {
      mix_apart(chunk, own);
    } else {
      weigh_derivatives(chunk, own);
      Index j = 0;
      for (; j + 2 <= p_ + 1; j += 2) mix<2>(j, chunk, own);
      if (j < p_ + 1) mix<1>(j, chunk, own);
    }
    const double* const shift = nodes_->shift(chunk.batch);
    const double* const variance = row_variance_.data() + chunk.first * lane_count;
    for (Index r = 0; r < chunk.count; ++r) {
      const Index s = r * lane_count;
      const double* const columns = lanes_->columns(chunk.first + r);
      Lanes pull = 0.5 * load(own.third.data() + s) * load(variance + s);
      for (Index c = 0; c <= p_; ++c) {
        pull += load(columns + c * lane_count) * load(own.mixed.col(c).data() + s);
      }
      store(own.pull.data() + s, pull);
    }
    own.pulled.setZero();
    own.scores.add_products<1>(chunk.count, own.pull.data(), lanes_->columns(chunk.first),
                               own.pulled.data());
    const Lanes along = load(at(own.pulled, p_));
    for (Index c = 0; c < p_; ++c) {
      add_to(at(own.delta, c), load(at(own.pulled, c)) - along * load(shift + c * lane_count));
    }
    if (fixed_third_) add_cubes(chunk, shift, own);
  }

  // Of separable rows m_i, and E_k[l'''_ik].
  void mix_apart(const LaneChunk& chunk, Member& own) const {
    for (Index j = 0; j <= p_; ++j) {
      Lanes sum = 0.0;
      for (Index k = 0; k < nodes_->n_quad(); ++k) {
        sum += load(chunk.weight(k)) * load(chunk.growth.data() + k * lane_count) *
               load(own.product.col(j).data() + k * lane_count);
      }
      multiply_means(chunk, -sum, own.mixed.col(j).data());
    }
    multiply_means(chunk, -chunk.mean_growth(), own.third.data());
  }
  static void multiply_means(const LaneChunk& chunk, Lanes factor, double* products) {
    for (Index s = 0; s < chunk.count * lane_count; s += lane_count) {
      store(products + s, factor * load(chunk.means() + s));
    }
  }

  // w_k l''_ik in the place of l''_ik, and E_k[l'''_ik].
  void weigh_derivatives(LaneChunk& chunk, Member& own) const {
    for (Index s = 0; s < chunk.count * lane_count; s += lane_count) {
      double* d2 = chunk.d2.data() + s;
      const double* d3 = chunk.d3.data() + s;
      Lanes third = 0.0;
      for (Index k = 0; k < nodes_->n_quad(); ++k) {
        const Lanes w = load(chunk.weight(k));
        store(d2, w * load(d2));
        third += w * load(d3);
        d2 += LaneChunk::stride;
        d3 += LaneChunk::stride;
      }
      store(own.third.data() + s, third);
    }
  }

  // Columns j .. of m_i, two rows at once.
  template <Index Columns>
  void mix(Index j, const LaneChunk& chunk, Member& own) const {
    Index r = 0;
    for (; r + 2 <= chunk.count; r += 2) mix_rows<2, Columns>(r, j, chunk, own);
    if (r < chunk.count) mix_rows<1, Columns>(r, j, chunk, own);
  }
  template <Index Rows, Index Columns>
  void mix_rows(Index r, Index j, const LaneChunk& chunk, Member& own) const {
    Lanes sums[Rows][Columns];
    for (Index m = 0; m < Rows; ++m) {
      for (Index c = 0; c < Columns; ++c) sums[m][c] = 0.0;
    }
    const double* d2 = chunk.d2.data() + r * lane_count;
    const double* product = own.product.col(j).data();
    const Index column = own.product.rows();
    for (Index k = 0; k < nodes_->n_quad(); ++k) {
      for (Index c = 0; c < Columns; ++c) {
        const Lanes q = load(product + c * column);
        for (Index m = 0; m < Rows; ++m) sums[m][c] += load(d2 + m * lane_count) * q;
      }
      d2 += LaneChunk::stride;
      product += lane_count;
    }
    for (Index m = 0; m < Rows; ++m) {
      for (Index c = 0; c < Columns; ++c) {
        store(own.mixed.col(j + c).data() + (r + m) * lane_count, sums[m][c]);
      }
    }
  }

  void add_cubes(const LaneChunk& chunk, const double* shift, Member& own) const {
    const Index count = chunk.count * lane_count;
    for (Index r = 0; r < chunk.count; ++r) {
      set_row(own, lanes_->columns(chunk.first + r), shift);
      const Lanes mask = load(lanes_->mask(chunk.first + r));
      for (Index j = 0; j < p_; ++j) {
        Lanes sum = 0.0;
        for (Index m = 0; m < p_; ++m) sum += sigma_(m, j) * load(at(own.row, m));
        store(own.alpha.col(j).data() + r * lane_count, mask * sum);
      }
    }
    const auto alpha = own.alpha.topRows(count), mixed = own.mixed.topLeftCorner(count, p_);
    add_mixed_cubes(own.third.head(count), alpha, mixed, own.cubes);
  }

  void add(Member& own) {
    for (Index j = 0; j < p_; ++j) delta_[j] += sum_of_lanes(at(own.delta, j));
    own.delta.setZero();
    if (!fixed_third_) return;
    third_ += own.cubes;
    own.cubes.set_zero();
  }

  LaneNodes* nodes_;
  LaneEffects* effects_;
  const GroupLanes* lanes_;
  Index p_;
  Matrix sigma_;
  bool fixed_third_ = false;
  Vector row_variance_, delta_;
  std::vector<Member> members_;
  SymmetricCubes third_;
};

}  // namespace mixed_glm
