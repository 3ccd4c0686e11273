// Factorization, solves, log-determinant and selected inverse against dense linear algebra.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <mixed_glm/linalg/selected_inverse.hpp>

#include "../support/load_precision.hpp"
#include "../support/random_design.hpp"

using namespace mixed_glm;
using test_support::all_shapes;
using test_support::load;
using test_support::random_design;

TEST_CASE("the bordered factorization agrees with dense linear algebra") {
  Index full = 0;  // columns with most rows of the dense block, which are taken together
  for (const auto shape : all_shapes()) {
    for (unsigned seed = 0; seed < 12; ++seed) {
      const Index n = 20 + 25 * Index(seed), p = Index(seed) % 5;
      const auto random = random_design(shape, n, p, seed);
      const Design design = random.design();
      CAPTURE(int(shape), seed, design.effects(), design.pattern().sparse());
      for (Index j = 0; j < design.pattern().sparse(); ++j) {
        full += design.pattern().has_full_tail(j) ? 1 : 0;
      }
      const Matrix a = random.columns(design);
      Vector prior = Vector::LinSpaced(a.cols(), 0.3, 2.0);
      const Matrix h = a.transpose() * a + Matrix(prior.asDiagonal());
      const Matrix inverse = h.inverse();

      Precision precision(design.pattern());
      load(h, precision);
      REQUIRE(precision.factorize());
      const Eigen::LLT<Matrix> dense(h);
      const double log_det = 2.0 * dense.matrixLLT().diagonal().array().log().sum();
      CHECK(precision.log_determinant() == Approx(log_det).epsilon(1e-12));

      const Matrix rhs = Matrix::Random(h.rows(), 3);
      Vector single = rhs.col(0);
      RowMatrix several = rhs;
      precision.solve_in_place(single);
      precision.solve_in_place(several);
      CHECK((single - inverse * rhs.col(0)).norm() <= 1e-10 * single.norm());
      CHECK((several - inverse * rhs).norm() <= 1e-10 * several.norm());

      SelectedInverse sigma(design.pattern());
      sigma.compute(precision);
      const double scale = inverse.cwiseAbs().maxCoeff();
      double error = 0.0;
      const auto compare = [&](double got, double expected) {
        error = std::max(error, std::abs(got - expected));
      };
      const Index q = design.effects();
      for (Index c = 0; c < q; ++c) {
        compare(sigma.variance(c), inverse(c, c));
        for (Index k = 0; k < p; ++k) compare(sigma.with_border(c)[k], inverse(q + k, c));
        for (Index r = c + 1; r < q; ++r) {
          if (h(r, c) == 0.0) continue;
          compare(sigma.values()[design.pattern().position(r, c)], inverse(r, c));
        }
      }
      for (Index j = 0; j < p * p; ++j) {
        compare(sigma.border_block()(j % p, j / p), inverse(q + j % p, q + j / p));
      }
      CHECK(error <= 1e-10 * scale);
    }
  }
  CHECK(full > 0);
}

TEST_CASE("crossed factors end in a dense block, one factor does not") {
  const auto crossed = random_design(test_support::Shape::crossed, 400, 2, 5);
  CHECK(crossed.design().pattern().tail() > 0);
  CHECK(crossed.design().pattern().sparse() > 0);
  const auto single = random_design(test_support::Shape::one_factor, 400, 2, 5);
  CHECK(single.design().pattern().tail() == 0);
}

TEST_CASE("a matrix that is not positive definite is reported") {
  const auto random = random_design(test_support::Shape::crossed, 100, 2, 1);
  const Design design = random.design();
  Precision precision(design.pattern());
  precision.set_zero();
  CHECK_FALSE(precision.factorize());
  std::fill_n(precision.values(), design.pattern().size(), std::nan(""));
  CHECK_FALSE(precision.factorize());
}

TEST_CASE("bad rows are refused") {
  const std::vector<std::int64_t> indptr = {0, 2, 3};
  const std::vector<Code> outside = {0, 5, 1}, twice = {1, 1, 0};
  CHECK_THROWS_AS(SparseRows(2, 3, indptr.data(), outside.data(), nullptr), std::invalid_argument);
  CHECK_THROWS_AS(SparseRows(2, 3, indptr.data(), twice.data(), nullptr), std::invalid_argument);
}
