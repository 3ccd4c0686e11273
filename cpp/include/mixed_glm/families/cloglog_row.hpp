// a log(1 - exp(-mu)) - b mu with mu = exp(eta): the complementary log-log link and its mirror.
//
// With E = exp(-mu), g(eta) = log(1 - E), rho = mu E / (1 - E) and B = mu / (1 - E) - 1:
//
//   g' = rho,   g'' = -rho B,   g''' = rho B (B + rho) - rho mu   (rho' = -rho B, B' = mu - rho B)
//
// and B = rho + mu - 1. For mu >= 1 that is used as it stands. For mu < 1 it would cancel; there
//
//   g = eta - mu/2 + log(sinh(mu/2) / (mu/2)),   rho = 1 - mu/2 + c,   B = mu/2 + c,
//   c = (mu/2) coth(mu/2) - 1,
//
// c and the log being even in mu: polynomials in mu^2 (cpp/tools/fit_kernels.py, 4e-17, 3e-18).
// E needs mu to more than a double's digits (an error of mu is one of log E), hence exp_sum.
#pragma once

#include <array>
#include <mixed_glm/families/hold_finite.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/log.hpp>
#include <mixed_glm/math/polynomial.hpp>

namespace mixed_glm {

inline constexpr std::array<double, 7> coth_tail = {
    0.0833333333333333,     -0.0013888888888851738, 3.306878300926343e-05,  -8.26719218658696e-07,
    2.0875729194622377e-08, -5.268988519780863e-10, 1.2257392372635436e-11,
};
inline constexpr std::array<double, 7> log_sinhc_tail = {
    0.041666666666666664,   -0.0003472222222219878, 5.511463841041519e-06, -1.0333992450315766e-07,
    2.0876108983915732e-09, -4.393916469151035e-11, 8.851627502255624e-13,
};

// g, 2^64 rho (rho underflows where rho mu and rho mu^2 do not) and B.
struct CloglogTerms {
  double log_probability;
  double scaled_rho;
  double bend;
};

// For mu <= 1.
MIXED_GLM_INLINE CloglogTerms cloglog_small(double eta, double mu) noexcept {
  const double z = mu * mu;
  const double c = z * math::polynomial(z, coth_tail);
  const double base = z * math::polynomial(z, log_sinhc_tail) - 0.5 * mu;
  return {eta + base, 0x1p64 * (1.0 + (c - 0.5 * mu)), 0.5 * mu + c};
}

// For mu >= 1.
MIXED_GLM_INLINE CloglogTerms cloglog_large(const math::ExpSum& mu_sum) noexcept {
  const double mu = mu_sum.high;
  const double scaled_e = math::scaled_exp(-mu, -mu_sum.low);
  const double e = scaled_e * math::undo_scaling;
  const double inverse = 1.0 / ((1.0 - e) * (2.0 - e));
  const double t = -e * (1.0 - e) * inverse;  // -e / (2 - e), see log.hpp
  const double scaled_rho = mu * scaled_e * ((2.0 - e) * inverse);
  const double rho = scaled_rho * math::undo_scaling;
  return {t * math::atanh_ratio(t), scaled_rho, rho + (mu - 1.0)};
}

MIXED_GLM_INLINE RowDerivatives cloglog_row(double eta, double a, double b) noexcept {
  const math::ExpSum mu_sum = math::exp_sum(eta);
  const double mu = mu_sum.high;
  const CloglogTerms small = cloglog_small(eta, mu);
  const CloglogTerms large = cloglog_large(mu_sum);

  const bool is_small = mu < 1.0;
  const double log_probability =
      math::select(is_small, small.log_probability, large.log_probability);
  const double scaled_rho = math::select(is_small, small.scaled_rho, large.scaled_rho);
  const double bend = math::select(is_small, small.bend, large.bend);
  const double minus_failures = hold_finite(-b * mu);
  const double rho = scaled_rho * math::undo_scaling;
  const double rho_bend = scaled_rho * bend;  // first: rho is zero where bend is huge
  const double skew = (rho_bend * (bend + rho) - scaled_rho * mu) * math::undo_scaling;
  return {hold_finite(a * log_probability + minus_failures), a * rho + minus_failures,
          minus_failures - a * (rho_bend * math::undo_scaling), a * skew + minus_failures};
}

}  // namespace mixed_glm
