// Moments of tilted densities of single binary trials with logit link,
//
//     N(eta; m, 1 / c) F(+-eta),   F(x) = 1 / (1 + exp(-x)),
//
// by the trapezoidal rule at nodes center + k h, k = -J .. J, which converges exponentially (the
// nearest poles are at +- i pi). All that depends on k are powers: of exp(-h), of exp(-c h (center
// - m)), and exp(-c h^2 k^2 / 2) is a product of powers of exp(-c h^2). So a row costs five
// exponentials and a division for each pair of nodes, and loops over rows vectorize.
//
// Where the center is that of the density, cavities with a standard deviation up to 1 (1.5, 2, 3,
// 8) need 11 (13, 15, 21, 41) nodes: means are right to 2e-6 (7e-6, 2e-5, 3e-5, 1e-3) standard
// deviations, variances to 1e-5 (2e-5, 6e-5, 6e-5, 2e-3).
#pragma once

#include <algorithm>
#include <mixed_glm/ep/tilted_rows.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/log.hpp>

namespace mixed_glm {

class LogisticMoments {
 public:
  // Widest cavity that it is for, as a standard deviation.
  static constexpr double widest = 8.0;

  explicit LogisticMoments(Index n_quad) : fewest_(n_quad) {}

  // Whether all rows are single trials: a and b as in binomial_response.hpp.
  static bool are_single(const double* a, const double* b, Index count) {
    bool all = true;
    for (Index r = 0; r < count; ++r) {
      all = all & ((a[r] == 1.0 && b[r] == 0.0) || (a[r] == 0.0 && b[r] == 1.0));
    }
    return all;
  }

  // a: of single trials, 1 for a success. sd: of the widest cavity. False where the nodes would
  // reach where powers overflow.
  MIXED_GLM_NOINLINE bool compute(TiltedRows& rows, const double* a, Index count, double sd) {
    const Index nodes = std::max(fewest_, sd <= 1.0   ? Index(11)
                                          : sd <= 1.5 ? Index(13)
                                          : sd <= 2.0 ? Index(15)
                                          : sd <= 3.0 ? Index(21)
                                                      : Index(41));
    if (nodes <= 11) return compute_with<5>(rows, a, count, 5.0);
    if (nodes <= 13) return compute_with<6>(rows, a, count, 5.5);
    if (nodes <= 15) return compute_with<7>(rows, a, count, 6.0);
    if (nodes <= 21) return compute_with<10>(rows, a, count, 6.5);
    return compute_with<20>(rows, a, count, 7.0);
  }

 private:
  static constexpr double farthest = 300.0;  // no product of two powers overflows

  // Of one row, all that the nodes share, and their sums: 1, k, k^2, k^3 times the weights.
  struct Sums {
    double up, down, ratio_up, ratio_down;          // exp(-x) at the last nodes on both sides
    double tilt_up, tilt_down, lean_up, lean_down;  // of the cavity, likewise
    double bell, bell_ratio, bell_bend;             // exp(-c h^2 k^2 / 2)
    double s0, s1, s2, s3;
  };

  template <int K, int Last>
  MIXED_GLM_INLINE static void add_pairs(Sums& s) noexcept {
    s.up *= s.ratio_up;
    s.down *= s.ratio_down;
    s.tilt_up *= s.lean_up;
    s.tilt_down *= s.lean_down;
    s.bell *= s.bell_ratio;
    s.bell_ratio *= s.bell_bend;
    const double one_up = 1.0 + s.up, one_down = 1.0 + s.down;
    const double both = s.bell / (one_up * one_down);
    const double right = s.tilt_up * one_down * both, left = s.tilt_down * one_up * both;
    const double sum = right + left, difference = right - left;
    constexpr double k = K;
    s.s0 += sum;
    s.s1 += k * difference;
    s.s2 += k * k * sum;
    s.s3 += k * k * k * difference;
    if constexpr (K < Last) add_pairs<K + 1, Last>(s);
  }

  template <int J>
  bool compute_with(TiltedRows& rows, const double* MIXED_GLM_RESTRICT a, Index count,
                    double reach) {
    const double step = reach / J;
    double far = 0.0;
    for (Index i = 0; i < count; ++i) {
      const auto r = size_t(i);
      const double h = step * rows.spread[r];
      const double lean = rows.cavity_precision[r] * (rows.center[r] - rows.cavity_mean[r]) * h;
      far_[r] = std::abs(rows.center[r]) + J * (h + std::abs(lean));
    }
    for (Index i = 0; i < count; ++i) far = std::max(far, far_[size_t(i)]);
    if (!(far < farthest)) return false;
    for (Index i = 0; i < count; ++i) {
      const auto r = size_t(i);
      const double sign = 2.0 * a[i] - 1.0, h = step * rows.spread[r];
      const double precision = rows.cavity_precision[r];
      const double away = rows.center[r] - rows.cavity_mean[r];
      const double lean = sign * precision * away * h, bend = precision * h * h;
      Sums s;
      s.up = s.down = math::exp(-sign * rows.center[r]);
      s.ratio_up = math::exp(-h);
      s.ratio_down = 1.0 / s.ratio_up;
      s.tilt_up = s.tilt_down = 1.0;
      s.lean_up = math::exp(-lean);
      s.lean_down = 1.0 / s.lean_up;
      s.bell = 1.0;
      s.bell_ratio = math::exp(-0.5 * bend);
      s.bell_bend = s.bell_ratio * s.bell_ratio;
      s.s0 = 1.0 / (1.0 + s.up);
      s.s1 = s.s2 = s.s3 = 0.0;
      add_pairs<1, J>(s);
      const double inverse = 1.0 / s.s0, unit = sign * h;
      const double log_scale = -0.5 * (precision * away * away + log_two_pi);
      rows.set(r, unit, log_scale, math::log(s.s0) + 0.5 * math::log(bend), s.s1 * inverse,
               s.s2 * inverse, s.s3 * inverse);
    }
    return true;
  }

  Index fewest_;
  RowBlock::Column far_;
};

}  // namespace mixed_glm
