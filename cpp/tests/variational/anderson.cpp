// Anderson's acceleration of a linear iteration against its fixed point from a direct solution.

#include <Eigen/LU>
#include <catch2/catch.hpp>
#include <cmath>
#include <mixed_glm/variational/anderson.hpp>

#include "../support/random_design.hpp"

using mixed_glm::Anderson;
using mixed_glm::Index;
using mixed_glm::Matrix;
using mixed_glm::Vector;

TEST_CASE("of a linear iteration: exact once it knows every direction") {
  test_support::Random random(3);
  const Index n = 4;
  const Matrix slope = 0.9 * random.normal_matrix(n, n);
  const Vector shift = random.normal_matrix(n, 1);
  const Vector fixed = (Matrix::Identity(n, n) - slope).fullPivLu().solve(shift);
  Anderson anderson(n);
  Vector x = Vector::Zero(n), next;
  for (Index i = 0; i <= n; ++i) {
    const Vector image = slope * x + shift;
    REQUIRE(anderson.extrapolate(image, image - x, next) == (i > 0));
    x = next;
  }
  CHECK((x - fixed).norm() <= 1e-8 * fixed.norm());
}

TEST_CASE("in one direction two iterations are enough, and more do no harm") {
  const Vector fixed = Vector::LinSpaced(5, -1.0, 1.0);
  Anderson anderson(3);
  Vector x = Vector::Zero(5), next;
  for (int i = 0; i < 6; ++i) {
    const Vector image = fixed + 0.95 * (x - fixed);
    anderson.extrapolate(image, image - x, next);
    if (i >= 1) CHECK((next - fixed).norm() <= 1e-12);
    x = next;
  }
}

TEST_CASE("forgets what was before a restart") {
  Anderson anderson(3), other(3);
  Vector a, b;
  for (int i = 0; i < 3; ++i) {
    anderson.extrapolate(Vector::Constant(2, i), Vector::Constant(2, 1.0 / (i + 1)), a);
  }
  anderson.restart();
  for (int i = 0; i < 3; ++i) {
    const Vector image = Vector::Constant(2, std::sin(i)), residual = Vector::Constant(2, 2.0 + i);
    CHECK(anderson.extrapolate(image, residual, a) == other.extrapolate(image, residual, b));
    CHECK(a == b);
  }
}
