// Quadrature over the effects of all groups, lanes being groups (group_lanes.hpp): for every group
// its nodes, their posterior weights and every row's derivatives at every node, as leaf_nodes.hpp
// has them.
//
// Batches are worked on in chunks, by one thread or by a team. A batch whose groups have more rows
// than a block is evaluated once for the weights and once more for each look at the derivatives.
#pragma once

#include <mixed_glm/leaf/lane_rows.hpp>
#include <mixed_glm/leaf/mode_bracket.hpp>
#include <mixed_glm/math/adaptive_rule.hpp>
#include <mixed_glm/model/family_at.hpp>
#include <mixed_glm/parallel/ordered_chunks.hpp>
#include <optional>

namespace mixed_glm {

// A batch at all K nodes, and a block of its rows. Everything is lane_count numbers, a node or a
// row.
struct LaneChunk {
  Index batch = 0;
  int member = 0;              // of the team, that works on it
  Index first = 0, count = 0;  // rows of lanes
  Vector nodes, weights;       // K
  Vector d1, d2, d3;           // K times stride: rows of node k begin at k stride
  bool separable = false;      // there are none: l'_ik = y_i - mean_i growth_k
  Vector apart, growth;        // y and mean of the rows, stride apart; K

  static constexpr Index stride = (LaneRows::most_rows + 2) * lane_count;
  const double* node(Index k) const { return nodes.data() + k * lane_count; }
  const double* weight(Index k) const { return weights.data() + k * lane_count; }
  const double* means() const { return apart.data() + stride; }
  // sum_k w_k growth_k.
  Lanes mean_growth() const {
    Lanes sum = 0.0;
    for (Index s = 0; s < growth.size(); s += lane_count) {
      sum += load(weights.data() + s) * load(growth.data() + s);
    }
    return sum;
  }
};

class LaneNodes {
 public:
  // The team, if there is one, is viewed.
  LaneNodes(const GroupLanes& lanes, const FamilyAt& family, Index n_quad, Team* team = nullptr)
      : lanes_(&lanes),
        family_(&family),
        team_(is_worth(lanes, team) ? team : nullptr),
        rule_(n_quad),
        eta_(lanes.rows() * lane_count),
        shift_(Vector::Zero(slots() * lanes.fixed())),
        coefficients_(Vector::Zero(lanes.fixed())) {
    make_pieces();
    update_response();
    for (int member = 0; member < members(); ++member) {
      rows_.emplace_back(lanes, family.kernel());
      chunks_.emplace_back();
      chunks_.back().member = member;
    }
    reset();
  }
  LaneNodes(const LaneNodes&) = delete;  // rows view the family
  LaneNodes& operator=(const LaneNodes&) = delete;

  int members() const { return team_ == nullptr ? 1 : team_->size(); }
  Team* team() const { return team_; }  // null: it is not worth while
  const GroupLanes& lanes() const { return *lanes_; }

  // After the response of the lanes has been replaced.
  void update_response() { form_ = ExponentialForm::of(family_->kernel(), *lanes_); }
  // Forgets all modes.
  void reset() {
    mode_ = Vector::Zero(slots());
    scale_ = Vector::Ones(slots());
    coefficients_.setZero();
    shift_.setZero();
  }
  // At the standard deviation and the modes of others.
  void start_at(const LaneNodes& other) {
    mode_ = other.mode_;
    scale_ = other.scale_;
    shift_ = other.shift_;
    coefficients_ = other.coefficients_;
    set_sd(other.sd_);
  }
  // At coefficients whose modes are told by set_start().
  void start_at(const Vector& coefficients) { coefficients_ = coefficients; }
  // From now on one batch is all there is.
  void visit_only(Index batch) { pieces_ = {batch, batch + 1}; }
  void visit_all() { make_pieces(); }
  // Where the search for the mode of an effect begins next.
  void set_start(Index slot, double effect) { mode_[slot] = effect; }
  // Nodes of each effect from now on.
  void set_rule(Index n_quad) {
    if (n_quad == rule_.size()) return;
    rule_ = AdaptiveRule(n_quad);
    wide_rule_.reset();
    set_sd(sd_);
  }
  Index n_quad() const { return rule().size(); }
  void set_sd(double sd) {
    sd_ = sd;
    if (!is_exact() && !wide_rule_) wide_rule_.emplace(std::max(rule_.size(), fewest_wide_nodes));
  }
  double sd() const { return sd_; }
  double precision() const { return 1.0 / (sd_ * sd_); }
  // Whether the rule is one that is exact to rounding for nearly normal integrands.
  bool is_exact() const { return sd_ <= AdaptiveRule::widest_for_gauss_hermite; }

