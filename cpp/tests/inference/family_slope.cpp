// Families with a hyperparameter in every approximation: the gradient in it against differences of
// the value, and the values themselves.

#include <catch2/catch.hpp>
#include <mixed_glm/fit/approximation.hpp>
#include <mixed_glm/inference/joint_density.hpp>
#include <mixed_glm/inference/joint_mode.hpp>

#include "../support/check_marginal.hpp"
#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

namespace {

NewtonSettings tight() {
  NewtonSettings settings;
  settings.tolerance = 1e-22;
  return settings;
}

// A family of the user's.
struct OwnGaussian : GaussianIdentity {
  static constexpr const char* family_name = "own";
  using GaussianIdentity::GaussianIdentity;
  OwnGaussian with_shape(double phi) const noexcept { return OwnGaussian(phi); }
};

Vector theta_of(const Model& model, double level, double phi) {
  Vector theta = Vector::Constant(model.hyperparameters().size(), level);
  theta[theta.size() - 1] = phi;
  return theta;
}

}  // namespace

TEST_CASE("the gradient of the Laplace marginal in the family's hyperparameter is exact") {
  for (const auto shape : test_support::all_shapes()) {
    for (const Family& family : test_support::shaped_families()) {
      const auto source = random_design(shape, 60, 2, 11);
      const Design design = source.design();
      const Model model = random_model(design, source, family, 5);
      LaplaceMarginal marginal(model, {tight()});
      for (const double level : {-1.0, 0.3}) {
        for (const double phi : {-3.0, -0.4, 0.8}) {
          CAPTURE(int(shape), family_name(family), level, phi);
          test_support::check_gradient(marginal, theta_of(model, level, phi), 2e-3, 5e-7);
        }
      }
    }
  }
}

TEST_CASE("so is that of leaf quadrature") {
  for (const auto shape : {Shape::one_factor, Shape::crossed, Shape::scaled, Shape::few_groups}) {
    for (const Family& family : test_support::shaped_families()) {
      const auto source = random_design(shape, 60, 2, 11);
      const Design design = source.design();
      const Model model = random_model(design, source, family, 5);
      LeafSettings settings;
      settings.inner = tight();
      LeafMarginal marginal(model, design.largest_single(), settings);
      for (const double phi : {-1.5, -0.4, 0.8}) {
        CAPTURE(int(shape), family_name(family), phi);
        test_support::check_gradient(marginal, theta_of(model, -0.7, phi), 2e-3, 2e-5);
      }
    }
  }
}

TEST_CASE("so is that of expectation propagation") {
  for (const auto shape : {Shape::one_factor, Shape::crossed}) {
    for (const Family& family : test_support::shaped_families()) {
      const auto source = random_design(shape, 60, 2, 11);
      const Design design = source.design();
      const Model model = random_model(design, source, family, 5);
      EpSettings settings;
      settings.tolerance = 1e-11;
      settings.n_quad = 25;
      settings.laplace.inner = tight();
      EpMarginal marginal(model, settings);
      for (const double phi : {-1.5, -0.4, 0.8}) {
        CAPTURE(int(shape), family_name(family), phi);
        test_support::check_gradient(marginal, theta_of(model, -0.7, phi), 2e-3, 2e-5);
        CHECK(marginal.fallbacks() == 0);
      }
    }
  }
}

TEST_CASE("the gradient of the joint density in the family's hyperparameter is exact") {
  for (const Family& family : test_support::shaped_families()) {
    CAPTURE(family_name(family));
    const auto source = random_design(Shape::crossed, 50, 2, 4);
    const Design design = source.design();
    const Model model = random_model(design, source, family, 5);
    JointDensity density(model);
    Vector params = 0.2 * test_support::Random(3).normal_matrix(model.layout().size(), 1);
    const Vector gradient = density.gradient(params);
    for (Index i = 0; i < params.size(); ++i) {
      const double h = 1e-4, at = params[i];
      params[i] = at + h;
      const double above = density.value(params);
      params[i] = at - h;
      const double below = density.value(params);
      params[i] = at;
      CHECK(gradient[i] == Approx((above - below) / (2.0 * h)).epsilon(1e-6).margin(1e-6));
    }
    const Matrix hessian = density.hessian(params);
    for (Index i = 0; i < params.size(); ++i) {
      const double h = 1e-4, at = params[i];
      params[i] = at + h;
      const Vector above = density.gradient(params);
      params[i] = at - h;
      const Vector below = density.gradient(params);
      params[i] = at;
      const Vector expected = (above - below) / (2.0 * h);
      CHECK((hessian.col(i) - expected).norm() <= 1e-5 * (1.0 + expected.norm()));
    }
    CHECK_THROWS_AS(JointMode(model), std::invalid_argument);
  }
}

