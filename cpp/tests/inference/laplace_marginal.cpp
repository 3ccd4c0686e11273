// The Laplace marginal of psi: its value against dense linear algebra, its exact gradient against
// finite differences, and the conditional mode from absurd starts.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>

#include "../support/check_marginal.hpp"
#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_families;
using test_support::all_shapes;
using test_support::random_design;
using test_support::random_model;

namespace {

LaplaceSettings tight() {
  LaplaceSettings settings;
  settings.inner.tolerance = 1e-20;
  return settings;
}

RowDerivatives row(const Model& model, Index i, double eta) {
  const auto evaluate = [&](const auto& kernel) {
    return kernel.evaluate(eta, model.response().a[i], model.response().b[i]);
  };
  return std::visit(evaluate, model.family());
}

// log p(y, psi) by the Laplace approximation at given coefficients, and Delta.
struct DenseLaplace {
  double log_density;
  Vector gradient, delta;

  DenseLaplace(const Model& model, const Matrix& a, const Vector& x, const Vector& psi) {
    const Design& design = model.design();
    Vector precision(x.size());
    double value = model.log_likelihood_constant() + model.hyperparameters().log_density(psi);
    for (Index j = 0; j < design.effects(); ++j) {
      precision[j] = std::exp(-2.0 * psi[design.component(j)]);
    }
    precision.tail(design.fixed()) = model.prior().fe_p.array().square().inverse();
    const Vector eta = a * x + model.offset();
    Vector first(eta.size()), weight(eta.size()), third(eta.size());
    for (Index i = 0; i < eta.size(); ++i) {
      const RowDerivatives d = row(model, i, eta[i]);
      value += d.value;
      first[i] = d.d1;
      weight[i] = -d.d2;
      third[i] = d.d3;
    }
    Matrix h = a.transpose() * weight.asDiagonal() * a;
    h.diagonal() += precision;
    const Matrix sigma = h.inverse();
    const Vector s = (a * sigma).cwiseProduct(a).rowwise().sum();
    const double log_det = 2.0 * Eigen::LLT<Matrix>(h).matrixLLT().diagonal().array().log().sum();
    value += 0.5 * precision.array().log().sum() - 0.5 * x.dot(precision.asDiagonal() * x);
    log_density = value - 0.5 * log_det;
    gradient = a.transpose() * first - precision.asDiagonal() * x;
    delta = 0.5 * sigma * (a.transpose() * third.cwiseProduct(s));
  }
};

}  // namespace

TEST_CASE("value, mode and mean correction agree with dense linear algebra") {
  for (const auto shape : all_shapes()) {
    for (const Family& family : all_families()) {
      CAPTURE(int(shape), family_name(family), link_name(family));
      const auto source = random_design(shape, 70, 2, 3);
      const Design design = source.design();
      const Model model = random_model(design, source, family, 3, 3.0);
      LaplaceMarginal marginal(model, tight());
      const Vector psi = Vector::LinSpaced(design.components(), -0.6, 0.3);
      REQUIRE(marginal.evaluate(psi));
      const Matrix a = source.columns(design);
      const DenseLaplace dense(model, a, marginal.mode().coefficients(), psi);
      CHECK(dense.gradient.cwiseAbs().maxCoeff() < 1e-8);
      CHECK(marginal.log_density() == Approx(dense.log_density).epsilon(1e-12));
      CHECK((marginal.delta() - dense.delta).norm() <= 1e-9 * (1.0 + dense.delta.norm()));
    }
  }
}

TEST_CASE("the gradient of the Laplace marginal is exact") {
  for (const auto shape : all_shapes()) {
    for (const Family& family : all_families()) {
      for (const Index p : {0, 3}) {
        CAPTURE(int(shape), family_name(family), link_name(family), p);
        const auto source = random_design(shape, 60, p, 11);
        const Design design = source.design();
        const Model model = random_model(design, source, family, 5);
        LaplaceMarginal marginal(model, tight());
        for (const double level : {-2.0, -0.2, 1.0}) {
          const Vector psi = level + Vector::LinSpaced(design.components(), 0.0, 0.4).array();
          test_support::check_gradient(marginal, psi, 2e-3, 2e-7);
        }
      }
    }
  }
}

TEST_CASE("the value does not depend on where the search came from") {
  const auto source = random_design(test_support::Shape::crossed, 120, 2, 8);
  const Design design = source.design();
  for (const Family& family : all_families()) {
    const Model model = random_model(design, source, family, 2);
    const Vector psi = Vector::Constant(2, 0.1);
    LaplaceMarginal cold(model), warm(model);
    REQUIRE(cold.evaluate(psi));
    for (const double from : {-8.0, 4.0, -1.0, 0.3}) {
      warm.evaluate(Vector::Constant(2, from));
      REQUIRE(warm.evaluate(psi));
      // The default tolerance is 1e-12 of a squared standard deviation: 1e-6 of log|H|.
      CHECK(warm.log_density() == Approx(cold.log_density()).epsilon(0.0).margin(1e-5));
      CHECK((warm.gradient(psi) - cold.gradient(psi)).norm() < 1e-4);
    }
  }
}

TEST_CASE("the conditional mode is found from absurd starts for every family") {
  for (const Family& family : all_families()) {
    const auto source = random_design(test_support::Shape::slopes, 80, 2, 4);
    const Design design = source.design();
    const Model model = random_model(design, source, family, 4);
    RowLikelihood likelihood(model);
    ConditionalMode reference(likelihood, model.prior());
    for (const double level : {-3.0, 0.0, 3.0}) {
      const Vector psi = Vector::Constant(design.components(), level);
      REQUIRE(reference.find(psi));
      for (const double scale : {1.0, 30.0, 1e4, 1e100, 1e300}) {
        CAPTURE(family_name(family), link_name(family), level, scale);
        ConditionalMode mode(likelihood, model.prior());
        const Matrix start = test_support::Random(1).normal_matrix(design.coefficients(), 1);
        mode.set_start(scale * start);
        REQUIRE(mode.find(psi));
        const Vector difference = mode.coefficients() - reference.coefficients();
        CHECK(difference.norm() < 1e-5 * (1.0 + reference.coefficients().norm()));
      }
    }
  }
}

TEST_CASE("a start that is not a number ends in the mode or in a refusal, not in a hang") {
  const auto source = random_design(test_support::Shape::one_factor, 40, 1, 4);
  const Design design = source.design();
  const Model model = random_model(design, source, BinomialLogit(), 4);
  RowLikelihood likelihood(model);
  ConditionalMode mode(likelihood, model.prior());
  mode.set_start(Vector::Constant(design.coefficients(), std::nan("")));
  if (mode.find(Vector::Zero(1))) CHECK(mode.coefficients().allFinite());
}

TEST_CASE("without random effects the marginal is that of a generalized linear model") {
  test_support::RandomDesign source = random_design(test_support::Shape::one_factor, 50, 3, 6);
  source.z.resize(50, 0);
  source.ident.clear();
  source.components = 0;
  const Design design = source.design();
  const Model model = random_model(design, source, PoissonLog(), 6);
  LaplaceMarginal marginal(model, tight());
  REQUIRE(marginal.evaluate(Vector(0)));
  const DenseLaplace dense(model, source.x, marginal.mode().coefficients(), Vector(0));
  CHECK(marginal.log_density() == Approx(dense.log_density).epsilon(1e-12));
  CHECK(marginal.gradient(Vector(0)).size() == 0);
}
