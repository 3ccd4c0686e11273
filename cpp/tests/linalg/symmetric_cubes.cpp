// Sums of cubes of vectors against their definition, and in other coordinates.

#include <catch2/catch.hpp>
#include <mixed_glm/linalg/symmetric_cubes.hpp>

using namespace mixed_glm;

TEST_CASE("cubes are summed in all entries, and turned with their vectors") {
  std::srand(3);
  const Index m = 7, p = 4;
  const Matrix rows = Matrix::Random(m, p), root = Matrix::Random(p, 3);
  const Vector weights = Vector::Random(m);
  SymmetricCubes cubes(p), other(p);
  cubes.add(weights.head(3), rows.topRows(3));
  other.add(weights.tail(4), rows.bottomRows(4));
  cubes += other;
  const Matrix whole = cubes.whole();
  const auto expected = [&](const Matrix& vectors, Index a, Index b, Index c) {
    return (weights.array() * vectors.col(a).array() * vectors.col(b).array() *
            vectors.col(c).array())
        .sum();
  };
  const Matrix turned = transform_cubes(whole, root), turned_rows = rows * root;
  for (Index a = 0; a < p; ++a) {
    for (Index b = 0; b < p; ++b) {
      for (Index c = 0; c < p; ++c) {
        CHECK(whole(a, b * p + c) == Approx(expected(rows, a, b, c)).margin(1e-14));
        if (std::max({a, b, c}) >= 3) continue;
        CHECK(turned(a, b * 3 + c) == Approx(expected(turned_rows, a, b, c)).margin(1e-14));
      }
    }
  }
}
