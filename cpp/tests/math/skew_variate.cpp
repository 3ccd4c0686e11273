// Owen's function against closed forms and an integral, skew variates against their moments.

#include <catch2/catch.hpp>
#include <mixed_glm/math/skew_variate.hpp>

using mixed_glm::math::normal_cdf;
using mixed_glm::math::owens_t;
using mixed_glm::math::SkewVariate;

TEST_CASE("Owen's function") {
  constexpr double half_turn = 3.14159265358979323846;
  for (const double h : {-3.0, -0.4, 0.0, 0.2, 1.0, 2.5, 6.0}) {
    CAPTURE(h);
    CHECK(owens_t(h, 1.0) ==
          Approx(0.5 * normal_cdf(h) * normal_cdf(-h)).epsilon(1e-9).margin(1e-14));
    CHECK(owens_t(h, 0.0) == 0.0);
    for (const double a : {0.3, 0.9, 1.7, 12.0}) {
      CHECK(owens_t(h, -a) == -owens_t(h, a));
      double sum = 0.0;
      const int steps = 20000;
      for (int k = 0; k < steps; ++k) {
        const double t = a * (k + 0.5) / steps, square = 1.0 + t * t;
        sum += std::exp(-0.5 * h * h * square) / square;
      }
      CAPTURE(a);
      CHECK(owens_t(h, a) == Approx(sum * a / steps / (2.0 * half_turn)).margin(1e-8));
    }
  }
  for (const double a : {0.2, 1.0, 5.0}) {
    CHECK(owens_t(0.0, a) == Approx(std::atan(a) / (2.0 * half_turn)).epsilon(1e-12));
  }
}

TEST_CASE("skew variates have mean zero, variance one and the skewness asked for") {
  for (const double skewness : {-1.8, -0.95, -0.4, -1e-3, 0.0, 1e-6, 0.2, 0.7, 0.949, 0.96, 1.5}) {
    const SkewVariate variate(skewness);
    double moments[4] = {0.0, 0.0, 0.0, 0.0}, below = 0.0;
    const double h = 1e-3;
    for (int k = -40000; k <= 40000; ++k) {
      const double x = h * k;
      double share = h * variate.density(x);
      below += share;
      if (k % 1000 == 0 && std::abs(x) < 6.0) {
        CHECK(variate.below(x) == Approx(below - 0.5 * share).margin(1e-4));
        CHECK(variate.below(x) + variate.above(x) == Approx(1.0).epsilon(1e-12));
      }
      for (double& moment : moments) {
        moment += share;
        share *= x;
      }
    }
    CAPTURE(skewness);
    CHECK(moments[0] == Approx(1.0).epsilon(1e-6));
    CHECK(moments[1] == Approx(0.0).margin(1e-6));
    CHECK(moments[2] == Approx(1.0).epsilon(1e-5));
    CHECK(moments[3] == Approx(skewness).epsilon(1e-4).margin(1e-5));
    for (const double z : {-6.0, -3.0, -0.5, 0.0, 0.7, 4.0, 6.0}) {
      const double x = variate.of_normal(z);
      CAPTURE(z, x);
      CHECK(variate.below(x) == Approx(normal_cdf(z)).epsilon(1e-6).margin(1e-12));
      CHECK(variate.above(x) == Approx(normal_cdf(-z)).epsilon(1e-6).margin(1e-12));
      CHECK(SkewVariate(-skewness).of_normal(-z) == Approx(-x).margin(1e-9));
    }
  }
}
