// Grid and central composite design over psi are exact for Gaussian densities.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <functional>
#include <mixed_glm/inference/psi_points.hpp>

#include "../support/random_design.hpp"

using namespace mixed_glm;
using test_support::Random;

namespace {

struct NormalMoments {
  double log_mass = 0.0;
  Vector mean;
  Matrix covariance;
  int points = 0;
};

Matrix random_precision(Index k, unsigned seed) {
  const Matrix factor = Random(seed).normal_matrix(k, k);
  return factor * factor.transpose() + 0.2 * Matrix::Identity(k, k);
}

// Integrates with `run`, which takes a visitor.
template <class Run>
NormalMoments integrate(Index k, const Run& run,
                        const std::function<double(const Vector&)>& log_density) {
  double mass = 0.0;
  Vector first = Vector::Zero(k);
  Matrix second = Matrix::Zero(k, k);
  NormalMoments moments;
  run([&](const Vector& psi, double log_volume) {
    const double value = log_density(psi), weight = std::exp(value + log_volume);
    if (weight > 0.0) ++moments.points;
    mass += weight;
    first += weight * psi;
    second += weight * psi * psi.transpose();
    return value;
  });
  moments.log_mass = std::log(mass);
  moments.mean = first / mass;
  moments.covariance = second / mass - moments.mean * moments.mean.transpose();
  return moments;
}

}  // namespace

TEST_CASE("a grid is exact for a Gaussian") {
  for (const Index k : {1, 2, 3}) {
    const Vector mode = Random(1).normal_matrix(k, 1);
    const Matrix precision = random_precision(k, 2);
    const double height = 700.0;  // densities are far from 1
    const auto gaussian = [&](const Vector& psi) {
      return height - 0.5 * (psi - mode).dot(precision * (psi - mode));
    };
    const double log_det = std::log(precision.determinant());
    const WhitenedPsi whitened(mode, precision);
    const Matrix covariance = precision.inverse();
    GridSettings settings;
    settings.drop = 20.0;
    settings.step = 0.8;
    GridWalk walk(whitened, k, settings);
    const auto run = [&](auto&& visit) {
      CHECK(walk.run([&](const Vector& psi, double v) { return visit(psi, v - height); }));
    };
    const NormalMoments got = integrate(k, run, gaussian);
    CAPTURE(k, got.points);
    CHECK(got.log_mass == Approx(0.5 * double(k) * log_two_pi - 0.5 * log_det).margin(1e-6));
    CHECK((got.mean - mode).norm() < 1e-6);
    CHECK((got.covariance - covariance).norm() < 1e-5 * covariance.norm());
  }
}

TEST_CASE("the default grids lose less than a hundredth of a standard deviation") {
  const std::vector<GridSettings> defaults = {{1.0, 10.0}, {1.2, 8.0}, {1.4, 7.0}};
  for (Index k = 1; k <= 3; ++k) {
    const Vector mode = Vector::Constant(k, 0.7);
    const Matrix precision = random_precision(k, 5);
    const auto gaussian = [&](const Vector& psi) {
      return -0.5 * (psi - mode).dot(precision * (psi - mode));
    };
    const WhitenedPsi whitened(mode, precision);
    GridWalk grid(whitened, k, defaults[size_t(k - 1)]);
    const NormalMoments got =
        integrate(k, [&](auto&& visit) { REQUIRE(grid.run(visit)); }, gaussian);
    const double exact = 0.5 * double(k) * log_two_pi - 0.5 * std::log(precision.determinant());
    CAPTURE(k, got.points);
    CHECK(got.log_mass == Approx(exact).margin(0.01));
    CHECK((got.covariance - precision.inverse()).norm() < 0.02 * got.covariance.norm());
  }
}

