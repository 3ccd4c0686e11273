// Ordered categories 0 .. C - 1 with a link other than the logit: P(y <= k) = F(c_(k+1) - eta) with
// thresholds c_1 < ... < c_(C-1), F normal (probit) or F(x) = 1 - exp(-e^x) (cloglog).
//
// The log probability of an inner category, L(a, b) with a = eta - c_k and b = eta - c_(k+1), is no
// sum of functions of one linear predictor each (with the logit it is: cumulative_logit.hpp). But
// what is done with rows is linear in their derivatives: they come into it by
//
//     sum_i d1_i x_i      sum_i d2_i x_i x_i'      sum_i d3_i x_i x_i x_i
//
// and any quadratic or cubic form in (a, b) is a sum of squares or cubes of four directions. So an
// observation is four rows of the design next to each other (model/interval_rows.hpp),
//
//     a      b      2 a - b      2 b - a
//
// each with its random effects once, of which the first has the value, and whose derivatives are
// those of L together. Only what looks at each row's density by itself is not for them: expectation
// propagation and variational bounds. The outer categories are one row, the first (below all
// thresholds) or the second (above all).
//
// Codes: a is the observation's weight, then its Place, then nothing twice; b is where to begin
// with the row's linear predictor. Where thresholds are out of order the value is the lowest
// double, which every search rejects, and the derivatives, of a parabola, lead back.
#pragma once

#include <limits>
#include <mixed_glm/families/evaluate_rows.hpp>
#include <mixed_glm/families/hold_finite.hpp>
#include <mixed_glm/families/interval.hpp>
#include <mixed_glm/families/loglog.hpp>
#include <mixed_glm/families/probit.hpp>
#include <mixed_glm/families/whole_number.hpp>
#include <stdexcept>
#include <string>

namespace mixed_glm {

class CumulativeInterval {
 public:
  enum class Place { none, below, between, above };
  static constexpr Index rows_together = 4;

  static constexpr const char* family_name = "cumulative";
  const char* link_name;

  static CumulativeInterval probit(int categories) { return {"probit", true, categories}; }
  static CumulativeInterval cloglog(int categories) { return {"cloglog", false, categories}; }

  int categories() const noexcept { return categories_; }

  // Four rows, as above.
  void evaluate_together(const double* eta, const double* a, RowDerivatives* rows) const noexcept {
    const double weight = a[0];
    for (Index k = 0; k < rows_together; ++k) rows[k] = {0.0, 0.0, 0.0, 0.0};
    switch (static_cast<Place>(static_cast<int>(a[1]))) {
      case Place::below:
        rows[0] = outer(eta[0], 0.0, weight);
        break;
      case Place::above:
        rows[1] = outer(eta[1], weight, 0.0);
        break;
      case Place::between:
        between(eta[0], eta[1], weight, rows);
        break;
      case Place::none:
        break;
    }
  }

  // One of them by itself has none: not a number.
  RowDerivatives evaluate(double /*eta*/, double /*a*/, double /*b*/) const noexcept {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    return {none, none, none, none};
  }

  // Of an observation.
  bool supports(double y, double /*trials*/) const noexcept {
    return is_count(y) && y < double(categories_);
  }
  // Nor has an observation one row.
  RowCode encode(double /*y*/, double /*trials*/, double /*weight*/) const noexcept {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    return {none, none, none};
  }

  double initial_eta(double /*a*/, double b) const noexcept { return b; }

  // The probability of being above a threshold.
  double mean(double eta) const noexcept {
    return is_normal_ ? BinomialProbit().mean(eta) : BinomialLoglog().mean(eta);
  }

 private:
  CumulativeInterval(const char* link, bool is_normal, int categories)
      : link_name(link), categories_(categories), is_normal_(is_normal) {
    if (categories >= 2) return;
    throw std::invalid_argument("categories: expected a number from 2, got " +
                                std::to_string(categories));
  }

  // Weights of being above a threshold, and of not.
  RowDerivatives outer(double eta, double above, double below) const noexcept {
    if (is_normal_) return BinomialProbit().evaluate(eta, above, below);
    return BinomialLoglog().evaluate(eta, below, above);  // which has failures first
  }

  void between(double a, double b, double weight, RowDerivatives* rows) const noexcept {
    constexpr double least_width = 1e-90;
    const double d = a - b;  // -a is the lower end
    if (d < least_width) {
      const double pull = weight * (1.0 - d);  // of a parabola in d with its top at one
      set(rows, std::numeric_limits<double>::lowest(), pull, -pull, -weight, weight, -weight);
      return;
    }
    const Interval in = is_normal_ ? normal_interval(-a, d) : cloglog_interval(-a, d);
    const double product = in.low * in.high;
    set(rows, hold_finite(weight * in.value), weight * in.low, -weight * in.high,
        -weight * in.low * in.bend_low, weight * product, weight * in.high * in.bend_high);
    // In a and b, which are minus the ends.
    const double aaa = in.low * in.skew_low, aab = -product * (in.bend_low + in.low);
    const double abb = -product * (in.bend_high - in.high), bbb = -in.high * in.skew_high;
    const double third = -(2.0 * aab + abb) / 6.0, fourth = -(aab + 2.0 * abb) / 6.0;
    rows[0].d3 = weight * (aaa - 8.0 * third + fourth);
    rows[1].d3 = weight * (bbb + third - 8.0 * fourth);
    rows[2].d3 = weight * third;
    rows[3].d3 = weight * fourth;
  }

  // First and second derivatives in (a, b) as those of the four rows.
  static void set(RowDerivatives* rows, double value, double d_a, double d_b, double d_aa,
                  double d_ab, double d_bb) noexcept {
    rows[0] = {value, d_a, d_aa + 1.25 * d_ab, 0.0};
    rows[1] = {0.0, d_b, d_bb + 1.25 * d_ab, 0.0};
    rows[2].d2 = rows[3].d2 = -0.25 * d_ab;
  }

  int categories_;
  bool is_normal_;
};

// Rows in fours.
template <int Order>
void evaluate_rows(const CumulativeInterval& kernel, Index n, const double* eta, const double* a,
                   const double* /*b*/, double* value, double* d1, double* d2,
                   double* d3) noexcept {
  constexpr Index together = CumulativeInterval::rows_together;
  RowDerivatives rows[together];
  for (Index first = 0; first + together <= n; first += together) {
    kernel.evaluate_together(eta + first, a + first, rows);
    for (Index k = 0; k < together; ++k) {
      value[first + k] = rows[k].value;
      if constexpr (Order >= 1) d1[first + k] = rows[k].d1;
      if constexpr (Order >= 2) d2[first + k] = rows[k].d2;
      if constexpr (Order >= 3) d3[first + k] = rows[k].d3;
    }
  }
}

}  // namespace mixed_glm
