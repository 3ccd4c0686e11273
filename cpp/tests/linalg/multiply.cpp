// Products of blocks, transposes and row-major matrices against sums written out.

#include <catch2/catch.hpp>
#include <mixed_glm/linalg/multiply.hpp>

using namespace mixed_glm;

namespace {

Matrix written_out(const Matrix& a, const Matrix& b) {
  Matrix c = Matrix::Zero(a.rows(), b.cols());
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < b.cols(); ++j) {
      for (Index k = 0; k < a.cols(); ++k) c(i, j) += a(i, k) * b(k, j);
    }
  }
  return c;
}

}  // namespace

TEST_CASE("products of views add to what is there") {
  for (const Index n : {0, 1, 2, 7, 33}) {
    const Index m = n / 2 + 1, k = n + 2;
    CAPTURE(n, m, k);
    const Matrix a = Matrix::Random(n, k), b = Matrix::Random(k, m), start = Matrix::Random(n, m);
    const Matrix at = a.transpose(), bt = b.transpose();
    const Matrix product = written_out(a, b), sum = start + product;
    Matrix large = Matrix::Random(n + 3, m + 2);  // of which c is a block
    auto c = large.block(1, 1, n, m);
    const auto check = [&](const Matrix& expected) {
      CHECK((c - expected).norm() <= 1e-13 * (1.0 + expected.norm()));
      c = start;
    };
    c = start;
    add_ab(a, b, c), check(sum);
    add_atb(at, b, c), check(sum);
    add_abt(a, bt, c), check(sum);
    subtract_abt(a, bt, c), check(start - product);
    RowMatrix by_rows = start;
    add_atb(b, at, by_rows.transpose());
    CHECK((by_rows - sum).norm() <= 1e-13 * (1.0 + sum.norm()));
    CHECK((multiply_ab(a, b) - product).norm() <= 1e-13 * (1.0 + product.norm()));
    CHECK((multiply_abt(a, bt) - product).norm() <= 1e-13 * (1.0 + product.norm()));
  }
}

TEST_CASE("symmetric products reach the lower triangle only") {
  const Matrix a = Matrix::Random(9, 4), product = written_out(a, a.transpose());
  for (const bool transposed : {false, true}) {
    Matrix c = Matrix::Ones(9, 9);
    if (transposed) {
      add_lower_ata(a.transpose(), c);
    } else {
      add_lower_aat(-2.0, a, c);
    }
    const double factor = transposed ? 1.0 : -2.0;
    for (Index i = 0; i < 9; ++i) {
      for (Index j = 0; j < 9; ++j) {
        CHECK(c(i, j) == Approx(1.0 + (j <= i ? factor * product(i, j) : 0.0)).margin(1e-13));
      }
    }
  }
}
