// The quick look at whether columns are linearly independent.

#include <catch2/catch.hpp>
#include <mixed_glm/model/independent_columns.hpp>

#include "../support/random_model.hpp"

using mixed_glm::are_clearly_independent;
using mixed_glm::Matrix;

TEST_CASE("columns are clearly independent, whatever their scales, or may not be") {
  Matrix x = test_support::Random(4).normal_matrix(1300, 4);
  x.col(0).setOnes();
  CHECK(are_clearly_independent(x));
  CHECK(are_clearly_independent(
      x * mixed_glm::Vector(4).setLinSpaced(-9.0, 9.0).array().exp().matrix().asDiagonal()));
  CHECK(are_clearly_independent(x.topRows(4)));
  CHECK(are_clearly_independent(Matrix(5, 0)));
  CHECK_FALSE(are_clearly_independent(x.topRows(3)));
  Matrix zero = x, sum = x, nearly = x;
  zero.col(2).setZero();
  sum.col(3) = x.col(1) - 2.0 * x.col(2);
  nearly.col(3) = x.col(1) + 1e-5 * x.col(2);
  CHECK_FALSE(are_clearly_independent(zero));
  CHECK_FALSE(are_clearly_independent(sum));
  CHECK_FALSE(are_clearly_independent(nearly));
}
