// How far columns and components spread, and the way back from standardized columns.

#include <Eigen/LU>
#include <catch2/catch.hpp>
#include <mixed_glm/model/component_spread.hpp>
#include <mixed_glm/model/standardization.hpp>

#include "../support/random_design.hpp"

using namespace mixed_glm;

namespace {

Matrix columns_of_all_kinds() {
  test_support::Random random(1);
  Matrix x(50, 5);
  for (Index i = 0; i < 50; ++i) {
    x.row(i) << random.normal() + 1e6, 2.0, 1e-3 * random.uniform(), double(i % 2), 0.0;
  }
  return x;
}

double sd_of(const Vector& column) {
  return std::sqrt((column.array() - column.mean()).square().mean());
}

SparseRows component_rows(const Matrix& z) {
  return test_support::RandomDesign{{}, z, {}, 1, {}}.sparse_rows();
}

}  // namespace

TEST_CASE("columns spread by their standard deviations, constants by their size") {
  const Matrix x = columns_of_all_kinds();
  const ColumnSpreads columns(x, {});
  CHECK(columns.constant == 1);
  for (const Index j : {0, 2, 3}) CHECK(columns.spread(j) == Approx(sd_of(x.col(j))));
  CHECK(columns.spread(1) == 2.0);
  CHECK(columns.spread(4) == 1.0);
  const Matrix without = x.rightCols(3);
  CHECK(ColumnSpreads(without, {}).constant == -1);
}

TEST_CASE("weights count rows, unless none counts") {
  const Matrix x = columns_of_all_kinds();
  Matrix twice(100, 5);
  twice << x, x.topRows(25), x.topRows(25);
  Vector weights = Vector::Ones(50);
  weights.head(25).setConstant(3.0);
  const ColumnSpreads weighted(x, weights), repeated(twice, {}), none(x, Vector::Zero(50));
  CHECK(weighted.mean.isApprox(repeated.mean, 1e-13));
  CHECK(weighted.sd.isApprox(repeated.sd, 1e-7));
  CHECK(none.sd == ColumnSpreads(x, {}).sd);
  Matrix late = x;
  late(49, 1) = 3.0;  // a row that does not count, and is another number
  weights[49] = 0.0;
  CHECK(ColumnSpreads(late, weights).constant == -1);
}

TEST_CASE("slopes spread about their mean where the same groups have an intercept") {
  Matrix z = Matrix::Zero(6, 6);  // intercepts of two groups, slopes of them, slopes of others
  const Vector x = (Vector(6) << 1, 2, 3, 4, 5, 9).finished();
  for (Index i = 0; i < 6; ++i) {
    z(i, i % 2) = 1.0;
    z(i, 2 + (i + 1) % 2) = x[i];
    z(i, 4 + i / 3) = x[i];
  }
  const std::vector<Code> ident = {0, 0, 1, 1, 2, 2};
  const double rms = std::sqrt(x.squaredNorm() / 6.0);
  Vector spreads = component_spreads(component_rows(z), ident, 3, {});
  CHECK(spreads[0] == 1.0);
  CHECK(spreads[1] == Approx(sd_of(x)));
  CHECK(spreads[2] == Approx(rms));
  z(0, 3) = 0.0;  // a row without a slope has another origin no less
  z(1, 0) = 1.0;  // and a row of two groups has no intercept of its own
  spreads = component_spreads(component_rows(z), ident, 3, {});
  CHECK(spreads[1] == Approx(std::sqrt((x.squaredNorm() - 1.0) / 6.0)));
  const Vector weights = (Vector(6) << 2, 0, 1, 1, 1, 1).finished();
  const double weighted = std::sqrt(weights.dot(x.cwiseAbs2()) / 6.0);
  CHECK(component_spreads(component_rows(z), ident, 3, weights)[2] == Approx(weighted));
  CHECK(component_spreads(component_rows(z.leftCols(2)), {0, 0}, 1, {})[0] == 1.0);
}

TEST_CASE("the linear predictor is the same after the way back") {
  const Matrix x = columns_of_all_kinds();
  const Vector prior_mean = (Vector(5) << 0.5, -1.0, 0.0, 2.0, 0.0).finished();
  const Vector b = (Vector(7) << 0.3, -1.0, 2.0, 0.7, 0.2, 0.5, 9.0).finished();
  for (const Standardization& change :
       {Standardization(ColumnSpreads(x, {}), prior_mean),
        Standardization(ColumnSpreads(x.rightCols(3), {})), Standardization(prior_mean)}) {
    const Index p = change.scale().size();
    const Matrix own = x.rightCols(p), scaled = change.apply(own);
    const Vector beta = change.params_back(b);
    const Vector expected = change.offset(Vector::Zero(50), scaled) + scaled * b.head(p);
    CHECK((own * beta.head(p)).isApprox(expected, 1e-9));
    CHECK(beta.tail(7 - p) == b.tail(7 - p));
    test_support::Random random(2);
    const Matrix root = random.normal_matrix(p, p), covariance = root * root.transpose();
    const Matrix back = change.covariance_back(covariance);
    CHECK(back.isApprox(change.matrix() * covariance * change.matrix().transpose(), 1e-12));
    CHECK(coefficient_sds_back(change.matrix(), covariance)
              .isApprox(back.diagonal().cwiseSqrt(), 1e-12));
    CHECK(change.log_determinant() ==
          Approx(std::log(std::abs(change.matrix().determinant()))).margin(1e-12));
  }
}
