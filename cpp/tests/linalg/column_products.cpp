// Products of a few columns of a block with vectors against dense linear algebra: for all numbers
// of rows and columns, with rows behind them that can be read and do not count.

#include <catch2/catch.hpp>
#include <mixed_glm/linalg/column_products.hpp>

#include "../support/random_design.hpp"

using namespace mixed_glm;
using test_support::Random;

namespace {

constexpr Index rows_that_can_be_read = 40;

double largest_entry(const Matrix& difference) {
  return difference.size() > 0 ? difference.cwiseAbs().maxCoeff() : 0.0;
}

// Calls check(rows, room, x, x's block, values).
template <class Check>
void for_blocks_of_columns(Check&& check) {
  Random random(3);
  for (const Index columns : {0, 1, 2, 3, 4, 5, 6, 7, 11}) {
    const Matrix x = random.normal_matrix(rows_that_can_be_read, columns);
    const Vector values = random.normal_matrix(rows_that_can_be_read, 1);
    for (Index rows = 0; rows <= 26; ++rows) {
      for (const Index room : {rows, rows + 2, rows_that_can_be_read}) {
        CAPTURE(columns, rows, room);
        check(rows, room, x, values);
      }
    }
  }
}

}  // namespace

TEST_CASE("products of columns with values are those of a matrix") {
  for_blocks_of_columns([](Index rows, Index room, const Matrix& x, const Vector& values) {
    Vector sums = Vector::Ones(x.cols());
    add_column_products(values.data(), rows, room, x.data(), x.outerStride(), x.cols(),
                        sums.data());
    const Vector expected = x.topRows(rows).transpose() * values.head(rows);
    CHECK(largest_entry(sums - Vector::Ones(x.cols()) - expected) < 1e-13);
    CHECK(std::abs(detail::sum_rows(values.data(), rows, room) - values.head(rows).sum()) < 1e-13);
  });
}

TEST_CASE("columns times factors are added to the rows asked for alone") {
  for_blocks_of_columns([](Index rows, Index room, const Matrix& x, const Vector& values) {
    const Vector factors = Random(5).normal_matrix(x.cols(), 1);
    Vector sums = values;
    add_columns(x.data(), x.outerStride(), x.cols(), factors.data(), rows, room, sums.data());
    Vector expected = values;
    expected.head(rows) += x.topRows(rows) * factors;
    CHECK(largest_entry(sums - expected) < 1e-13);
    CHECK(sums.tail(sums.size() - rows) == values.tail(sums.size() - rows));
  });
}

TEST_CASE("weighted squares and quadratic forms of rows are those of a matrix") {
  for_blocks_of_columns([](Index rows, Index, const Matrix& x, const Vector& values) {
    const Index p = x.cols();
    const auto block = x.topRows(rows);
    Matrix sums = Matrix::Zero(p + 2, p), expected = Matrix::Zero(p + 2, p);
    add_weighted_squares(values.data(), block, sums.data(), sums.outerStride());
    const Matrix square = block.transpose() * values.head(rows).asDiagonal() * block;
    expected.topRows(p) = square.triangularView<Eigen::Lower>();
    CHECK(largest_entry(sums - expected) < 1e-12);

    Vector forms = values, products(rows);
    add_half_forms(block, square, forms.data(), products.data());
    const Vector half = 0.5 * (block * square).cwiseProduct(block).rowwise().sum();
    CHECK(largest_entry(forms.head(rows) - values.head(rows) - half) < 1e-11);
    CHECK(forms.tail(forms.size() - rows) == values.tail(forms.size() - rows));
  });
}
