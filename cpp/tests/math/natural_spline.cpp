// Weights of a natural cubic spline: lines exactly, values at the knots, no bend at the ends.

#include <catch2/catch.hpp>
#include <mixed_glm/math/natural_spline.hpp>

using mixed_glm::Index;
using mixed_glm::math::NaturalSpline;

namespace {

NaturalSpline::Weights uneven_knots(Index n) {
  NaturalSpline::Weights knots(n);
  for (Index i = 0; i < n; ++i) knots[i] = 0.3 * double(i) + 0.1 * double(i * i) - 2.0;
  return knots;
}

}  // namespace

TEST_CASE("a natural spline follows lines everywhere") {
  for (const Index n : {2, 3, 5, 9}) {
    const auto knots = uneven_knots(n);
    const NaturalSpline spline(knots);
    for (const double x : {-7.0, -2.0, -1.9, -1.3, 0.0, 1.7, 30.0}) {
      const auto weights = spline.weights(x);
      CAPTURE(n, x);
      CHECK(weights.sum() == Approx(1.0).epsilon(1e-12));
      CHECK(weights.dot(knots) == Approx(x).epsilon(1e-11).margin(1e-12));
    }
  }
  const NaturalSpline point(uneven_knots(1));
  CHECK(point.weights(5.0)[0] == 1.0);
}

TEST_CASE("a natural spline goes through the values, is smooth and has no bend at its ends") {
  const auto knots = uneven_knots(6);
  const NaturalSpline spline(knots);
  const NaturalSpline::Weights values = (3.0 * knots.array()).sin();
  const auto at = [&](double x) { return spline.weights(x).dot(values); };
  const auto bend = [&](double x, double h) {
    return (at(x + h) - 2.0 * at(x) + at(x - h)) / (h * h);
  };
  for (Index i = 0; i < 6; ++i) {
    CAPTURE(i);
    CHECK(at(knots[i]) == Approx(values[i]).margin(1e-12));
    const double h = 1e-4;
    const double before = bend(knots[i] - 2.0 * h, h), after = bend(knots[i] + 2.0 * h, h);
    CHECK(before == Approx(after).margin(0.05));
    const double slope_before = (at(knots[i]) - at(knots[i] - h)) / h;
    CHECK((at(knots[i] + h) - at(knots[i])) / h == Approx(slope_before).margin(0.01));
  }
  CHECK(bend(knots[0] + 1e-3, 1e-4) == Approx(0.0).margin(0.05));
  CHECK(bend(knots[5] + 0.5, 1e-3) == Approx(0.0).margin(1e-6));
}