  const Vector& modes() const { return mode_; }
  const Vector& scales() const { return scale_; }
  const double* centre(Index batch) const { return mode_.data() + batch * lane_count; }
  // p for each batch, the shift h of leaf_scores.hpp: minus the slope of the mode.
  const double* shift(Index batch) const {
    return shift_.data() + batch * lanes_->fixed() * lane_count;
  }
  double* shift(Index batch) { return shift_.data() + batch * lanes_->fixed() * lane_count; }

  // Visits all batches: rows(chunk) for the blocks of each batch, then groups(chunk), then
  // again(chunk) for the blocks, all in one thread; and in the order of pieces of some batches
  // finish(member). at: coefficients for which the nodes are placed first; null: they stay. Order:
  // the highest derivative that is used. Returns sum_g log int ...
  template <int Order, class Rows, class Groups, class Again, class Finish>
  double sweep(const Vector* at, Rows&& rows, Groups&& groups, Again&& again, Finish&& finish) {
    reserve();
    Vector move;
    if (at != nullptr) {
      move = *at - coefficients_;
      coefficients_ = *at;
    }
    double total = 0.0;
    run_in_order(
        team_, Index(pieces_.size()) - 1,
        [&](int member, Index piece) {
          LaneChunk& chunk = chunks_[size_t(member)];
          log_integrals_[member] = 0.0;
          for (Index c = pieces_[size_t(piece)]; c < pieces_[size_t(piece) + 1]; ++c) {
            chunk.batch = c;
            if (at != nullptr) place(chunk, move);
            log_integrals_[member] += weigh<Order>(chunk, at != nullptr);
            if constexpr (Order > 0) {
              for_blocks<Order>(chunk, rows);
              groups(chunk);
              for_blocks<Order>(chunk, again);
            }
          }
        },
        [&](int member, Index) {
          total += log_integrals_[member];
          finish(member);
        });
    return total;
  }

  // Places some batches for coefficients: begin(batch) when the modes of its effects are there,
  // then rows(opened, first, count) for the blocks of its rows, then end(batch).
  template <class Begin, class Rows, class End>
  void visit_placed(const Vector& at, const std::vector<Index>& batches, Begin&& begin, Rows&& rows,
                    End&& end) {
    reserve();
    const Vector move = at - coefficients_;
    coefficients_ = at;
    LaneChunk& chunk = chunks_.front();
    LaneRows& opened = rows_.front();
    for (const Index c : batches) {
      chunk.batch = c;
      place(chunk, move);
      begin(c);
      const GroupLanes::Batch& b = batch(chunk);
      if (is_one_block(b)) {
        rows(opened, b.first, b.rows);
      } else {
        for_parts(b, [&](Index first, Index count) {
          open(chunk, first, count);
          rows(opened, first, count);
        });
      }
      end(c);
    }
  }

 private:
  static constexpr Index fewest_wide_nodes = 41;
  static constexpr Index rows_of_piece = 2048;
  static constexpr int most_steps = 150;
  // Of a mode, in its scale: from there one more step leads to a thousandth.
  static constexpr double settled = 0.05;

  static bool is_worth(const GroupLanes& lanes, const Team* team) {
    return team != nullptr && team->size() > 1 &&
           3 * lanes.rows() * lane_count >= team->fewest_rows();
  }

