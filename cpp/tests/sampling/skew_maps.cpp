// Maps from normal to skew variates: close to the distribution that they stand for, and with
// exactly the slopes that they report.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <mixed_glm/linalg/symmetric_cubes.hpp>
#include <mixed_glm/sampling/skew_fixed_effects.hpp>

using namespace mixed_glm;

TEST_CASE("a map of one skew variate") {
  for (const double skewness : {-1.3, -0.95, -0.5, -0.1, 0.0, 1e-7, 0.01, 0.33, 0.8, 0.94}) {
    const SkewMap map(skewness);
    const math::SkewVariate variate(skewness);
    for (double z = -9.0; z <= 9.0; z += 0.37) {
      CAPTURE(skewness, z);
      const double h = 1e-5, slope = (map(z + h).value - map(z - h).value) / (2.0 * h);
      CHECK(map(z).log_slope == Approx(std::log(slope)).margin(1e-6));
      if (std::abs(z) > 6.0) continue;
      CHECK(map(z).value == Approx(variate.of_normal(z)).margin(2e-4));
    }
  }
}

TEST_CASE("a map of several fixed effects is triangular, with the slope of its Jacobian") {
  std::srand(5);
  const Index p = 3;
  const Matrix rows = Matrix::Random(6, p);
  SymmetricCubes cubes(p);
  cubes.add(0.4 * Vector::Random(6), rows);
  const SkewFixedEffects skew(cubes.whole());
  for (int k = 0; k < 5; ++k) {
    const Vector z = 2.0 * Vector::Random(p);
    Vector image = z;
    const double log_slope = skew.apply(image);
    Matrix jacobian(p, p);
    const double h = 1e-5;
    for (Index a = 0; a < p; ++a) {
      Vector above = z + h * Vector::Unit(p, a), below = z - h * Vector::Unit(p, a);
      skew.apply(above);
      skew.apply(below);
      jacobian.col(a) = (above - below) / (2.0 * h);
    }
    CHECK(std::log(std::abs(jacobian.determinant())) == Approx(log_slope).margin(1e-6));
  }
}
