// Terms of correlated effects against dense linear algebra and finite differences, for one to four
// coordinates.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <mixed_glm/terms/effect_prior.hpp>

#include "../support/random_design.hpp"

using namespace mixed_glm;

namespace correlated_test {

constexpr Index level_count = 3, before = 2;  // effects of none of the terms stand before

struct Example {
  CorrelatedLevels levels;
  EffectPairs pairs;
  Vector theta;
  Matrix second, covariance;  // of all effects
  SecondMoments moments{0};

  explicit Example(Index m) {
    test_support::Random random(unsigned(m) + 3);
    const Index q = before + level_count * m;
    for (Index c = 0; c < m; ++c) levels.components.push_back(Code(c));
    for (Index j = before; j < q; ++j) levels.effects.push_back(Code(j));
    std::reverse(levels.effects.begin(), levels.effects.end());
    for (Index l = 0; l < level_count; ++l) {
      for (Index r = 1; r < m; ++r) {
        for (Index c = 0; c < r; ++c) pairs.push_back({levels.level(l)[r], levels.level(l)[c]});
      }
    }
    theta = 0.7 * random.normal_matrix(m + lower_entries(m), 1);
    const Matrix root = 0.3 * random.normal_matrix(q, q);
    const Vector mean = random.normal_matrix(q, 1);
    covariance = root * root.transpose() / double(q);
    second = mean * mean.transpose() + covariance;
    moments = SecondMoments(q, pairs);
    for (Index j = 0; j < q; ++j) moments.set(j, second(j, j), covariance(j, j));
    for (size_t k = 0; k < pairs.size(); ++k) {
      const Code a = pairs[k].first, b = pairs[k].second;
      moments.set_pair(Index(k), second(a, b), covariance(a, b));
    }
  }

