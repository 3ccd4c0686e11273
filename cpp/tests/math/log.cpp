// log x and log(1 + f) against long double.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <mixed_glm/math/log.hpp>

namespace math = mixed_glm::math;

namespace {

double log_relative_error(double got, long double exact) {
  return static_cast<double>(std::fabs((static_cast<long double>(got) - exact) / exact));
}

}  // namespace

TEST_CASE("log1p on [-1/2, 1]", "[log]") {
  double worst = 0.0;
  for (double f = 1e-300; f <= 1.0; f *= 1.013) {
    worst = std::max(worst, log_relative_error(math::log1p(f), std::log1p(0.0L + f)));
    if (f <= 0.5)
      worst = std::max(worst, log_relative_error(math::log1p(-f), std::log1p(0.0L - f)));
  }
  CHECK(worst < 7e-16);
  CHECK(math::log1p(0.0) == 0.0);
}

TEST_CASE("log of normal numbers", "[log]") {
  double worst = 0.0;
  for (double x = 2.3e-308; x < 1e308; x *= 1.0917) {
    worst = std::max(worst, log_relative_error(math::log(x), std::log(0.0L + x)));
  }
  for (int i = -500; i <= 500; ++i) {
    if (i == 0) continue;
    const double x = 1.0 + 1e-3 * i / 1.7;
    worst = std::max(worst, log_relative_error(math::log(x), std::log(0.0L + x)));
  }
  CHECK(worst < 7e-16);
  CHECK(math::log(1.0) == 0.0);
}
