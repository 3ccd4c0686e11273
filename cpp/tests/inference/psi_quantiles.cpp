// Quantiles of a log standard deviation from its density at a few points.

#include <catch2/catch.hpp>
#include <mixed_glm/inference/psi_quantiles.hpp>

using namespace mixed_glm;

TEST_CASE("quantiles of a normal density at points in any order") {
  Vector points(15), log_density(15);
  for (Index i = 0; i < 15; ++i) {
    const double z = -4.2 + 0.6 * double((i * 4) % 15);
    points[i] = 0.3 + 0.2 * z;
    log_density[i] = 7.0 - 0.5 * z * z;
  }
  const LineDistribution line(points, log_density);
  CHECK(line.quantile(0.5) == Approx(0.3).margin(1e-6));
  CHECK(line.quantile(0.025) == Approx(0.3 - 0.2 * 1.959964).margin(2e-4));
  CHECK(line.quantile(0.975) == Approx(0.3 + 0.2 * 1.959964).margin(2e-4));
  CHECK(line.quantile(1e-12) >= points.minCoeff());
  CHECK(line.quantile(1.0 - 1e-12) <= points.maxCoeff());
}

TEST_CASE("quantiles from moments") {
  CHECK(expansion_quantile(1.0, 2.0, 0.0, 1.5) == Approx(4.0));
  CHECK(expansion_quantile(1.0, 2.0, 0.3, 0.0) == Approx(1.0 - 2.0 * 0.3 / 6.0));
  CHECK(expansion_quantile(1.0, 2.0, 5.0, 1.0) == expansion_quantile(1.0, 2.0, 0.8, 1.0));
}