  Index effects() const { return second.rows(); }
  CorrelatedEffects at(const Vector& point) const {
    CorrelatedEffects term(levels, levels.order());
    term.set(point);
    return term;
  }
  Matrix precision(const Vector& point) const { return at(point).precision(); }
  Matrix block(const Matrix& of_all, Index l) const {
    const Index m = levels.order();
    return Matrix::NullaryExpr(
        m, m, [&](Index r, Index c) { return of_all(levels.level(l)[r], levels.level(l)[c]); });
  }
  // E log p(u | theta) but for its constant.
  double value(const Vector& point) const {
    const Matrix p = precision(point);
    double sum = 0.0;
    for (Index l = 0; l < level_count; ++l) {
      sum += 0.5 * std::log(p.determinant()) - 0.5 * p.cwiseProduct(block(second, l)).sum();
    }
    return sum;
  }
  Vector gradient(const Vector& point) const {
    Vector result = Vector::Zero(theta.size());
    at(point).add_gradient(moments, result);
    return result;
  }
  Matrix precision_slope(Index i) const {
    const double h = 1e-5;
    Vector up = theta, down = theta;
    up[i] += h;
    down[i] -= h;
    return (precision(up) - precision(down)) / (2.0 * h);
  }
};

TEST_CASE("correlations of partial correlations are those of their factor") {
  PartialCorrelations partial(3);
  const Vector z = (Vector(3) << 0.4, -0.9, 0.6).finished();
  partial.set(z);
  const Matrix c = partial.factor();
  CHECK(c.rowwise().norm().isOnes(1e-14));
  CHECK(partial.log_determinant() == Approx(c.diagonal().array().log().sum()));
  const Vector rho = partial.correlations();
  CHECK(rho[0] == Approx(std::tanh(0.4)));
  CHECK(rho[1] == Approx(std::tanh(-0.9)));
  const double last = std::tanh(0.6) / std::cosh(-0.9) / std::cosh(0.4) + rho[0] * rho[1];
  CHECK(rho[2] == Approx(last));
}

TEST_CASE("the precision of correlated effects is the inverse of their covariance") {
  for (Index m = 1; m <= 4; ++m) {
    const Example example(m);
    const CorrelatedEffects term = example.at(example.theta);
    const Matrix covariance = term.factor() * term.factor().transpose();
    CHECK((covariance * term.precision()).isIdentity(1e-12));
    for (Index r = 0; r < m; ++r) {
      CHECK(covariance(r, r) == Approx(std::exp(2.0 * example.theta[r])));
    }
    CHECK(term.half_log_determinant() ==
          Approx(1.5 * std::log(Matrix(term.precision()).determinant())));
    Vector diagonal = Vector::Zero(example.effects());
    term.set_diagonal(diagonal);
    test_support::Random random(8);
    const Vector x = random.normal_matrix(example.effects(), 1);
    Vector out = Vector::Zero(example.effects()), expected = out;
    term.subtract_off_diagonal(x, out);
    out -= diagonal.cwiseProduct(x);
    for (Index l = 0; l < level_count; ++l) {
      for (Index r = 0; r < m; ++r) {
        for (Index c = 0; c < m; ++c) {
          expected[example.levels.level(l)[r]] -=
              term.precision()(r, c) * x[example.levels.level(l)[c]];
        }
      }
    }
    CHECK((out - expected).norm() <= 1e-12);
    CHECK(term.off_diagonal_form(x) + diagonal.dot(x.cwiseAbs2()) == Approx(-x.dot(expected)));
  }
}

TEST_CASE("gradient and curvature of correlated effects are derivatives in theta") {
  for (Index m = 1; m <= 4; ++m) {
    const Example example(m);
    const Vector gradient = example.gradient(example.theta);
    const Index d = example.theta.size();
    Matrix curvature = Matrix::Zero(d, d);
    example.at(example.theta).add_curvature(example.moments, curvature);
    const double h = 1e-5;
    for (Index i = 0; i < d; ++i) {
      Vector up = example.theta, down = example.theta;
      up[i] += h;
      down[i] -= h;
      CAPTURE(m, i);
      const double slope = (example.value(up) - example.value(down)) / (2.0 * h);
      CHECK(gradient[i] == Approx(slope).epsilon(1e-7).margin(1e-8));
      const Vector bend = (example.gradient(down) - example.gradient(up)) / (2.0 * h);
      CHECK((curvature.col(i) - bend).norm() <= 1e-7 * (1.0 + bend.norm()));
    }
  }
}

TEST_CASE("coupling and information of correlated effects are those of their precision") {
  for (Index m = 1; m <= 4; ++m) {
    const Example example(m);
    const CorrelatedEffects term = example.at(example.theta);
    const Index d = example.theta.size();
    test_support::Random random(9);
    const Vector x = random.normal_matrix(example.effects(), 1);
    Matrix coupling = Matrix::Zero(example.effects(), d), information = Matrix::Zero(d, d);
    term.for_coupling(x, [&](Index j, Index i, double value) { coupling(j, i) += value; });
    term.add_information(example.moments, information);
    const Matrix sigma = Matrix(term.precision()).inverse();
    for (Index i = 0; i < d; ++i) {
      const Matrix slope = example.precision_slope(i);
      Vector expected = Vector::Zero(example.effects());
      Vector row = Vector::Zero(d);
      for (Index l = 0; l < level_count; ++l) {
        const Matrix left = sigma - example.block(example.covariance, l);
        for (Index k = 0; k < d; ++k) {
          row[k] += 0.5 * (left * slope * left * example.precision_slope(k)).trace();
        }
        for (Index r = 0; r < m; ++r) {
          for (Index c = 0; c < m; ++c) {
            expected[example.levels.level(l)[r]] -= slope(r, c) * x[example.levels.level(l)[c]];
          }
        }
      }
      CHECK((coupling.col(i) - expected).norm() <= 1e-7 * (1.0 + expected.norm()));
      CHECK((information.col(i) - row).norm() <= 1e-7 * (1.0 + row.norm()));
    }
  }
}

TEST_CASE("one coordinate is a term of independent effects") {
  const Example example(1);
  IndependentEffects independent(example.levels.effects, 0);
  independent.set(example.theta);
  Vector gradient = Vector::Zero(1);
  independent.add_gradient(example.moments, gradient);
  CHECK(example.gradient(example.theta)[0] == Approx(gradient[0]));
  CHECK(example.at(example.theta).half_log_determinant() ==
        Approx(independent.half_log_determinant()));
}

TEST_CASE("collapsed and perfectly correlated effects neither overflow nor give NaN") {
  for (const double psi : {-1e6, -3.0, 20.0}) {
    for (const double z : {-1e6, -13.0, 0.0, 40.0}) {
      const Example example(3);
      Vector theta(6);
      theta << psi, 0.3, -0.2, z, 0.1, z;
      const CorrelatedEffects term = example.at(theta);
      CHECK(Matrix(term.precision()).allFinite());
      CHECK(std::isfinite(term.half_log_determinant()));
      Vector gradient = Vector::Zero(6);
      const Vector nothing = Vector::Zero(example.effects());
      const SecondMoments zero = SecondMoments::of_point(nothing, example.effects(), example.pairs);
      term.add_gradient(zero, gradient);
      CHECK(gradient.allFinite());
      CHECK(gradient.head(3).isConstant(-3.0, 1e-9));
    }
  }
}

}  // namespace correlated_test
