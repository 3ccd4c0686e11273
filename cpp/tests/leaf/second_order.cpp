// The covariance of two fixed effects to second order, their leaf being integrated by quadrature,
// against sums over a lattice of both.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <mixed_glm/leaf/leaf_marginal.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

namespace {

// Of beta given psi, of a model with one component.
Matrix covariance_on_lattice(const Model& model, double psi, const Vector& centre,
                             const Matrix& covariance) {
  const LeafDesign leaf(model, LeafBlock(0));
  LeafLikelihood likelihood(leaf, 25);
  likelihood.set_prior(LeafMarginal(model, LeafBlock(0)).leaf_prior(Vector::Constant(1, psi)));
  const Matrix root = Eigen::LLT<Matrix>(covariance).matrixL();
  const Vector precision = model.prior().fe_p.cwiseAbs2().cwiseInverse();
  const double step = 0.4;
  double mass = 0.0, top = likelihood.value(centre);
  Vector first = Vector::Zero(2);
  Matrix second = Matrix::Zero(2, 2);
  for (int i = -16; i <= 16; ++i) {
    for (int j = -16; j <= 16; ++j) {
      const Vector z = step * Eigen::Vector2d(i, j), beta = centre + root * z;
      const double weight =
          std::exp(likelihood.value(beta) - top - 0.5 * beta.cwiseAbs2().dot(precision));
      mass += weight;
      first += weight * (root * z);
      second += weight * (root * z) * (root * z).transpose();
    }
  }
  first /= mass;
  return second / mass - first * first.transpose();
}

void check_covariance(const Family& family, double trials, double sd) {
  CAPTURE(family_name(family), trials, sd);
  const auto source = random_design(Shape::one_factor, 40, 2, 4);
  const Design design = source.design();
  const Model model = random_model(design, source, family, 3, trials, sd);
  LeafSettings settings;
  settings.inner.tolerance = 1e-16;
  LeafMarginal marginal(model, LeafBlock(0), settings);
  const double psi = std::log(sd);
  REQUIRE(marginal.evaluate(Vector::Constant(1, psi)));
  const FixedCumulants found = marginal.fixed_cumulants(true);
  const Matrix exact =
      covariance_on_lattice(model, psi, marginal.reduced_mean().tail(2), found.gaussian);
  const auto error = [&](const Matrix& covariance) {
    const Matrix root = Eigen::LLT<Matrix>(exact).matrixL();
    const Matrix half = root.triangularView<Eigen::Lower>().solve(covariance - exact);
    return root.triangularView<Eigen::Lower>().solve(Matrix(half.transpose())).norm();
  };
  CHECK(error(found.covariance) < 0.2 * error(found.gaussian) + 2e-3);
  CHECK(error(found.covariance) < 0.01);
  CHECK(marginal.fixed_cumulants(false).covariance.size() == 0);
  marginal.want_third(false);  // as where many models are fitted: the same estimates
  CHECK(marginal.fixed_cumulants(true).covariance == found.covariance);
}

}  // namespace

TEST_CASE("covariance of the fixed effects to second order beside a leaf") {
  check_covariance(BinomialLogit(), 1.0, 0.8);
  check_covariance(BinomialLogit(), 1.0, 2.0);
  check_covariance(BinomialLogit(), 6.0, 0.6);
  check_covariance(PoissonLog(), 1.0, 0.6);
}