  Index slots() const { return Index(lanes_->batches().size()) * lane_count; }
  const AdaptiveRule& rule() const {
    return is_exact() ? rule_ : *wide_rule_;  // NOLINT(bugprone-unchecked-optional-access)
  }
  const GroupLanes::Batch& batch(const LaneChunk& chunk) const {
    return lanes_->batches()[size_t(chunk.batch)];
  }
  static bool is_one_block(const GroupLanes::Batch& batch) {
    return batch.rows <= LaneRows::most_rows;
  }

  void make_pieces() {
    pieces_.assign(1, 0);
    Index rows = 0;
    const auto& batches = lanes_->batches();
    for (size_t c = 0; c < batches.size(); ++c) {
      rows += (batches[c].rows + 1) * lane_count;
      if (rows < rows_of_piece && c + 1 < batches.size()) continue;
      pieces_.push_back(Index(c) + 1);
      rows = 0;
    }
    log_integrals_.setZero(members());
  }

  void reserve() {
    for (LaneChunk& chunk : chunks_) {
      resize_buffer(chunk.apart, 2 * LaneChunk::stride, 1);
      for (Vector* v : {&chunk.nodes, &chunk.weights, &chunk.growth}) {
        resize_buffer(*v, n_quad() * lane_count, 1);
      }
      for (Vector* v : {&chunk.d1, &chunk.d2, &chunk.d3}) {
        resize_buffer(*v, n_quad() * LaneChunk::stride, 1);
      }
    }
  }

  // Linear predictors without the effects, and the effects' modes.
  void place(LaneChunk& chunk, const Vector& move) {
    const GroupLanes::Batch& b = batch(chunk);
    const Index p = lanes_->fixed(), width = lanes_->width() * lane_count;
    const double* x = lanes_->columns(b.first);
    double* eta = eta_.data() + b.first * lane_count;
    for (Index r = 0; r < b.rows; ++r) {
      Lanes sum = load(lanes_->offset(b.first + r));
      for (Index j = 0; j < p; ++j) sum += coefficients_[j] * load(x + j * lane_count);
      store(eta, sum);
      x += width;
      eta += lane_count;
    }
    double* const mode = mode_.data() + chunk.batch * lane_count;
    const double* const h = shift(chunk.batch);
    for (Index j = 0; j < p; ++j) add_to(mode, -move[j] * load(h + j * lane_count));
    for (Index l = 0; l < lane_count; ++l) {
      if (!std::isfinite(mode[l])) mode[l] = 0.0;  // left behind by coefficients too far out
    }
    if (is_one_block(b)) open(chunk, b.first, b.rows);
    find_modes(chunk, mode, scale_.data() + chunk.batch * lane_count);
  }

  void find_modes(LaneChunk& chunk, double* mode, double* scale) {
    std::array<ModeBracket, size_t(lane_count)> bracket;
    double slope[lane_count], curvature[lane_count];
    for (int k = 0; k < most_steps; ++k) {
      expand(chunk, mode, slope, curvature);
      double farthest = 0.0;  // move, in squares of the scale
      for (Index l = 0; l < lane_count; ++l) {
        scale[l] = 1.0 / std::sqrt(curvature[l]);
        farthest = math::max(slope[l] * slope[l] / curvature[l], farthest);
      }
      if (farthest <= settled * settled) {
        for (Index l = 0; l < lane_count; ++l) mode[l] += slope[l] / curvature[l];
        break;
      }
      for (Index l = 0; l < lane_count; ++l) {
        bracket[size_t(l)].move(slope[l], curvature[l], settled, mode[l]);
      }
    }
  }

