// The spline through points of a polynomial is the polynomial, as far as the points can tell.

#include <catch2/catch.hpp>
#include <mixed_glm/math/cubic_spline.hpp>

using mixed_glm::Index;
using mixed_glm::Vector;
using mixed_glm::math::CubicSpline;

TEST_CASE("a cubic spline without knots at the second and the last but one") {
  Vector knots(7);
  knots << -1.3, -0.4, 0.1, 0.9, 1.0, 2.2, 3.5;
  for (Index n = 2; n <= knots.size(); ++n) {
    const auto polynomial = [&](double x) {
      return 0.7 - 1.1 * x + (n > 2 ? 0.8 * x * x : 0.0) + (n > 3 ? -0.6 * x * x * x : 0.0);
    };
    const Vector used = knots.head(n);
    const CubicSpline spline(used, used.unaryExpr(polynomial));
    CAPTURE(n);
    for (double x = -1.5; x < 4.0; x += 0.05) {
      CHECK(spline(x) == Approx(polynomial(x)).epsilon(1e-10).margin(1e-10));
    }
  }
}

TEST_CASE("a cubic spline goes through its points, smoothly") {
  Vector knots(5), values(5);
  knots << 0.0, 1.0, 1.5, 4.0, 4.5;
  values << 1.0, -2.0, 0.5, 0.5, 3.0;
  const CubicSpline spline(knots, values);
  for (Index i = 0; i < 5; ++i) CHECK(spline(knots[i]) == Approx(values[i]).margin(1e-12));
  const double h = 1e-4;
  for (Index i = 1; i < 4; ++i) {
    const double x = knots[i];
    const auto slope = [&](double at) { return (spline(at + h) - spline(at - h)) / (2.0 * h); };
    CHECK(slope(x - 2.0 * h) == Approx(slope(x + 2.0 * h)).margin(1e-2));
  }
}