TEST_CASE("a grid reaches a long tail on one side") {
  // Density of log x, x ~ Gamma(1/2): tail exp(psi / 2) on the left, double exponential on the
  // right.
  const auto log_density = [](const Vector& psi) {
    return 0.5 * psi[0] - std::exp(psi[0]) - std::lgamma(0.5);
  };
  const Vector mode = Vector::Constant(1, std::log(0.5));
  const WhitenedPsi whitened(mode, Matrix::Constant(1, 1, 0.5));
  GridSettings settings;
  settings.step = 0.5;
  settings.drop = 20.0;
  GridWalk grid(whitened, 1, settings);
  const NormalMoments got =
      integrate(1, [&](auto&& visit) { REQUIRE(grid.run(visit)); }, log_density);
  CHECK(got.log_mass == Approx(0.0).margin(1e-5));
  CHECK(got.mean[0] == Approx(-1.963510026021423).epsilon(1e-5));          // digamma(1/2)
  CHECK(got.covariance(0, 0) == Approx(4.934802200544679).epsilon(1e-4));  // trigamma(1/2)
}

TEST_CASE("a grid that would grow without end stops") {
  const WhitenedPsi whitened(Vector::Zero(2), Matrix::Identity(2, 2));
  GridSettings settings;
  settings.max_points = 500;
  GridWalk grid(whitened, 2, settings);
  int visits = 0;
  CHECK_FALSE(grid.run([&](const Vector&, double) {
    ++visits;
    return 0.0;
  }));
  CHECK(visits <= 500);
}

TEST_CASE("points that cannot be evaluated end the grid there and nowhere else") {
  const WhitenedPsi whitened(Vector::Zero(1), Matrix::Identity(1, 1));
  GridWalk grid(whitened, 1, {});
  const NormalMoments got = integrate(
      1, [&](auto&& visit) { REQUIRE(grid.run(visit)); },
      [](const Vector& psi) {
        return psi[0] > 2.5 ? -std::numeric_limits<double>::infinity() : -0.5 * psi[0] * psi[0];
      });
  CHECK(got.log_mass == Approx(0.5 * log_two_pi).margin(0.02));
}

TEST_CASE("a central composite design has the mass and the moments of a Gaussian") {
  for (const Index k : {1, 2, 3, 4, 5, 6, 8}) {
    const Vector mode = Random(1).normal_matrix(k, 1);
    const Matrix precision = random_precision(k, 3);
    const auto gaussian = [&](const Vector& psi) {
      return -0.5 * (psi - mode).dot(precision * (psi - mode));
    };
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(precision);
    const double exact =
        0.5 * double(k) * log_two_pi - 0.5 * eigen.eigenvalues().array().log().sum();
    const WhitenedPsi whitened(mode, precision);
    const NormalMoments got =
        integrate(k, [&](auto&& visit) { CentralComposite(whitened, k).run(visit); }, gaussian);
    const Matrix covariance = precision.inverse();
    CAPTURE(k, got.points);
    CHECK(got.log_mass == Approx(exact).epsilon(1e-10).margin(1e-10));
    CHECK((got.mean - mode).norm() < 1e-9 * (1.0 + mode.norm()));
    CHECK((got.covariance - covariance).norm() < 1e-9 * covariance.norm());
  }
}

TEST_CASE("fractional factorials are orthogonal up to products of two columns") {
  for (Index k = 1; k <= 12; ++k) {
    const Matrix design = fractional_factorial(k);
    const auto rows = double(design.rows());
    CAPTURE(k, rows);
    CHECK(rows <= (k <= 5 ? 32.0 : 256.0));
    Matrix terms(design.rows(), 1 + k + k * (k - 1) / 2);
    terms.col(0).setOnes();
    terms.middleCols(1, k) = design;
    for (Index a = 0, at = 1 + k; a < k; ++a) {
      for (Index b = a + 1; b < k; ++b) terms.col(at++) = design.col(a).cwiseProduct(design.col(b));
    }
    const Matrix gram = terms.transpose() * terms;
    CHECK((gram - rows * Matrix::Identity(gram.rows(), gram.cols())).norm() == 0.0);
  }
}
