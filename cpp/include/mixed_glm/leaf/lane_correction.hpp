// The correction Delta of the mean of beta anywhere, at theta: what the covariance of beta to
// second order takes slopes of (leaf_correction.hpp), by passes in which lanes are groups.
#pragma once

#include <mixed_glm/leaf/lane_moments.hpp>
#include <mixed_glm/leaf/leaf_correction.hpp>
#include <mixed_glm/linalg/selected_inverse.hpp>

namespace mixed_glm {

class LaneCorrection {
 public:
  static constexpr Index most_nodes = 5;
  // Rows times passes: of a model with more of them, they would cost more than they tell.
  static constexpr Index most_work = 1'200;

  static bool is_worth(const Design& design) {
    return design.effects() <= LeafCorrection::most_groups &&
           design.rows() * (design.fixed() + 1) <= most_work;
  }

  // All are viewed. at: whose nodes' centres serve as a start.
  LaneCorrection(const GroupLanes& lanes, const Model& fixed, const FamilyAt& family,
                 const LaneNodes& at, const Vector& theta)
      : theta_(theta),
        likelihood_(lanes, fixed, family, std::min(most_nodes, at.n_quad())),
        mode_(likelihood_, fixed.prior()),
        sigma_(fixed.design().pattern()),
        moments_(likelihood_, false) {
    likelihood_.nodes().start_at(at);
  }

  bool operator()(const Vector& coefficients, Vector& delta) {
    mode_.set_start(coefficients);
    if (!mode_.expand_at_start(theta_)) return false;
    sigma_.compute(mode_.precision());
    moments_.compute(sigma_.border_block(), mode_);
    delta = moments_.delta();
    return delta.allFinite();
  }

 private:
  Vector theta_;
  LaneLikelihood likelihood_;
  ConditionalMode mode_;
  SelectedInverse sigma_;
  LaneMoments moments_;
};

}  // namespace mixed_glm
