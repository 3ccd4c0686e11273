// log n! and log binomial coefficients: exact small cases, recurrences, mpmath values.

#include <catch2/catch.hpp>
#include <cmath>
#include <mixed_glm/math/log_factorial.hpp>

namespace math = mixed_glm::math;

TEST_CASE("log factorial", "[log_factorial]") {
  CHECK(math::log_factorial(0.0) == 0.0);
  CHECK(math::log_factorial(1.0) == 0.0);
  long double exact = 0.0L;
  for (int n = 2; n <= 3000; ++n) {
    exact += std::log(0.0L + n);
    CHECK(math::log_factorial(n) == Approx(static_cast<double>(exact)).epsilon(1e-15));
  }
  CHECK(math::log_factorial(1e9) == Approx(19723265848.226982).epsilon(1e-15));
  CHECK(math::log_factorial(0.5) ==
        Approx(std::log(std::sqrt(std::acos(-1.0)) / 2)).epsilon(1e-14));
}

TEST_CASE("log binomial coefficient", "[log_factorial]") {
  CHECK(math::log_binomial(0.0, 5.0) == 0.0);
  CHECK(math::log_binomial(5.0, 0.0) == 0.0);
  CHECK(math::log_binomial(1.0, 1.0) == Approx(std::log(2.0)).epsilon(1e-15));
  double pascal = 1.0;
  for (int y = 1; y <= 25; ++y) {
    pascal *= (51.0 - y) / y;
    CHECK(math::log_binomial(y, 50.0 - y) == Approx(std::log(pascal)).epsilon(2e-15));
    CHECK(math::log_binomial(50.0 - y, y) == Approx(std::log(pascal)).epsilon(2e-15));
  }
  for (const double n : {1e3, 1e6, 1e9}) {
    CHECK(math::log_binomial(1.0, n - 1.0) == Approx(std::log(n)).epsilon(1e-15));
  }
  // Real arguments, as the negative binomial has them.
  CHECK(math::log_binomial(3.0, 0.5) == Approx(std::log(3.5 * 2.5 * 1.5 / 6.0)).epsilon(1e-14));
  const double r = 1e-8;
  CHECK(math::log_binomial(2.0, r) == Approx(std::log1p(r) + std::log1p(r / 2)).margin(1e-14));
}