  // Of the log density of the groups' effects at u.
  void expand(LaneChunk& chunk, const double* u, double* slope, double* curvature) {
    const double* const d1 = chunk.d1.data();
    const double* const d2 = chunk.d2.data();
    Lanes up = -precision() * load(u), bend = precision();
    const auto add = [&](Index first, Index count) {
      rows_[size_t(chunk.member)].template evaluate<2>(u, nullptr, chunk.d1.data(), chunk.d2.data(),
                                                       nullptr);
      for (Index r = 0; r < count; ++r) {
        const Lanes f = load(lanes_->factor(first + r));
        up += f * load(d1 + r * lane_count);
        bend -= f * f * load(d2 + r * lane_count);
      }
    };
    const GroupLanes::Batch& b = batch(chunk);
    if (is_one_block(b)) {
      store(slope, 0.0);
      store(curvature, 0.0);
      if (rows_[size_t(chunk.member)].add_slopes(u, slope, curvature)) {
        up += load(slope);
        bend -= load(curvature);
      } else {
        add(b.first, b.rows);
      }
    } else {
      for_parts(b, [&](Index first, Index count) {
        open(chunk, first, count);
        add(first, count);
      });
    }
    store(slope, up);
    store(curvature, bend);
  }

  template <class Visit>
  static void for_parts(const GroupLanes::Batch& b, Visit&& visit) {
    for (Index r = 0; r < b.rows; r += LaneRows::most_rows) {
      visit(b.first + r, std::min(LaneRows::most_rows, b.rows - r));
    }
  }

  void open(LaneChunk& chunk, Index first, Index count) {
    chunk.first = first;
    chunk.count = count;
    rows_[size_t(chunk.member)].open(batch(chunk), form_, first, count,
                                     eta_.data() + first * lane_count);
  }

  // At all nodes, the sums of log likelihoods added to the logarithms of the weights.
  template <int Order, bool WithValue>
  void evaluate(LaneChunk& chunk) {
    LaneRows& rows = rows_[size_t(chunk.member)];
    chunk.separable = rows.are_separable(chunk.nodes.data(), n_quad());
    if (chunk.separable) return evaluate_apart<WithValue>(chunk);
    for (Index k = 0; k < n_quad(); ++k) {
      double* const value = WithValue ? chunk.weights.data() + k * lane_count : nullptr;
      rows.evaluate<Order>(chunk.node(k), value, chunk.d1.data() + k * LaneChunk::stride,
                           chunk.d2.data() + k * LaneChunk::stride,
                           chunk.d3.data() + k * LaneChunk::stride);
    }
  }

  template <bool WithValue>
  void evaluate_apart(LaneChunk& chunk) const {
    const LaneRows& rows = rows_[size_t(chunk.member)];
    rows.separate(chunk.nodes.data(), n_quad(), chunk.apart.data(), LaneChunk::stride,
                  chunk.growth.data());
    if (!WithValue) return;
    for (Index k = 0; k < n_quad(); ++k) {
      rows.add_separable(chunk.node(k), chunk.weights.data() + k * lane_count);
    }
  }

  // placed: right now, so that a single block is open.
  template <int Order>
  double weigh(LaneChunk& chunk, bool placed) {
    const GroupLanes::Batch& b = batch(chunk);
    set_nodes(chunk);
    if (is_one_block(b)) {
      if (!placed) open(chunk, b.first, b.rows);
      evaluate<Order, true>(chunk);
    } else {
      for_parts(b, [&](Index first, Index count) {
        open(chunk, first, count);
        evaluate<0, true>(chunk);
      });
    }
    const double log_integrals = normalize(chunk);
    if (Order > 0 && is_one_block(b)) drop_dead_nodes<Order>(chunk);
    return log_integrals;
  }

  template <int Order, class Visit>
  void for_blocks(LaneChunk& chunk, Visit&& visit) {
    const GroupLanes::Batch& b = batch(chunk);
    if (is_one_block(b)) {
      visit(chunk);
      return;
    }
    for_parts(b, [&](Index first, Index count) {
      open(chunk, first, count);
      evaluate<Order, false>(chunk);
      drop_dead_nodes<Order>(chunk);
      visit(chunk);
    });
  }

