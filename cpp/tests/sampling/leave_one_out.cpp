// Leave-one-out weights against their definition, and what cannot be weighted.

#include <catch2/catch.hpp>
#include <mixed_glm/sampling/leave_one_out.hpp>
#include <random>

using namespace mixed_glm;

namespace {

Vector normals(Index n, double scale, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(0.0, scale);
  Vector values(n);
  for (double& value : values) value = normal(generator);
  return values;
}

double log_sum(const Vector& x) {
  return x.maxCoeff() + std::log((x.array() - x.maxCoeff()).exp().sum());
}

}  // namespace

TEST_CASE("a row that is left out is weighted by smoothed inverse likelihoods") {
  const Index n = 500;
  const Vector log_ratio = normals(n, 0.3, 1);
  for (const double scale : {0.01, 0.5, 3.0, 300.0}) {
    const Vector value = normals(n, scale, 2).array() - 20.0;
    LeaveOneOut without(log_ratio);
    const LeaveOneOut::Row row = without.row(value.data());
    const SmoothedWeights smoothed = smooth_weights(log_ratio - value);
    CAPTURE(scale);
    CHECK(row.k_hat == smoothed.k_hat);
    CHECK(row.full == Approx(log_sum(log_ratio + value) - log_sum(log_ratio)));
    if (scale > 100.0) {  // weights underflow, not their products with the likelihood
      CHECK(std::isfinite(row.log_density));
      continue;
    }
    const Vector likelihood = (value.array() + 20.0).exp();
    const double mean = smoothed.weights.dot(likelihood);
    CHECK(row.log_density == Approx(std::log(mean) - 20.0));
    const Vector terms = smoothed.weights.array() * (likelihood.array() / mean - 1.0);
    CHECK(row.variance == Approx(terms.squaredNorm()).epsilon(1e-6));
  }
}

TEST_CASE("a row without a likelihood somewhere has no number") {
  Vector value = normals(100, 1.0, 3);
  value[7] = -std::numeric_limits<double>::infinity();
  LeaveOneOut without(Vector::Zero(100));
  const LeaveOneOut::Row row = without.row(value.data());
  CHECK(std::isnan(row.log_density));
  CHECK(std::isnan(row.k_hat));
  CHECK(std::isfinite(row.full));
}

TEST_CASE("equal likelihoods change nothing") {
  const Vector value = Vector::Constant(200, -3.0);
  LeaveOneOut without(Vector::Constant(200, 1e4));
  const LeaveOneOut::Row row = without.row(value.data());
  CHECK(row.log_density == Approx(-3.0));
  CHECK(row.full == Approx(-3.0));
  CHECK(row.k_hat == 0.0);
  CHECK(row.variance == Approx(0.0).margin(1e-20));
}
