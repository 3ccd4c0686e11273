// Moments of the effects given theta, lanes being groups (group_lanes.hpp): of the deviation w from
// the centre of the nodes, with the shift h of leaf_scores.hpp, the covariance Sigma of beta and
// its last step,
//
//     E[w^n] = E_k[w^n] + step' slope_n + n (n - 1) / 2 h' Sigma h E_k[w^(n-2)] + c_n,   n = 1, 2,
//     3 slope_n = Cov_k(d, w^n) - n E_k[w^(n-1)] h
//
// What the nodes say (E_k, slope) every pass knows; the rest of the second-order terms, c_n, costs
// as much as a pass (lane_moments.hpp), and hardly differs nearby. The slope of the log density in
// psi asks for D E[u^2], D the prior's precision: what the second-order terms, those in Sigma among
// them, add to it is the slope of -1/2 log|H|, and is held as it is, too.
#pragma once

#include <mixed_glm/leaf/lane_scores.hpp>
#include <mixed_glm/parallel/for_each_piece.hpp>

namespace mixed_glm {

class LaneEffects {
 public:
  static constexpr Index powers = 3;  // n

  explicit LaneEffects(const GroupLanes& lanes)
      : p_(lanes.fixed()),
        batches_(Index(lanes.batches().size())),
        node_(Vector::Zero(powers * slots())),
        slope_(Vector::Zero(p_ * powers * slots())),
        correction_(Vector::Zero(powers * slots())),
        of_square_(Vector::Zero(slots())),
        moments_(powers * slots()),
        square_(slots()),
        centre_(slots()),
        coupling_(Vector::Zero(p_)) {}

  // Of the batch of a chunk; scores in the coordinates of the shift.
  void set(const LaneChunk& chunk, const LaneScores& scores, const double* centre,
           const double* shift) {
    const Lanes at = load(centre);
    const Index nodes = chunk.nodes.size() / lane_count;
    Lanes mean[powers];
    for (Lanes& m : mean) m = 0.0;
    for (Index k = 0; k < nodes; ++k) {
      const Lanes deviation = load(chunk.node(k)) - at;
      Lanes power = load(chunk.weight(k));
      for (Lanes& m : mean) m += power *= deviation;
    }
    store(centre_.data() + chunk.batch * lane_count, at);
    for (Index n = 0; n < powers; ++n) store(node(chunk.batch, n), mean[n]);
    for (Index j = 0; j < p_; ++j) {
      Lanes sums[powers];
      for (Lanes& sum : sums) sum = 0.0;
      for (Index k = 0; k < nodes; ++k) {
        const Lanes deviation = load(chunk.node(k)) - at, score = scores.score(k, j);
        Lanes power = load(chunk.weight(k));
        for (Lanes& sum : sums) sum += (power *= deviation) * score;
      }
      const Lanes h = load(shift + j * lane_count);
      store(slope(chunk.batch, 0, j), sums[0] - h);
      store(slope(chunk.batch, 1, j), sums[1] - 2.0 * mean[0] * h);
      store(slope(chunk.batch, 2, j), sums[2] - 3.0 * mean[1] * h);
    }
  }

  // c_n, of a batch.
  void set_correction(Index batch, Index n, Lanes value) { store(correction(batch, n), value); }
  // Beta's mean is `move` away from its mode.
  void add_to_correction(const Vector& move) {
    for (Index b = 0; b < batches_; ++b) {
      for (Index n = 0; n < powers; ++n) add_to(correction(b, n), moved(b, n, move));
    }
  }
  void forget_correction() {
    correction_.setZero();
    of_square_.setZero();
  }

  // The moments, from all that is there. shift: of all batches; own: the corrections are those of
  // this point. team: works on it, or null.
  void finish(const double* shift, ConstMatrixRef sigma, const Vector& step, double precision,
              bool own, Team* team) {
    for_batches(team, [&](Index b) {
      const Lanes spread = spread_of(shift + b * p_ * lane_count, sigma);
      const Lanes between[powers] = {0.0, spread, 3.0 * spread * load(node(b, 0))};
      const Lanes twice = 2.0 * load(centre_.data() + b * lane_count);
      if (own) {
        store(of_square_.data() + b * lane_count,
              precision * (twice * load(correction(b, 0)) + load(correction(b, 1)) + spread));
      }
      Lanes of_nodes[powers];
      for (Index n = 0; n < powers; ++n) {
        of_nodes[n] = load(node(b, n)) + moved(b, n, step);
        store(moments_.data() + place(b, n), of_nodes[n] + between[n] + load(correction(b, n)));
      }
      store(square_.data() + b * lane_count,
            0.25 * twice * twice + twice * of_nodes[0] + of_nodes[1] +
                1.0 / precision * load(of_square_.data() + b * lane_count));
    });
    set_coupling(team);
  }