TEST_CASE("a family of the user's own has a hyperparameter, too") {
  const Family own = CustomFamily(OwnGaussian());
  CHECK(std::string(shape_name(own)) == "sigma");
  CHECK_FALSE(has_shape(CustomFamily(PoissonLog())));
  const auto source = random_design(Shape::crossed, 60, 2, 4);
  const Design design = source.design();
  const Model model = random_model(design, source, GaussianIdentity(), 5);
  const Response rows{design.to_user_rows(model.response().a),
                      design.to_user_rows(model.response().b),
                      design.to_user_rows(model.response().constant)};
  const Model same(design, own, rows, model.prior(), design.to_user_rows(model.offset()));
  const Vector theta = theta_of(model, -0.3, -0.5);
  LaplaceMarginal plain(model, {tight()}), custom(same, {tight()});
  REQUIRE(plain.evaluate(theta));
  REQUIRE(custom.evaluate(theta));
  CHECK(custom.log_density() == Approx(plain.log_density()).epsilon(1e-12));
  CHECK((custom.gradient(theta) - plain.gradient(theta)).norm() < 1e-9);
  LeafMarginal leaf(same, design.largest_single(), {});
  REQUIRE(leaf.evaluate(theta));
  CHECK(leaf.log_density() == Approx(plain.log_density()).epsilon(1e-9));
}

TEST_CASE("a Gaussian response has its closed form, with merged rows and weights") {
  auto source = random_design(Shape::few_groups, 60, 2, 11);
  source.x.col(1) = (source.x.col(1).array() > 0.0).cast<double>();  // so that rows are equal
  source.offset.setZero();
  const auto merged = Design::merged(source.x, source.sparse_rows(), source.ident,
                                     source.components, source.offset);
  const Design design = source.design();
  const Index n = design.rows();
  REQUIRE(merged->rows() < n);
  test_support::Random random(8);
  const Vector y = 5.0 + (2.0 * random.normal_matrix(n, 1)).array();
  Vector weights = Vector::Ones(n);
  weights.head(5).setConstant(3.0);
  const Response rows = encode_response(GaussianIdentity(), y, Vector::Ones(n), weights);
  const Prior prior{Vector::Constant(2, 10.0), Vector::Constant(design.components(), 0.8)};
  const Model plain(design, GaussianIdentity(), rows, prior);
  const Model summed(*merged, GaussianIdentity(), rows, prior);
  for (const double phi : {-4.0, 0.5}) {
    const Vector theta = theta_of(plain, -0.3, phi);
    Matrix covariance =
        100.0 * source.x * source.x.transpose() + std::exp(-0.6) * source.z * source.z.transpose();
    covariance.diagonal() += (std::exp(2.0 * phi) / weights.array()).matrix();
    const Eigen::LLT<Matrix> factor(covariance);
    // Rows of weight w are w rows with the mean of theirs.
    const double dense =
        -0.5 * y.dot(factor.solve(y)) - factor.matrixLLT().diagonal().array().log().sum() -
        0.5 * double(n) * log_two_pi -
        0.5 * (weights.sum() - double(n)) * (log_two_pi + 2.0 * phi) -
        0.5 * weights.array().log().sum() + plain.hyperparameters().log_density(theta);
    for (const Model* model : {&plain, &summed}) {
      LaplaceMarginal marginal(*model, {tight()});
      REQUIRE(marginal.evaluate(theta));
      CHECK(marginal.log_density() == Approx(dense).epsilon(1e-9));
      LaplaceMarginal quick(*model, {marginal_newton_settings()});
      REQUIRE(quick.evaluate(theta));
      CHECK(quick.log_density() == Approx(dense).epsilon(1e-9));
      REQUIRE(quick.evaluate(theta.array() + 0.3));
      const int passes = quick.passes();
      REQUIRE(quick.evaluate(theta));
      CHECK(quick.passes() == passes + 1);
      CHECK(quick.log_density() == Approx(dense).epsilon(1e-9));
    }
  }
}
