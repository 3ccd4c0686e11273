// Draws of the effects of the only component given everything else (leaf_effect_draws.hpp), lanes
// being groups (leaf/group_lanes.hpp).
#pragma once

#include <mixed_glm/leaf/lane_nodes.hpp>
#include <mixed_glm/sampling/line_density.hpp>

namespace mixed_glm {

class LaneEffectDraws {
 public:
  // Both are viewed.
  LaneEffectDraws(const GroupLanes& lanes, const FamilyAt& family)
      : lanes_(&lanes),
        modes_(lanes, family, fewest_nodes),
        slopes_(LaneRows::most_rows * lane_count) {}

  // effects: of all lanes, standard normals, become the draws. Of some batches, whose log density
  // is returned.
  double draw(const Vector& coefficients, double sd, const std::vector<Index>& batches,
              Vector& effects) {
    modes_.set_sd(sd);
    double total = 0.0;
    modes_.visit_placed(
        coefficients, batches, [&](Index batch) { begin(batch, sd); },
        [&](LaneRows& rows, Index first, Index count) { add_rows(rows, first, count); },
        [&](Index batch) { total += finish(batch, effects); });
    return total;
  }

 private:
  using Nodes = LineNodesOf<int(lane_count)>;
  static constexpr Index fewest_nodes = 3;  // of a rule that is not used

  // With the prior.
  void begin(Index batch, double sd) {
    const Index at = batch * lane_count;
    places_.place(modes_.modes().segment<lane_count>(at).array(),
                  modes_.scales().segment<lane_count>(at).array(), sd);
    node_ = places_.all();
    slope_ = node_ / (-sd * sd);
    value_ = 0.5 * node_ * slope_;
  }

  void add_rows(LaneRows& rows, Index first, Index count) {
    const bool separable = rows.are_separable(node_.data(), Nodes::count);
    for (Index k = 0; k < Nodes::count; ++k) {
      const double* const node = node_.col(k).data();
      double* const value = value_.col(k).data();
      double* const slope = slope_.col(k).data();
      if (separable) {
        double curvature[lane_count] = {};
        rows.add_separable(node, value);
        rows.add_slopes(node, slope, curvature);
      } else {
        rows.evaluate<1>(node, value, slopes_.data(), nullptr, nullptr);
        add_slopes(first, count, slope);
      }
    }
  }

  void add_slopes(Index first, Index count, double* slope) const {
    Lanes sum = 0.0;
    for (Index r = 0; r < count; ++r) {
      sum += load(lanes_->factor(first + r)) * load(slopes_.data() + r * lane_count);
    }
    add_to(slope, sum);
  }

  double finish(Index batch, Vector& effects) {
    lines_.tabulate(places_, value_, slope_);
    double total = 0.0;
    for (Index l = 0; l < lane_count; ++l) {
      if (lanes_->effect(batch, l) < 0) continue;
      double& effect = effects[batch * lane_count + l];
      const auto drawn = lines_.quantile(0.5 * std::erfc(-effect / std::sqrt(2.0)), l);
      effect = drawn.value;
      total += drawn.log_density;
    }
    return total;
  }

  const GroupLanes* lanes_;
  LaneNodes modes_;
  Vector slopes_;  // of the rows of a block
  Nodes places_;
  Nodes::Table node_, value_, slope_;
  LineDensitiesOf<int(lane_count)> lines_;
};

}  // namespace mixed_glm
