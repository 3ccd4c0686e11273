// Eigenvalues and eigenvectors against their definition and against matrices whose own are known.

#include <catch2/catch.hpp>
#include <mixed_glm/linalg/symmetric_eigen.hpp>

using namespace mixed_glm;

namespace {

// What A V = V diag(values) and V' V = I leave, relative to A and to 1.
void check_decomposition(const Matrix& a) {
  const SymmetricEigen eigen(a);
  const Index n = a.rows();
  REQUIRE(eigen.values().size() == n);
  for (Index i = 0; i + 1 < n; ++i) CHECK(eigen.values()[i] <= eigen.values()[i + 1]);
  const Matrix& v = eigen.vectors();
  const Matrix residual = a * v - v * eigen.values().asDiagonal();
  CHECK(residual.norm() <= 1e-14 * double(n) * a.norm());
  CHECK((v.transpose() * v - Matrix::Identity(n, n)).norm() <= 1e-14 * double(n));
}

}  // namespace

TEST_CASE("eigenvectors of random matrices, definite, indefinite and singular") {
  for (const Index n : {1, 2, 3, 5, 10, 40}) {
    CAPTURE(n);
    const Matrix random = Matrix::Random(n, n);
    check_decomposition(random + random.transpose());
    check_decomposition(random * random.transpose());
    check_decomposition(random.col(0) * random.col(0).transpose());
    check_decomposition(Matrix::Identity(n, n));
    check_decomposition(Matrix::Zero(n, n));
  }
}

TEST_CASE("eigenvalues of the second difference, and graded ones to relative accuracy") {
  const Index n = 12;
  Matrix difference = Matrix::Zero(n, n);
  difference.diagonal().setConstant(2.0);
  difference.diagonal(1).setConstant(-1.0);
  difference.diagonal(-1).setConstant(-1.0);
  const SymmetricEigen eigen(difference);
  for (Index k = 0; k < n; ++k) {
    const double exact =
        4.0 * std::pow(std::sin(0.5 * double(k + 1) * std::acos(-1.0) / double(n + 1)), 2.0);
    CHECK(eigen.values()[k] == Approx(exact).epsilon(1e-13));
  }
  // [1 1e-9; 1e-9 1e-16]: 1 and 1e-16 - 1e-18 to first order.
  Matrix graded(2, 2);
  graded << 1.0, 1e-9, 1e-9, 1e-16;
  CHECK(SymmetricEigen(graded).values()[0] == Approx(0.99e-16).epsilon(1e-9));
}

TEST_CASE("no eigenvalues of an empty matrix, NaN of NaN") {
  CHECK(SymmetricEigen(Matrix(0, 0)).values().size() == 0);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(SymmetricEigen(Matrix::Constant(3, 3, nan)).values().array().isNaN().all());
}
