// The prior of all coefficients given theta: against products of normal densities, and its
// derivatives against finite differences.

#include <catch2/catch.hpp>
#include <mixed_glm/model/coefficient_prior.hpp>
#include <numeric>

#include "../support/random_design.hpp"

using namespace mixed_glm;
using test_support::all_shapes;
using test_support::random_design;

namespace {

double normal_log_density(double value, double sd) {
  return -0.5 * (value / sd) * (value / sd) - std::log(sd) - 0.5 * log_two_pi;
}

struct PriorAtPoint {
  test_support::RandomDesign source;
  Design design;
  Prior prior;
  Vector theta, x;
  explicit PriorAtPoint(test_support::Shape shape)
      : source(random_design(shape, 40, 2, 3)),
        design(source.design()),
        prior{(Vector(2) << 0.7, 3.0).finished(), Vector::Ones(design.components())},
        theta(Vector::LinSpaced(design.components(), -0.8, 0.5)),
        x(test_support::Random(5).normal_matrix(design.coefficients(), 1)) {}
};

}  // namespace

TEST_CASE("the prior of the coefficients is a product of normal densities") {
  for (const auto shape : all_shapes()) {
    CAPTURE(int(shape));
    const PriorAtPoint place(shape);
    CoefficientPrior prior(place.design, place.prior);
    prior.set(place.theta);
    double expected = 0.0, normalizer = 0.0;
    for (Index j = 0; j < place.design.coefficients(); ++j) {
      const Index q = place.design.effects();
      const double sd =
          j < q ? std::exp(place.theta[place.design.component(j)]) : place.prior.fe_p[j - q];
      expected += normal_log_density(place.x[j], sd);
      normalizer += normal_log_density(0.0, sd);
      CHECK(prior.diagonal()[j] == Approx(1.0 / (sd * sd)));
    }
    CHECK(prior.log_density(place.x) == Approx(expected).epsilon(1e-13));
    CHECK(prior.log_normalizer() == Approx(normalizer).epsilon(1e-13));

    std::vector<double> values(size_t(place.design.pattern().size()), 0.0);
    prior.add_precision(values.data());
    double trace = 0.0;
    for (Index j = 0; j < place.x.size(); ++j) {
      CHECK(values[size_t(place.design.pattern().diagonal_position(j))] == prior.diagonal()[j]);
      trace += prior.diagonal()[j];
    }
    CHECK(std::accumulate(values.begin(), values.end(), 0.0) == Approx(trace));
    Vector gradient = Vector::Zero(place.x.size());
    prior.add_gradient(place.x, gradient);
    CHECK((gradient + prior.diagonal().cwiseProduct(place.x)).norm() == 0.0);
  }
}

TEST_CASE("gradient, curvature and coupling in theta are those of the log density") {
  for (const auto shape : all_shapes()) {
    CAPTURE(int(shape));
    const PriorAtPoint place(shape);
    CoefficientPrior prior(place.design, place.prior);
    const SecondMoments moments = SecondMoments::of_point(place.x, place.design.effects());
    const auto gradient_in_x = [&](const Vector& theta) {
      prior.set(theta);
      Vector gradient = Vector::Zero(place.x.size());
      prior.add_gradient(place.x, gradient);
      return gradient;
    };
    const auto value = [&](const Vector& theta) {
      prior.set(theta);
      return prior.log_density(place.x);
    };
    const auto gradient_in_theta = [&](const Vector& theta) {
      prior.set(theta);
      return prior.gradient(moments);
    };
    const Vector gradient = gradient_in_theta(place.theta);
    const Matrix curvature = prior.curvature(moments);
    const RowMatrix coupling = prior.coupling(place.x);
    const double h = 1e-5;
    for (Index i = 0; i < place.theta.size(); ++i) {
      Vector up = place.theta, down = place.theta;
      up[i] += h;
      down[i] -= h;
      CHECK(gradient[i] == Approx((value(up) - value(down)) / (2.0 * h)).epsilon(1e-6));
      const Vector bend = (gradient_in_theta(down) - gradient_in_theta(up)) / (2.0 * h);
      CHECK((curvature.col(i) - bend).norm() <= 1e-7 * (1.0 + bend.norm()));
      const Vector slope = (gradient_in_x(up) - gradient_in_x(down)) / (2.0 * h);
      CHECK((coupling.col(i) - slope).norm() <= 1e-7 * (1.0 + slope.norm()));
    }
    prior.set(place.theta);
    const Vector change = Vector::LinSpaced(place.theta.size(), 0.3, -0.2);
    CHECK((prior.coupling(place.x, change) - coupling * change).norm() <= 1e-13);
  }
}

TEST_CASE("independent components have one precision and one sum of squares each") {
  const PriorAtPoint place(test_support::Shape::three_factors);
  CoefficientPrior prior(place.design, place.prior);
  prior.set(place.theta);
  REQUIRE(prior.is_independent());
  const Vector variance = place.x.array().square() + 0.1;
  const SecondMoments moments =
      SecondMoments::of_gaussian(place.x, variance, place.design.effects());
  Vector squares = Vector::Zero(3);
  for (Index j = 0; j < place.design.effects(); ++j) {
    squares[place.design.component(j)] += place.x[j] * place.x[j] + variance[j];
  }
  CHECK((prior.squares(place.x, variance) - squares).norm() <= 1e-13 * squares.norm());
  const Vector precision = (-2.0 * place.theta.array()).exp();
  CHECK((prior.component_precision() - precision).norm() <= 1e-14 * precision.norm());
  const Vector scaled = precision.cwiseProduct(squares) - place.design.component_size();
  CHECK((prior.gradient(moments) - scaled).norm() <= 1e-12 * (1.0 + scaled.norm()));
}
