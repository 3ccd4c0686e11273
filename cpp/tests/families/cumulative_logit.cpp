// The two kinds of rows that an ordinal model has: binary ones are those of the logit link, gap
// rows against 50-digit values (mpmath) and at the end of their domain.

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <mixed_glm/families/evaluate_rows.hpp>
#include <mixed_glm/families/named_family.hpp>
#include <mixed_glm/families/threshold_locations.hpp>

using namespace mixed_glm;

namespace {

struct GapCase {
  double d;
  RowDerivatives exact;
};

// clang-format off
const GapCase gap_cases[] = {
    {1e-80, {-184.20680743952365, 1.0e+80, -1.0000000000000001e+160, 2.0000000000000002e+240}},
    {1e-12, {-27.631021115929048, 999999999999.50002, -1.0e+24, 2.0000000000000001e+36}},
    {3e-05, {-10.414328176264619, 33332.833335833332, -1111111111.0277777, 74074074074074.068}},
    {0.02, {-3.9220063388170346, 49.50166665555566, -2499.9166683333068, 249999.99983333861}},
    {0.5, {-0.93275212956718857, 1.5414940825367983, -3.9176980890327638, 15.99591493185222}},
    {0.6931471805599452, {-0.69314718055994544, 1.0000000000000003, -2.0000000000000008, 6.0000000000000035}},
    {0.6931471805599454, {-0.69314718055994522, 0.99999999999999982, -1.9999999999999995, 5.9999999999999977}},
    {1.25, {-0.33757956508741107, 0.40155111849301288, -0.56279441925600255, 1.0147758763237494}},
    {5.0, {-0.0067607494494885578, 0.0067836549063042311, -0.0068296728801920566, 0.0069223331680763921}},
    {40.0, {-4.248354255291589e-18, 4.248354255291589e-18, -4.248354255291589e-18, 4.2483542552915891e-18}},
    {700.0, {-9.8596765437597709e-305, 9.8596765437597709e-305, -9.8596765437597709e-305, 9.8596765437597709e-305}},
};
// clang-format on

void check_gap(double got, double exact) {
  CHECK(std::fabs(got - exact) <= 1e-13 * std::fabs(exact));
}

}  // namespace

TEST_CASE("gap rows against 50-digit values", "[kernels]") {
  const CumulativeLogit kernel(5);
  for (const double weight : {1.0, 37.0}) {
    const RowCode code = kernel.encode_gap(weight, 0.3);
    CHECK(kernel.initial_eta(code.a, code.b) == 0.3);
    for (const GapCase& c : gap_cases) {
      INFO("d = " << c.d);
      const RowDerivatives got = kernel.evaluate(c.d, code.a, code.b);
      check_gap(got.value / weight, c.exact.value);
      check_gap(got.d1 / weight, c.exact.d1);
      check_gap(got.d2 / weight, c.exact.d2);
      check_gap(got.d3 / weight, c.exact.d3);
    }
  }
}

TEST_CASE("thresholds out of order are rejected, and derivatives lead back", "[kernels]") {
  const CumulativeLogit kernel(3);
  const RowCode code = kernel.encode_gap(4.0, 1.0);
  for (const double d : {0.0, -0.0, -1e-300, 1e-300, -2.0, -1e300}) {
    const RowDerivatives row = kernel.evaluate(d, code.a, code.b);
    CHECK(row.value == std::numeric_limits<double>::lowest());
    CHECK((std::isfinite(row.d1) && row.d1 > 0.0));
    CHECK(row.d2 < 0.0);
    CHECK(d - row.d1 / row.d2 >= 0.0);  // Newton's step
    CHECK(row.d3 == 0.0);
  }
  const RowDerivatives nothing =
      kernel.evaluate(std::numeric_limits<double>::quiet_NaN(), code.a, code.b);
  CHECK((std::isnan(nothing.value) && std::isnan(nothing.d1) && std::isnan(nothing.d2)));
}

TEST_CASE("binary rows are those of the logit link, in every order of the loop", "[kernels]") {
  const CumulativeLogit kernel(4);
  const BinomialLogit logit;
  std::vector<double> eta, a, b;
  for (double x = -30.0; x < 31.0; x += 0.7) {
    eta.push_back(x);
    a.push_back(double(eta.size() % 3));
    b.push_back(double(eta.size() % 2));
  }
  const Index n = Index(eta.size());
  std::vector<std::vector<double>> got(4, std::vector<double>(eta.size())), expected = got;
  evaluate_rows<3>(kernel, n, eta.data(), a.data(), b.data(), got[0].data(), got[1].data(),
                   got[2].data(), got[3].data());
  evaluate_rows<3>(logit, n, eta.data(), a.data(), b.data(), expected[0].data(), expected[1].data(),
                   expected[2].data(), expected[3].data());
  for (size_t k = 0; k < 4; ++k) {
    for (size_t i = 0; i < eta.size(); ++i) {
      CHECK(got[k][i] == Approx(expected[k][i]).epsilon(1e-14).margin(1e-300));
    }
  }
  CHECK(kernel.mean(1.3) == logit.mean(1.3));
}

TEST_CASE("categories are whole numbers below their number", "[kernels]") {
  const CumulativeLogit kernel(3);
  for (const double y : {0.0, 1.0, 2.0}) CHECK(kernel.supports(y, 1.0));
  for (const double y : {-1.0, 0.5, 3.0, std::nan("")}) CHECK_FALSE(kernel.supports(y, 1.0));
  CHECK_THROWS_AS(CumulativeLogit(1), std::invalid_argument);
  CHECK(family_categories(make_family("cumulative", "logit", std::nullopt, 3)) == 3);
  CHECK_THROWS_AS(make_family("cumulative", "logit"), std::invalid_argument);
  CHECK_THROWS_AS(make_family("cumulative", "loglog", std::nullopt, 3), std::invalid_argument);
  CHECK_THROWS_AS(make_family("poisson", "log", std::nullopt, 3), std::invalid_argument);
}

TEST_CASE("locations of thresholds are log odds of cumulative shares", "[kernels]") {
  const Vector y = (Vector(6) << 0, 0, 2, 1, 2, 2).finished();
  const Vector weights = (Vector(6) << 1, 2, 1, 1, 3, 0).finished();
  const Vector at = threshold_locations(CumulativeLogit(4), y, weights, Vector());
  const double below[] = {3.0, 4.0, 8.0};
  for (Index t = 0; t < 3; ++t) {
    CHECK(at[t] == Approx(std::log((below[t] + 0.5) / (8.0 - below[t] + 0.5))).margin(1e-12));
  }
  const Vector shifted =
      threshold_locations(CumulativeLogit(4), y, weights, Vector::Constant(6, 0.7));
  CHECK((shifted - at).isApprox(Vector::Constant(3, 0.7), 1e-9));
}
