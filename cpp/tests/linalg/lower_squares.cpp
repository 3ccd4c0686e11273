// Products of a few padded rows with themselves against Eigen's.

#include <catch2/catch.hpp>
#include <mixed_glm/linalg/lower_squares.hpp>

using namespace mixed_glm;

TEST_CASE("what is subtracted reaches the lower triangle of the columns asked for, and no more") {
  for (const Index rows : {1, 5, 8, 13, 55}) {
    for (const Index columns : {rows, (rows + 1) / 2}) {
      for (const Index count : {0, 1, 9}) {
        CAPTURE(rows, columns, count);
        Matrix a = Matrix::Zero(padded_rows(rows), count);
        a.topRows(rows).setRandom();
        Matrix c = Matrix::Random(rows + 2, columns);  // of which the last two rows are others'
        const Matrix before = c, product = a.topRows(rows) * a.topRows(columns).transpose();
        subtract_lower_squares(a.data(), a.rows(), count, rows, columns, c.data(), c.rows());
        for (Index j = 0; j < columns; ++j) {
          for (Index i = 0; i < c.rows(); ++i) {
            const bool below = i >= j && i < rows;
            CHECK(c(i, j) == Approx(before(i, j) - (below ? product(i, j) : 0.0)).margin(1e-13));
          }
        }
      }
    }
  }
}
