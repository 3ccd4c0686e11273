// Conjugate gradients and probes for crossed factors, forced on small designs,
// against dense linear algebra.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <mixed_glm/linalg/selected_inverse.hpp>

#include "../support/load_precision.hpp"
#include "../support/random_design.hpp"

using namespace mixed_glm;
using test_support::load;
using test_support::random_design;
using test_support::Shape;

namespace {

constexpr Shape shapes[] = {Shape::crossed,       Shape::nested, Shape::slopes,
                            Shape::empty_columns, Shape::hub,    Shape::scaled,
                            Shape::three_factors};

Matrix crossed_matrix(const test_support::RandomDesign& random, const Design& design) {
  const Matrix a = random.columns(design);
  const Vector prior = Vector::LinSpaced(a.cols(), 0.7, 2.0);
  return a.transpose() * a + Matrix(prior.asDiagonal());
}

double log_determinant(const Matrix& h) {
  return 2.0 * Eigen::LLT<Matrix>(h).matrixLLT().diagonal().array().log().sum();
}

}  // namespace

TEST_CASE("conjugate gradients solve with a precision of crossed factors") {
  for (const Shape shape : shapes) {
    for (unsigned seed = 0; seed < 6; ++seed) {
      const Index n = 60 + 40 * Index(seed), p = Index(seed) % 4;
      const auto random = random_design(shape, n, p, seed);
      const Design design = random.design(Factorization::iterative);
      REQUIRE_FALSE(design.pattern().is_filled());
      CAPTURE(int(shape), seed, design.effects(), design.pattern().tail());
      const Matrix h = crossed_matrix(random, design), inverse = h.inverse();
      Precision precision(design.pattern());
      load(h, precision);
      REQUIRE(precision.factorize());
      RowMatrix several = Matrix::Random(h.rows(), 3);
      const Matrix right = several;
      Vector single = several.col(1);
      precision.solve_in_place(several, 1e-9);
      precision.solve_in_place(single, 1e-9);
      CHECK((several - inverse * right).norm() <= 1e-7 * several.norm());
      CHECK((single - inverse * right.col(1)).norm() <= 1e-7 * single.norm());
      CHECK_FALSE(precision.fell_back());
    }
  }
}

TEST_CASE(
    "what is spread by a precision of crossed factors has its inverse as "
    "covariance") {
  for (const Shape shape : shapes) {
    const auto random = random_design(shape, 150, 2, 3);
    const Design design = random.design(Factorization::iterative);
    const Matrix h = crossed_matrix(random, design), inverse = h.inverse();
    Precision precision(design.pattern());
    load(h, precision);
    REQUIRE(precision.factorize());
    RowMatrix x = RowMatrix::Identity(h.rows(), h.rows());
    precision.spread(x);
    CAPTURE(int(shape));
    CHECK((x * x.transpose() - inverse).norm() <= 1e-4 * inverse.norm());
    const Matrix root = precision.border_factor();
    const Matrix marginal = (root * root.transpose()).inverse();
    CHECK((marginal - inverse.bottomRightCorner(2, 2)).norm() <= 1e-6 * marginal.norm());
  }
}

TEST_CASE(
    "probes estimate the inverse and the determinant of a precision of "
    "crossed factors") {
  for (const Shape shape : shapes) {
    for (const Index probes : {16, 512}) {
      const auto random = random_design(shape, 200, 2, 4);
      const Design design = random.design(Factorization::iterative);
      const Matrix h = crossed_matrix(random, design), inverse = h.inverse();
      Precision precision(design.pattern());
      precision.set_probes(probes);
      load(h, precision);
      REQUIRE(precision.factorize());
      CAPTURE(int(shape), probes, design.effects(), design.pattern().sparse());
      const double error = precision.log_determinant_error();
      CHECK(precision.log_determinant() ==
            Approx(log_determinant(h)).margin(1e-3 + 4.0 * error).epsilon(0.0));
      SelectedInverse sigma(design.pattern());
      sigma.compute(precision);
      const Index q = design.effects();
      double squares = 0.0, largest = 0.0;
      for (Index c = 0; c < q; ++c) {
        const double off = sigma.variance(c) / inverse(c, c) - 1.0;
        squares += off * off / double(q);
        largest = std::max(largest,
                           (sigma.with_border(c) - inverse.col(c).tail(2)).cwiseAbs().maxCoeff());
        for (Index r = 0; r < c; ++r) {
          if (h(r, c) == 0.0) continue;
          const double scale = std::sqrt(inverse(r, r) * inverse(c, c));
          const double pair = (sigma.covariance(r, c) - inverse(r, c)) / scale;
          squares += pair * pair / double(q);
        }
      }
      CHECK(std::sqrt(squares) <= (probes == 16 ? 0.2 : 0.04));
      CHECK(largest <= 1e-4);
      CHECK((sigma.border_block() - inverse.bottomRightCorner(2, 2)).norm() <= 1e-5);
    }
  }
}

TEST_CASE("the exact factor stands in where conjugate gradients do not converge") {
  for (const Shape shape : shapes) {
    const auto random = random_design(shape, 150, 2, 5);
    const Design design = random.design(Factorization::iterative);
    const Matrix h = crossed_matrix(random, design), inverse = h.inverse();
    Precision precision(design.pattern());
    load(h, precision);
    FilledCopy copy(design.pattern(), nullptr);
    REQUIRE(copy.factorize(precision.values()));
    CHECK(copy.factor().log_determinant() == Approx(log_determinant(h)));
    Vector x = Vector::Random(h.rows());
    const Vector right = x;
    copy.factor().solve_in_place(x);
    CHECK((x - inverse * right).norm() <= 1e-10 * x.norm());
    PatternValues sigma(design.pattern());
    copy.invert(sigma);
    CHECK((sigma.border_block() - inverse.bottomRightCorner(2, 2)).norm() <= 1e-12);
    double largest = 0.0;
    for (Index c = 0; c < design.effects(); ++c) {
      for (Index r = 0; r <= c; ++r) {
        if (h(r, c) == 0.0) continue;
        largest = std::max(largest, std::abs(sigma.covariance(r, c) - inverse(r, c)));
      }
    }
    CHECK(largest <= 1e-10);
  }
}

TEST_CASE(
    "a precision of crossed factors that is not positive definite gives "
    "no numbers") {
  const auto random = random_design(Shape::crossed, 150, 2, 6);
  const Design design = random.design(Factorization::iterative);
  Matrix h = crossed_matrix(random, design);
  Precision precision(design.pattern());
  precision.set_zero();
  CHECK_FALSE(precision.factorize());
  // All diagonals of the Schur complement are positive, but not the complement
  // itself.
  const Index q = design.pattern().unfilled().eliminated;
  h.topLeftCorner(q, q) *= 0.7;
  const bool positive = Eigen::LLT<Matrix>(h).info() == Eigen::Success;
  REQUIRE_FALSE(positive);
  load(h, precision);
  if (precision.factorize()) {
    Vector x = Vector::Ones(h.rows());
    precision.solve_in_place(x);
    CHECK_FALSE(std::isfinite(precision.log_determinant()));
  }
  h = crossed_matrix(random, design);
  load(h, precision);
  REQUIRE(precision.factorize());
  CHECK(std::isfinite(precision.log_determinant()));
}
