// e^x and e^x - 1 against long double, over the whole range and at its ends.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <mixed_glm/math/exp.hpp>

namespace math = mixed_glm::math;

namespace {

double relative_error(double got, long double exact) {
  return static_cast<double>(std::fabs((static_cast<long double>(got) - exact) / exact));
}

}  // namespace

TEST_CASE("exp is right to two units in the last place", "[exp]") {
  double worst = 0.0;
  for (int i = -70800; i <= 70900; ++i) {
    const double x = 0.01 * i + 1e-3 / (1 + std::fabs(i));
    if (x < 709.0) worst = std::max(worst, relative_error(math::exp(x), std::exp(0.0L + x)));
  }
  CHECK(worst < 4.5e-16);
}

TEST_CASE("expm1 keeps its digits near zero", "[exp]") {
  double worst = 0.0;
  for (double x = 1e-300; x < 700.0; x *= 1.37) {
    worst = std::max(worst, relative_error(math::expm1(x), std::expm1(0.0L + x)));
    worst = std::max(worst, relative_error(math::expm1(-x), std::expm1(0.0L - x)));
  }
  CHECK(worst < 1e-15);
  CHECK(math::expm1(0.0) == 0.0);
}

TEST_CASE("exp underflows to zero and saturates at the top", "[exp]") {
  const double huge = std::numeric_limits<double>::max();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double x : {-709.0, -750.0, -1e4, -1e100, -huge, -infinity}) {
    CHECK(math::exp(x) == 0.0);
    CHECK(math::expm1(x) == -1.0);
  }
  const double top = math::exp(709.0);
  CHECK(relative_error(top, std::exp(709.0L)) < 4e-16);
  for (const double x : {709.5, 1e4, 1e100, huge, infinity}) CHECK(math::exp(x) == top);
  CHECK(math::exp(0.0) == 1.0);
  CHECK(std::isnan(math::exp(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("exp_sum carries more digits than a double", "[exp]") {
  if (std::numeric_limits<long double>::digits < 60) return;
  double worst = 0.0;
  for (int i = -300; i <= 656; ++i) {
    const double x = 0.01 * i;
    const math::ExpSum sum = math::exp_sum(x);
    const long double both = static_cast<long double>(sum.high) + sum.low;
    worst = std::max(worst, static_cast<double>(std::fabs(both / std::exp(0.0L + x) - 1.0L)));
  }
  CHECK(worst < 9e-17);  // a double alone: 1.1e-16 from its own rounding
}

TEST_CASE("scaled_exp reaches 64 binary orders below the smallest exponential", "[exp]") {
  for (const double x : {-0.5, -700.0, -708.5, -730.0, -752.0}) {
    const long double exact = std::exp(x + 64.0L * std::log(2.0L));
    CHECK(relative_error(math::scaled_exp(x, 0.0), exact) < 1e-15);
    CHECK(relative_error(math::scaled_exp(x, 1e-5), exact * std::exp(1e-5L)) < 1e-15);
  }
  CHECK(math::scaled_exp(-754.0, 0.0) == 0.0);
  CHECK(math::scaled_exp(-1e300, 0.0) == 0.0);
}
