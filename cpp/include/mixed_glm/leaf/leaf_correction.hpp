// The correction Delta of the mean of (v, beta) anywhere, at theta: what the covariance of beta to
// second order takes slopes of (inference/second_order.hpp). A few nodes are good enough for them.
#pragma once

#include <mixed_glm/inference/conditional_mode.hpp>
#include <mixed_glm/leaf/leaf_moments.hpp>

namespace mixed_glm {

class LeafCorrection {
 public:
  static constexpr Index most_nodes = 9;  // of each coordinate
  // With more groups the covariance differs from that of the Gaussian by less than half a percent.
  static constexpr Index most_groups = 200;

  // The leaf, at theta, is viewed. at: its likelihood, whose nodes' centres serve as a start.
  // n_quad: its nodes, of each coordinate.
  LeafCorrection(const LeafDesign& leaf, const LeafLikelihood& at, const Vector& theta,
                 Index n_quad, Team* team)
      : theta_(theta),
        likelihood_(leaf, std::min(most_nodes, n_quad), team),
        mode_(likelihood_, leaf.full().prior(), settings(team)),
        sigma_(leaf.reduced().design().pattern(), team),
        moments_(leaf, likelihood_) {
    likelihood_.set_prior(at.prior());
    Matrix start(leaf.coordinates(), leaf.groups());
    for (Index g = 0; g < leaf.groups(); ++g) {
      for (Index c = 0; c < leaf.coordinates(); ++c) start(c, g) = at.nodes().centre(g, c);
    }
    likelihood_.nodes().set_start(start);
  }

  bool operator()(const Vector& coefficients, Vector& delta) {
    mode_.set_start(coefficients);
    if (!mode_.expand_at_start(theta_)) return false;
    sigma_.compute(mode_.cholesky());
    moments_.compute(sigma_, mode_);
    delta = moments_.delta();
    return delta.allFinite();
  }

 private:
  static NewtonSettings settings(Team* team) {
    NewtonSettings settings;
    settings.team = team;
    return settings;
  }

  Vector theta_;
  LeafLikelihood likelihood_;
  ConditionalMode mode_;
  SelectedInverse sigma_;
  LeafMoments moments_;
};

}  // namespace mixed_glm
