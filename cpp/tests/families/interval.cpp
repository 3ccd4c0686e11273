// Intervals between two thresholds: the log probability and its derivatives against 400-digit ones
// (mpmath), far ends, and the four rows that an observation is.

#include <catch2/catch.hpp>
#include <cmath>
#include <mixed_glm/families/cumulative_interval.hpp>
#include <mixed_glm/families/named_family.hpp>

using namespace mixed_glm;

namespace interval_cases {

struct Case {
  bool is_normal;
  double lo, width;
  double exact[10];  // L, L_l, L_h, L_ll, L_lh, L_hh, L_lll, L_llh, L_lhh, L_hhh
};

// clang-format off
const Case cases[] = {
#include "interval_cases.inc"
};
// clang-format on

Interval interval(bool is_normal, double lo, double width) {
  return is_normal ? normal_interval(lo, width) : cloglog_interval(lo, width);
}

// Of a category between thresholds at 0 and -width of a linear predictor a.
struct Rows {
  Rows(const CumulativeInterval& kernel, double a, double width, double weight,
       CumulativeInterval::Place place) {
    const double eta[] = {a, a - width, a + width, a - 2.0 * width};
    const double code[] = {weight, double(static_cast<int>(place)), 0.0, 0.0};
    kernel.evaluate_together(eta, code, row);
  }
  double sum(double RowDerivatives::* member) const {
    double total = 0.0;
    for (const RowDerivatives& each : row) total += each.*member;
    return total;
  }
  RowDerivatives row[4];
};

}  // namespace interval_cases

TEST_CASE("intervals against 400-digit values", "[interval]") {
  for (const interval_cases::Case& c : interval_cases::cases) {
    INFO("normal " << c.is_normal << ", from " << c.lo << ", width " << c.width);
    const Interval in = interval_cases::interval(c.is_normal, c.lo, c.width);
    const double product = in.low * in.high;
    const double got[] = {in.value,
                          -in.low,
                          in.high,
                          -in.low * in.bend_low,
                          product,
                          in.high * in.bend_high,
                          -in.low * in.skew_low,
                          product * (in.bend_low + in.low),
                          product * (in.bend_high - in.high),
                          in.high * in.skew_high};
    for (int k = 0; k < 10; ++k) {
      INFO("number " << k << ": " << got[k] << ", exact " << c.exact[k]);
      CHECK(std::fabs(got[k] - c.exact[k]) <= 1e-12 * std::fabs(c.exact[k]));
    }
  }
}

TEST_CASE("intervals are finite and concave everywhere", "[interval]") {
  for (const bool is_normal : {true, false}) {
    for (const double lo : {-1e100, -1e8, -700.0, -40.0, -1.0, 0.0, 1.0, 40.0, 700.0, 1e8, 1e100}) {
      for (const double width : {1e-80, 1e-12, 1e-3, 1.0, 50.0, 800.0, 1e8, 1e100}) {
        if (!is_normal && (lo > 680.0 || width < 1e-70)) continue;  // of a derivative: beyond 1e300
        if (lo + width == lo && width < 1e-3 && std::fabs(lo) > 1e3) continue;
        INFO("normal " << is_normal << ", from " << lo << ", width " << width);
        const Interval in = interval_cases::interval(is_normal, lo, width);
        CHECK(!std::isnan(in.value));
        CHECK(in.value <= 0.0);
        CHECK(in.low >= 0.0);
        CHECK(in.high >= 0.0);
        CHECK(in.low * in.bend_low >= 0.0);
        CHECK(in.high * in.bend_high <= 0.0);
      }
    }
  }
}

TEST_CASE("four rows have the derivatives of an observation", "[interval]") {
  using Place = CumulativeInterval::Place;
  for (const auto& kernel : {CumulativeInterval::probit(4), CumulativeInterval::cloglog(4)}) {
    CAPTURE(kernel.link_name);
    const double a = 0.7, width = 0.9, weight = 3.0, h = 1e-5;
    const auto at = [&](double eta, double d) {
      return interval_cases::Rows(kernel, eta, d, weight, Place::between);
    };
    const auto rows = at(a, width);
    const auto slope = [&](double RowDerivatives::* member) {  // along the linear predictor
      return (at(a + h, width).sum(member) - at(a - h, width).sum(member)) / (2.0 * h);
    };
    CHECK(rows.sum(&RowDerivatives::d1) == Approx(slope(&RowDerivatives::value)).epsilon(1e-8));
    CHECK(rows.sum(&RowDerivatives::d2) == Approx(slope(&RowDerivatives::d1)).epsilon(1e-8));
    CHECK(rows.sum(&RowDerivatives::d3) == Approx(slope(&RowDerivatives::d2)).epsilon(1e-7));
    // With a held, eta of the rows falls by 0, 1, -1 and 2 where the width grows.
    const double along[] = {0.0, -1.0, 1.0, -2.0};
    const auto directed = [&](const interval_cases::Rows& r, double RowDerivatives::* member,
                              int power) {
      double total = 0.0;
      for (int k = 0; k < 4; ++k) total += std::pow(along[k], power) * (r.row[k].*member);
      return total;
    };
    const auto up = at(a, width + h), down = at(a, width - h);
    const auto by_width = [&](double RowDerivatives::* member, int power) {
      return (directed(up, member, power) - directed(down, member, power)) / (2.0 * h);
    };
    CHECK(directed(rows, &RowDerivatives::d1, 1) ==
          Approx(by_width(&RowDerivatives::value, 0)).epsilon(1e-8));
    CHECK(directed(rows, &RowDerivatives::d2, 2) ==
          Approx(by_width(&RowDerivatives::d1, 1)).epsilon(1e-8));
    CHECK(directed(rows, &RowDerivatives::d3, 3) ==
          Approx(by_width(&RowDerivatives::d2, 2)).epsilon(1e-7));
    CHECK(directed(rows, &RowDerivatives::d3, 1) ==
          Approx(by_width(&RowDerivatives::d2, 0)).epsilon(1e-7));

    const interval_cases::Rows below(kernel, a, width, weight, Place::below);
    const interval_cases::Rows above(kernel, a, width, weight, Place::above);
    CHECK(below.row[0].value == Approx(weight * std::log1p(-kernel.mean(a))));
    CHECK(above.row[1].value == Approx(weight * std::log(kernel.mean(a - width))));
    const interval_cases::Rows turned(kernel, a, -0.5, weight, Place::between);
    CHECK(turned.row[0].value == std::numeric_limits<double>::lowest());
    CHECK(turned.row[0].d1 > 0.0);
    CHECK(turned.row[1].d1 < 0.0);
  }
  CHECK_THROWS_AS(CumulativeInterval::probit(1), std::invalid_argument);
  CHECK(link_name(make_family("cumulative", "cloglog", std::nullopt, 3)) == "cloglog");
}
