// The log likelihood with the effects of the only component integrated out, as a concave function
// of beta (leaf_likelihood.hpp), by passes in which lanes are groups.
#pragma once

#include <mixed_glm/leaf/lane_effects.hpp>
#include <mixed_glm/model/coefficient_likelihood.hpp>

namespace mixed_glm {

class LaneLikelihood final : public CoefficientLikelihood {
 public:
  // fixed: the model without its effects, rows in the design's order. All are viewed.
  LaneLikelihood(const GroupLanes& lanes, const Model& fixed, const FamilyAt& family, Index n_quad,
                 Team* team = nullptr)
      : lanes_(&lanes),
        fixed_(&fixed),
        family_(&family),
        nodes_(lanes, family, n_quad, team),
        effects_(lanes),
        rows_(fixed.design(), team),
        members_(size_t(nodes_.members()), Member(nodes_)) {}

  LaneNodes& nodes() { return nodes_; }
  const LaneNodes& nodes() const { return nodes_; }
  // Where it was expanded last.
  LaneEffects& effects() { return effects_; }
  const LaneEffects& effects() const { return effects_; }

  const Design& design() const override { return fixed_->design(); }
  double rounding() const override { return lanes_->model().rounding(); }

  // Standard deviation and family are LaneMarginal's to set, which knows all of theta.
  void set_theta(ConstVectorRef) override {}

  double value(const Vector& coefficients) override {
    const auto nothing = [](const LaneChunk&) {};
    return family_->constant() +
           nodes_.sweep<0>(&coefficients, nothing, nothing, nothing, [](int) {});
  }

  double expand(const Vector& coefficients, Vector& gradient, double* curvature) override {
    for (Member& own : members_) {
      own.scores.clear();
      resize_buffer(own.weighted, nodes_.n_quad() * lane_count, 1);
    }
    const auto rows = [&](const LaneChunk& chunk) {
      Member& own = members_[size_t(chunk.member)];
      own.scores.add(chunk);
      own.scores.add_square(chunk);
    };
    const auto groups = [&](const LaneChunk& chunk) {
      summarize(chunk, members_[size_t(chunk.member)]);
    };
    const auto finish = [&](int member) { add(members_[size_t(member)], gradient, curvature); };
    return family_->constant() +
           nodes_.sweep<2>(&coefficients, rows, groups, [](const LaneChunk&) {}, finish);
  }

  // The rows without effects.
  void start(Vector& pull, double* curvature) override {
    const Vector zero = Vector::Zero(design().coefficients());
    pass_rows<2>(*fixed_, StartSites(*fixed_, family_->kernel()), zero, &pull, curvature, rows_);
  }

 private:
  // What each member of the team has of its own.
  struct Member {
    explicit Member(const LaneNodes& nodes)
        : scores(nodes),
          gradient(Vector::Zero(nodes.lanes().fixed() * lane_count)),
          curvature(Vector::Zero(gradient.size() * (nodes.lanes().fixed() + 1) / 2)) {}
    LaneScores scores;
    Vector gradient, curvature;  // sums over batches; lower triangle row by row
    Vector weighted;             // K
  };

  void summarize(const LaneChunk& chunk, Member& own) {
    LaneScores& scores = own.scores;
    double* const shift = nodes_.shift(chunk.batch);
    scores.choose_shift(shift);
    scores.apply_shift(chunk, shift);
    const Index p = lanes_->fixed();
    const Lanes pull = nodes_.precision() * scores.mean_node() - scores.mean(p);
    double* curvature = own.curvature.data();
    for (Index a = 0; a < p; ++a) {
      const Lanes own_shift = load(shift + a * lane_count);
      for (Index k = 0; k < nodes_.n_quad(); ++k) {
        store(own.weighted.data() + k * lane_count, load(chunk.weight(k)) * scores.score(k, a));
      }
      add_to(own.gradient.data() + a * lane_count, scores.mean(a) + own_shift * pull);
      const Lanes coupling = scores.square(p, a);
      for (Index b = 0; b <= a; ++b) {
        Lanes sum = scores.square(a, b) - coupling * load(shift + b * lane_count);
        for (Index k = 0; k < nodes_.n_quad(); ++k) {
          sum -= load(own.weighted.data() + k * lane_count) * scores.score(k, b);
        }
        add_to(curvature, sum);
        curvature += lane_count;
      }
    }
    effects_.set(chunk, scores, nodes_.centre(chunk.batch), shift);
    scores.clear();
  }

  void add(Member& own, Vector& gradient, double* curvature) const {
    const BorderedPattern& pattern = design().pattern();
    const double* entry = own.curvature.data();
    for (Index a = 0; a < lanes_->fixed(); ++a) {
      gradient[a] += sum_of_lanes(own.gradient.data() + a * lane_count);
      for (Index b = 0; b <= a; ++b) {
        curvature[pattern.dense_position(a, b)] += sum_of_lanes(entry);
        entry += lane_count;
      }
    }
    own.gradient.setZero();
    own.curvature.setZero();
  }

  const GroupLanes* lanes_;
  const Model* fixed_;
  const FamilyAt* family_;
  LaneNodes nodes_;
  LaneEffects effects_;
  RowTeam rows_;
  std::vector<Member> members_;
};

}  // namespace mixed_glm
