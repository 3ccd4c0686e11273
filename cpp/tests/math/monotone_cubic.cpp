// Interpolation that is monotone where the values are, with its exact slope.

#include <catch2/catch.hpp>
#include <cmath>
#include <mixed_glm/math/monotone_cubic.hpp>

using namespace mixed_glm;

TEST_CASE("nodes are met, the slope is the derivative, and beyond the nodes nothing changes") {
  const Vector nodes = (Vector(5) << -3.0, -1.0, 0.0, 0.7, 4.0).finished();
  Matrix values(5, 2);
  values.col(0) = nodes.array().exp();
  values.col(1) = (Vector(5) << 0.0, 2.0, 2.0, -1.0, -1.5).finished();
  const MonotoneCubic cubic(nodes, values);
  for (Index i = 0; i < 5; ++i)
    CHECK((cubic.at(nodes[i]).value.transpose() - values.row(i)).norm() < 1e-14);
  for (double x = -2.9; x < 3.9; x += 0.31) {
    const double h = 1e-6;
    const Vector difference = (cubic.at(x + h).value - cubic.at(x - h).value) / (2.0 * h);
    CHECK((difference - cubic.at(x).slope).norm() < 1e-8);
    CHECK(cubic.at(x).slope[0] >= 0.0);
    CHECK((cubic.at(x).value[1] <= 2.0 && cubic.at(x).value[1] >= -1.5));
  }
  for (const double x : {-3.5, 4.1}) {
    CHECK(cubic.at(x).slope.norm() == 0.0);
    CHECK(cubic.at(x).value.transpose() == values.row(x < 0.0 ? 0 : 4));
  }
}

TEST_CASE("two nodes are joined by a straight line") {
  const MonotoneCubic line(Vector::LinSpaced(2, 0.0, 2.0), Matrix::Identity(2, 1));
  CHECK(line.at(0.5).value[0] == Approx(0.75));
  CHECK(line.at(0.5).slope[0] == Approx(-0.5));
}
