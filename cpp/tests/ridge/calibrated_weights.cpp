// Calibrated weights give known means, and are never negative.

#include <catch2/catch.hpp>
#include <mixed_glm/ridge/calibrated_weights.hpp>
#include <mixed_glm/ridge/stein_features.hpp>

#include "../support/random_design.hpp"

using namespace mixed_glm;
using test_support::Random;

TEST_CASE("functions whose means are zero get a mean of zero") {
  const Matrix features = Random(3).normal_matrix(60, 5).array() + 0.3;
  const Vector plain = Vector::Constant(60, 1.0 / 60.0);
  const CalibratedWeights calibrated(plain, features);
  CHECK((features.transpose() * calibrated.weights()).norm() < 1e-6);
  CHECK(calibrated.weights().sum() == Approx(1.0));
  CHECK(calibrated.weights().minCoeff() >= 0.0);
  const Vector spanned = features.col(1) - 2.0 * features.col(3);
  CHECK(calibrated.standard_error(spanned) < 1e-7);
  const Vector other = Random(4).normal_matrix(60, 1);
  CHECK(calibrated.standard_error(other) == Approx(1.0 / std::sqrt(60.0)).epsilon(0.3));
}

TEST_CASE("weights that would be negative are left out") {
  const Matrix features = Random(5).normal_matrix(40, 3).array() + 0.9;
  const Vector plain = Vector::Constant(40, 1.0 / 40.0);
  const CalibratedWeights calibrated(plain, features);
  CHECK(calibrated.weights().minCoeff() == 0.0);
  CHECK((features.transpose() * calibrated.weights()).norm() < 1e-6);
}

TEST_CASE("without functions, or with impossible ones, weights stay as they are") {
  const Vector plain = Vector::LinSpaced(30, 0.0, 1.0) / 15.0;
  CHECK(CalibratedWeights(plain, Matrix(30, 0)).weights().isApprox(plain, 1e-6));
  CHECK(CalibratedWeights(plain, Matrix::Ones(30, 2)).weights().allFinite());
}

TEST_CASE("Stein's functions have mean zero under a normal density") {
  const Index n = 200'000;
  const Matrix z = Random(6).normal_matrix(n, 3);
  const Matrix features = stein_features(z, -z);
  CHECK(features.cols() == stein_feature_count(3));
  const Vector mean = features.colwise().mean();
  const Vector sd = features.cwiseAbs2().colwise().mean().cwiseSqrt();
  CHECK((mean.array() / sd.array()).abs().maxCoeff() < 4.0 / std::sqrt(double(n)));
  for (const Index k : {26, 27}) {
    CHECK(stein_features(Matrix::Ones(2, k), Matrix::Ones(2, k)).cols() == stein_feature_count(k));
  }
}
