// Dense factorization and inverse by blocks, on one thread and on several.

#include <catch2/catch.hpp>
#include <mixed_glm/linalg/dense_cholesky.hpp>
#include <mixed_glm/linalg/dense_inverse.hpp>

using namespace mixed_glm;

namespace {

Matrix positive_definite(Index n) {
  std::srand(3);
  const Matrix root = Matrix::Random(n, n);
  return root * root.transpose() + Matrix::Identity(n, n);
}

Matrix factor_of(const Matrix& h, Team* team) {
  Matrix factor = h;
  REQUIRE(factorize_dense(factor, team));
  return factor.triangularView<Eigen::Lower>();
}

Matrix inverse_of(const Matrix& factor, Team* team) {
  Matrix inverse = factor;
  invert_from_cholesky(inverse, team);
  return inverse;
}

}  // namespace

TEST_CASE("dense blocks of every size are factorized and inverted") {
  for (const Index n : {1, 5, 48, 49, 127, 128, 129, 300, 450}) {
    CAPTURE(n);
    const Matrix h = positive_definite(n);
    const Matrix factor = factor_of(h, nullptr);
    CHECK((factor * factor.transpose()).isApprox(h, 1e-13));
    CHECK((inverse_of(factor, nullptr) * h).isIdentity(1e-8));
  }
}

TEST_CASE("a team gives dense blocks the bits that one thread gives them") {
  Team two(2), five(5);
  for (const Index n : {130, 700}) {
    const Matrix h = positive_definite(n);
    const Matrix factor = factor_of(h, nullptr), inverse = inverse_of(factor, nullptr);
    for (Team* team : {&two, &five}) {
      CAPTURE(n, team->size());
      CHECK(factor == factor_of(h, team));
      CHECK(inverse == inverse_of(factor, team));
    }
  }
}

TEST_CASE("a dense block that is not positive definite is reported") {
  for (const Index bad : {3, 200, 499}) {
    Matrix h = positive_definite(500);
    h(bad, bad) = -1.0;
    CHECK(!factorize_dense(h));
    h = positive_definite(500);
    h(bad, bad) = std::numeric_limits<double>::quiet_NaN();
    CHECK(!factorize_dense(h));
  }
}
