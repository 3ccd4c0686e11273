// Designs with equal rows merged, against the same designs row by row.

#include <catch2/catch.hpp>
#include <mixed_glm/inference/joint_density.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>
#include <random>

#include "../support/random_model.hpp"

using mixed_glm::Code;
using mixed_glm::Design;
using mixed_glm::Family;
using mixed_glm::Index;
using mixed_glm::JointDensity;
using mixed_glm::LaplaceMarginal;
using mixed_glm::Matrix;
using mixed_glm::Model;
using mixed_glm::Prior;
using mixed_glm::Response;
using mixed_glm::SparseRows;
using mixed_glm::Vector;

namespace {

// Rows in random order, of few different kinds: two binary covariates, `levels` groups, two
// offsets.
struct Repeated {
  Matrix x;
  Vector offset, y, trials, weights;
  std::vector<std::int64_t> indptr = {0};
  std::vector<Code> indices, ident;

  Repeated(Index n, Index levels, Index others, unsigned seed)
      : x(n, 2), offset(n), y(n), trials(n), weights(Vector::Ones(n)) {
    std::mt19937 generator(seed);
    const auto below = [&](Index k) {
      return std::uniform_int_distribution<Index>(0, k - 1)(generator);
    };
    ident.assign(size_t(levels), 0);
    ident.resize(size_t(levels + others), 1);
    for (Index i = 0; i < n; ++i) {
      x.row(i) << 1.0, double(below(2));
      offset[i] = 0.25 * double(below(2));
      trials[i] = double(1 + below(3));
      y[i] = double(below(Index(trials[i]) + 1));
      indices.push_back(Code(below(levels)));
      if (others > 0) indices.push_back(Code(levels + below(others)));
      indptr.push_back(std::int64_t(indices.size()));
    }
  }
  Index components() const { return ident.back() + 1; }
  SparseRows z() const {
    return {x.rows(), Index(ident.size()), indptr.data(), indices.data(), nullptr};
  }
  Model model(const Design& design, const Family& family) const {
    const Vector n =
        mixed_glm::family_name(family) == std::string("binomial") ? trials : Vector::Ones(y.size());
    const Vector positive = y.array() + 0.5;
    const bool continuous = mixed_glm::family_name(family) == std::string("exponential");
    return {design, family,
            mixed_glm::encode_response(family, continuous ? positive : y, n, weights),
            Prior{Vector::Constant(2, 2.0), Vector::Ones(components())}, offset};
  }
};

}  // namespace

TEST_CASE("merged rows have the same posterior") {
  for (const Index others : {0, 4}) {
    for (const Index n : {300, 3000}) {
      const Repeated data(n, 12, others, 5);
      const Design plain(data.x, data.z(), data.ident, data.components());
      const auto merged =
          Design::merged(data.x, data.z(), data.ident, data.components(), data.offset);
      REQUIRE(merged->rows() < (others > 0 && n == 300 ? 250 : n / 2));
      REQUIRE(merged->user_rows() == n);
      for (const Family& family : test_support::all_families()) {
        CAPTURE(others, n, mixed_glm::family_name(family), mixed_glm::link_name(family));
        const Model one = data.model(plain, family), other = data.model(*merged, family);
        const Vector params = 0.3 * test_support::Random(3).normal_matrix(one.layout().size(), 1);
        JointDensity density(one), merged_density(other);
        CHECK(merged_density.value(params) == Approx(density.value(params)).epsilon(1e-12));
        CHECK((merged_density.gradient(params) - density.gradient(params)).norm() <
              1e-10 * (1.0 + density.gradient(params).norm()));
        CHECK((merged_density.linear_predictor(params) - density.linear_predictor(params)).norm() <
              1e-12);
        LaplaceMarginal marginal(one), merged_marginal(other);
        const Vector psi = Vector::Constant(data.components(), -0.4);
        REQUIRE(marginal.evaluate(psi));
        REQUIRE(merged_marginal.evaluate(psi));
        CHECK(merged_marginal.log_density() == Approx(marginal.log_density()).epsilon(1e-9));
        CHECK((merged_marginal.gradient(psi) - marginal.gradient(psi)).norm() < 1e-5);
      }
    }
  }
}

TEST_CASE("rows are merged only where that pays") {
  Repeated data(2500, 50, 0, 8);
  data.x.col(1) = test_support::Random(1).normal_matrix(2500, 1);
  const auto design = Design::merged(data.x, data.z(), data.ident, 1, data.offset);
  CHECK(design->rows() == 2500);
  const Design plain(data.x, data.z(), data.ident, 1);
  CHECK(design->x() == plain.x());
}

TEST_CASE("rows that differ in anything stay apart") {
  const Matrix x = Matrix::Ones(6, 1);
  const std::vector<std::int64_t> indptr = {0, 1, 2, 3, 4, 5, 6};
  const std::vector<Code> indices = {0, 0, 0, 0, 1, 0}, ident = {0, 0};
  const std::vector<double> factors = {1.0, 1.0, 2.0, 1.0, 1.0, 1.0};
  const SparseRows z(6, 2, indptr.data(), indices.data(), factors.data());
  const Vector offset = (Vector(6) << 0.0, 0.0, 0.0, 1.0, 0.0, 0.0).finished();
  const auto design = Design::merged(x, z, ident, 1, offset);
  CHECK(design->rows() == 4);  // rows 0, 1 and 5 are one
  Vector sums(4);
  design->sum_to_design_rows(Vector::LinSpaced(6, 1.0, 6.0), sums);
  CHECK(sums == (Vector(4) << 9.0, 3.0, 4.0, 5.0).finished());
  CHECK(design->to_user_rows(sums) == (Vector(6) << 9.0, 9.0, 3.0, 4.0, 5.0, 9.0).finished());
}

TEST_CASE("columns that may be overwritten are sorted and merged in place") {
  const Repeated data(3000, 12, 4, 5);
  Matrix own = data.x, untouched = data.x;
  const auto in_place = Design::merged(own, data.z(), data.ident, data.components(), data.offset,
                                       {}, mixed_glm::Factorization::automatic, own.data());
  const auto copied =
      Design::merged(untouched, data.z(), data.ident, data.components(), data.offset);
  REQUIRE(in_place->rows() == copied->rows());
  CHECK(in_place->x().data() == own.data());
  CHECK(in_place->x() == copied->x());
  CHECK(untouched == data.x);
}

TEST_CASE("equal rows are found wherever they stand in a window") {
  Repeated data(400, 1, 0, 3);  // one window
  const auto design = Design::merged(data.x, data.z(), data.ident, 1, data.offset);
  CHECK(design->rows() == 4);  // two values of a covariate, two offsets
  const Vector first = design->to_design_rows(data.x.col(1));
  CHECK(design->to_user_rows(first) == Vector(data.x.col(1)));
}
