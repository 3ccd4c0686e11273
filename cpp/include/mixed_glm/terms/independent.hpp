// Independent effects of one standard deviation, a component:
//
//     u_j ~ N(0, 1/D),   D = exp(-2 psi),   j = 1..n
//     log p(u | psi) = n/2 log D - D/2 sum u_j^2 - n/2 log 2 pi
//
// and what is asked of it, E and Var being those of SecondMoments:
//
//     gradient     D sum E[u_j^2] - n           of E log p(u | psi)
//     curvature    2 D sum E[u_j^2]             minus its second derivative
//     coupling     2 D u_j                      -(dP/dpsi) u
//     information  2 sum (1 - D Var(u_j))^2     of a balanced Gaussian model about psi
#pragma once

#include <algorithm>
#include <cmath>
#include <mixed_glm/linalg/bordered_pattern.hpp>
#include <mixed_glm/terms/second_moments.hpp>
#include <vector>

namespace mixed_glm {

// exp(-2 psi), the precision of an effect. It saturates at exp(600), where the effects have long
// been zero in double precision, so that a collapsed component neither overflows nor gives NaN.
inline double effect_precision(double psi) { return std::exp(std::min(-2.0 * psi, 600.0)); }
inline double effect_sd(double psi) { return 1.0 / std::sqrt(effect_precision(psi)); }

class IndependentEffects {
 public:
  // The list of effects, as numbers of the design, is viewed. place: of psi in theta.
  IndependentEffects(const std::vector<Code>& effects, Index place)
      : effects_(&effects), place_(place) {}

  static constexpr Index parameters() { return 1; }
  Index place() const { return place_; }
  double precision() const { return precision_; }

  void set(ConstVectorRef theta) {
    psi_ = theta[place_];
    precision_ = effect_precision(psi_);
  }
  double half_log_determinant() const { return -size() * psi_; }

  void set_diagonal(Vector& diagonal) const {
    for (const Code j : *effects_) diagonal[j] = precision_;
  }
  // Nothing stands off the diagonal.
  void add_off_diagonal(const BorderedPattern&, double*) const {}
  void subtract_off_diagonal(const Vector&, Vector&) const {}
  static constexpr double off_diagonal_form(const Vector&) { return 0.0; }

  void add_gradient(const SecondMoments& moments, VectorRef gradient) const {
    gradient[place_] += sum_of_squares(moments, precision_) - size();
  }
  void add_curvature(const SecondMoments& moments, MatrixRef curvature) const {
    curvature(place_, place_) += 2.0 * sum_of_squares(moments, precision_);
  }
  void add_information(const SecondMoments& moments, MatrixRef information) const {
    double sum = 0.0;
    for (const Code j : *effects_) {
      const double reliability = 1.0 - precision_ * moments.variance(j);
      sum += 2.0 * reliability * reliability;
    }
    information(place_, place_) += sum;
  }
  template <class Visit>
  void for_coupling(const Vector& u, Visit&& visit) const {
    for (const Code j : *effects_) visit(Index(j), place_, 2.0 * precision_ * u[j]);
  }

  // weight sum E[u_j^2]
  double sum_of_squares(const SecondMoments& moments, double weight) const {
    double sum = 0.0;
    for (const Code j : *effects_) sum += weight * moments.square(j);
    return sum;
  }

 private:
  double size() const { return double(effects_->size()); }

  const std::vector<Code>* effects_;
  Index place_;
  double psi_ = 0.0, precision_ = 1.0;
};

}  // namespace mixed_glm