  // Nodes, and the logarithms of what weighs them in the prior.
  void set_nodes(LaneChunk& chunk) const {
    const double* const mode = centre(chunk.batch);
    const double* const scale = scale_.data() + chunk.batch * lane_count;
    double log_scale[lane_count];
    bool gauss_hermite = true;
    for (Index l = 0; l < lane_count; ++l) {
      log_scale[l] = math::log(scale[l]);
      gauss_hermite = gauss_hermite && rule().is_gauss_hermite(scale[l], sd_);
    }
    if (!gauss_hermite) return set_nodes_apart(chunk);
    const Lanes at = load(mode), spread = std::sqrt(2.0) * load(scale);
    const Lanes constant =
        load(log_scale) + (0.5 * std::log(2.0) - std::log(sd_) - 0.5 * log_two_pi);
    const GaussHermite& points = rule().gauss_hermite();
    for (Index k = 0; k < n_quad(); ++k) {
      const Lanes u = at + spread * points.nodes[k];
      store(chunk.nodes.data() + k * lane_count, u);
      store(chunk.weights.data() + k * lane_count,
            constant + points.log_weights[k] - 0.5 * precision() * u * u);
    }
  }

  void set_nodes_apart(LaneChunk& chunk) const {
    using Column = Eigen::Map<Eigen::ArrayXd, 0, Eigen::InnerStride<lane_count>>;
    for (Index l = 0; l < lane_count; ++l) {
      const Index slot = chunk.batch * lane_count + l;
      rule().place(mode_[slot], scale_[slot], sd_, Column(chunk.nodes.data() + l, n_quad()),
                   Column(chunk.weights.data() + l, n_quad()));
    }
  }

  // Logarithms of weights -> normalized weights; returns the logs of the integrals.
  double normalize(LaneChunk& chunk) const {
    double* const w = chunk.weights.data();
    const Index size = n_quad() * lane_count;
    double highest[lane_count], sums[lane_count];
    for (Index l = 0; l < lane_count; ++l) highest[l] = w[l];
    for (Index s = lane_count; s < size; s += lane_count) {
      for (Index l = 0; l < lane_count; ++l) highest[l] = math::max(w[s + l], highest[l]);
    }
    for (Index s = 0; s < size; s += lane_count) store(w + s, load(w + s) - load(highest));
    for (Index s = 0; s < size; ++s) {
      const double weight = math::exp(w[s]);
      w[s] = math::select(weight > 1e-280, weight, 0.0);
    }
    Lanes sum = 0.0;
    for (Index s = 0; s < size; s += lane_count) sum += load(w + s);
    const Lanes inverse = Lanes(1.0) / sum;
    for (Index s = 0; s < size; s += lane_count) store(w + s, load(w + s) * inverse);
    store(sums, sum);
    double total = 0.0;
    for (Index l = 0; l < lane_count; ++l) sums[l] = highest[l] + math::log(sums[l]);
    for (Index l = 0; l < lane_count; ++l) total += sums[l];
    return total;
  }

  // A node without weight may have derivatives whose squares overflow.
  template <int Order>
  void drop_dead_nodes(LaneChunk& chunk) const {
    if (chunk.separable || chunk.weights.minCoeff() > 0.0) return;
    for (Index k = 0; k < n_quad(); ++k) {
      for (Index l = 0; l < lane_count; ++l) {
        if (chunk.weight(k)[l] > 0.0) continue;
        for (Index r = 0; r < chunk.count; ++r) {
          const Index s = k * LaneChunk::stride + r * lane_count + l;
          chunk.d1[s] = chunk.d2[s] = 0.0;
          if (Order >= 3) chunk.d3[s] = 0.0;
        }
      }
    }
  }

  const GroupLanes* lanes_;
  const FamilyAt* family_;
  Team* team_;
  AdaptiveRule rule_;
  std::optional<AdaptiveRule> wide_rule_;  // where it has been needed
  ExponentialForm form_;
  double sd_ = 1.0;
  Vector eta_;           // of all rows of lanes, without the effects
  Vector mode_, scale_;  // of all lanes
  Vector shift_;
  Vector coefficients_;         // for which the nodes are placed
  std::vector<Index> pieces_;   // their first batches, and the end of the last
  std::vector<LaneRows> rows_;  // of each member of the team
  std::vector<LaneChunk> chunks_;
  Vector log_integrals_;  // of the piece that each member works on
};

}  // namespace mixed_glm