  // work(batch), in any thread.
  template <class Work>
  void for_batches(Team* team, Work&& work) const {
    const EqualPieces pieces(batches_, 64);
    for_each_piece(team, pieces.count, [&](int, Index k) {
      const Index begin = pieces.begin(k), end = begin + pieces.length(k);
      for (Index b = begin; b < end; ++b) work(b);
    });
  }

  Lanes node_mean(Index batch, Index n) const { return load(node_.data() + place(batch, n)); }
  Lanes node_slope(Index batch, Index n, Index j) const {
    return load(slope_.data() + place(batch, n) * p_ + j * lane_count);
  }

  // Of the effect in a lane.
  double mean(Index slot) const { return centre_[slot] + moment(slot, 0); }
  double square(Index slot) const { return square_[slot]; }
  // Where the second-order terms outweigh it, that of the nodes alone.
  double variance(Index slot) const {
    const double corrected = moment(slot, 1) - moment(slot, 0) * moment(slot, 0);
    if (corrected > 0.0) return corrected;
    const double first = of(node_, slot, 0);
    return of(node_, slot, 1) - first * first;
  }
  // Third central moment.
  double central_cube(Index slot) const {
    const double first = moment(slot, 0);
    return moment(slot, 2) - 3.0 * first * moment(slot, 1) + 2.0 * first * first * first;
  }
  // The slope of 1/2 sum_g E_k[u^2]: what a fall of the prior's precision adds to the gradient.
  const Vector& square_coupling() const { return coupling_; }

 private:
  Index slots() const { return batches_ * lane_count; }
  Index place(Index batch, Index n) const { return (batch * powers + n) * lane_count; }
  double* node(Index batch, Index n) { return node_.data() + place(batch, n); }
  double* correction(Index batch, Index n) { return correction_.data() + place(batch, n); }
  double* slope(Index batch, Index n, Index j) {
    return slope_.data() + place(batch, n) * p_ + j * lane_count;
  }
  double of(const Vector& numbers, Index slot, Index n) const {
    return numbers[place(slot / lane_count, n) + slot % lane_count];
  }
  double moment(Index slot, Index n) const { return of(moments_, slot, n); }

  Lanes moved(Index batch, Index n, const Vector& move) const {
    Lanes sum = 0.0;
    for (Index j = 0; j < p_; ++j) sum += move[j] * node_slope(batch, n, j);
    return sum;
  }
  // h' Sigma h.
  Lanes spread_of(const double* shift, ConstMatrixRef sigma) const {
    Lanes spread = 0.0;
    for (Index j = 0; j < p_; ++j) {
      Lanes product = 0.5 * sigma(j, j) * load(shift + j * lane_count);
      for (Index m = 0; m < j; ++m) product += sigma(m, j) * load(shift + m * lane_count);
      spread += 2.0 * product * load(shift + j * lane_count);
    }
    return spread;
  }
  void set_coupling(Team* team) {
    for_each_piece(team, p_, [&](int, Index j) {
      Lanes sum = 0.0;
      for (Index b = 0; b < batches_; ++b) {
        sum +=
            0.5 * node_slope(b, 1, j) + load(centre_.data() + b * lane_count) * node_slope(b, 0, j);
      }
      double lanes[lane_count];
      store(lanes, sum);
      coupling_[j] = sum_of_lanes(lanes);
    });
  }

  Index p_, batches_;
  Vector node_, slope_, correction_;  // of all lanes, n by n
  Vector of_square_;                  // of all lanes: what the corrections add to D E[u^2]
  Vector moments_, square_, centre_, coupling_;
};

}  // namespace mixed_glm
