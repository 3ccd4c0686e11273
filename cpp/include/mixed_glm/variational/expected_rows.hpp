// Expectations of a kernel under normal linear predictors, for a block of rows:
//
//     value = E l(eta)     d1 = E l'(eta)     d2 = E l''(eta)     eta ~ N(mean, sd^2)
//     bend = E (z^2 - 1) l''(eta) = 2 sd^2 d(d2) / d(sd^2)        z = (eta - mean) / sd
//
// d1 is the derivative of the value with respect to the mean, d2 / 2 that with respect to the
// variance (Bonnet; Price). Kernels, or parts of them, that are exponentials have a closed form;
// all others go through quadrature, node by node, so that the loop over rows vectorizes.
#pragma once

#include <mixed_glm/families/family.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/variational/normal_rule.hpp>

namespace mixed_glm {

struct NormalRows {
  Index count;
  const double *mean, *sd, *a, *b;
};

struct ExpectedRows {
  double *value, *d1, *d2, *bend;  // all but the value may be null for Order 0
};

// One node of a rule, of weight w, and `curved` = w (z^2 - 1). The arrays must not overlap: without
// that the loop is not vectorized, and the compiler believes it of parameters only.
template <int Order, class Kernel>
void add_node(const Kernel& kernel, double z, double w, double curved, Index n,
              const double* MIXED_GLM_RESTRICT mean, const double* MIXED_GLM_RESTRICT sd,
              const double* MIXED_GLM_RESTRICT a, const double* MIXED_GLM_RESTRICT b,
              double* MIXED_GLM_RESTRICT value, double* MIXED_GLM_RESTRICT d1,
              double* MIXED_GLM_RESTRICT d2, double* MIXED_GLM_RESTRICT bend) noexcept {
  static_cast<void>(curved);
  static_cast<void>(d1);
  static_cast<void>(d2);
  static_cast<void>(bend);
  // Its parameters in registers: no output can alias them.
  const Kernel local = kernel;  // NOLINT(performance-unnecessary-copy-initialization)
  for (Index i = 0; i < n; ++i) {
    const RowDerivatives row = local.evaluate(mean[i] + sd[i] * z, a[i], b[i]);
    value[i] += w * row.value;
    if constexpr (Order >= 1) {
      d1[i] += w * row.d1;
      d2[i] += w * row.d2;
      bend[i] += curved * row.d2;
    }
  }
}

// Order 0: value; 2: everything.
template <int Order, class Kernel>
void add_by_quadrature(const Kernel& kernel, const NormalRule& rule, const NormalRows& rows,
                       const ExpectedRows& out) noexcept {
  for (Index k = 0; k < rule.nodes.size(); ++k) {
    const double z = rule.nodes[k], w = rule.weights[k];
    add_node<Order>(kernel, z, w, w * (z * z - 1.0), rows.count, rows.mean, rows.sd, rows.a, rows.b,
                    out.value, out.d1, out.d2, out.bend);
  }
}

// Adds -factor exp(sign eta), in closed form: E exp(sign eta) = exp(sign mean + sd^2 / 2).
template <int Order>
void add_exponential(double sign, const double* factor, const NormalRows& rows,
                     const ExpectedRows& out) noexcept {
  for (Index i = 0; i < rows.count; ++i) {
    const double variance = rows.sd[i] * rows.sd[i];
    const double term = -factor[i] * math::exp(sign * rows.mean[i] + 0.5 * variance);
    out.value[i] += term;
    if constexpr (Order >= 1) {
      out.d1[i] += sign * term;
      out.d2[i] += term;
      out.bend[i] += variance * term;
    }
  }
}

template <int Order>
void add_linear(double sign, const double* factor, const NormalRows& rows,
                const ExpectedRows& out) noexcept {
  for (Index i = 0; i < rows.count; ++i) {
    out.value[i] += sign * factor[i] * rows.mean[i];
    if constexpr (Order >= 1) out.d1[i] += sign * factor[i];
  }
}

// A kernel of one's own: as careful as the narrowest strip and the fastest growth here.
template <class Kernel>
constexpr RuleNeeds rule_needs(const Kernel&) {
  return {1.5, 9.0};
}
// log(1 + e^eta): poles at i pi.
constexpr RuleNeeds rule_needs(const BinomialLogit&) { return {3.14, 6.7}; }
// log Phi(eta): zeros of Phi at +-1.9 +- 2.8 i.
constexpr RuleNeeds rule_needs(const BinomialProbit&) { return {2.8, 6.9}; }
// log(1 - exp(-e^eta)): e^eta = 2 pi i.
constexpr RuleNeeds rule_needs(const MirroredCloglog&) { return {1.57, 6.7}; }
// As the logit; nearly an exponential where alpha mu is small.
constexpr RuleNeeds rule_needs(const NegativeBinomialLog&) { return {3.14, 9.0}; }

// What is left of the complementary log-log (or log-log) kernel beside its exponential part.
struct CloglogSuccesses {
  MirroredCloglog kernel;
  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double) const noexcept {
    return kernel.evaluate(eta, a, 0.0);
  }
};

// Adds the expectations to `out`, which the caller has set to zero. largest_sd: of the rows.
template <int Order, class Kernel>
void expect_rows(const Kernel& kernel, NormalRules& rules, double largest_sd,
                 const NormalRows& rows, const ExpectedRows& out) {
  if constexpr (std::is_same_v<Kernel, PoissonLog>) {
    add_linear<Order>(1.0, rows.a, rows, out);
    add_exponential<Order>(1.0, rows.b, rows, out);
  } else if constexpr (std::is_same_v<Kernel, ExponentialLog>) {
    add_linear<Order>(-1.0, rows.b, rows, out);
    add_exponential<Order>(-1.0, rows.a, rows, out);
  } else if constexpr (std::is_same_v<Kernel, MirroredCloglog>) {
    add_by_quadrature<Order>(CloglogSuccesses{kernel}, rules.at(largest_sd), rows, out);
    add_exponential<Order>(kernel.sign(), rows.b, rows, out);
  } else {
    add_by_quadrature<Order>(kernel, rules.at(largest_sd), rows, out);
  }
}

}  // namespace mixed_glm
