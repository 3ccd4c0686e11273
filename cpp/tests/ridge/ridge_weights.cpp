// Weighted samples of ridge proposals have the moments of the density that they stand for.

#include <catch2/catch.hpp>
#include <mixed_glm/math/sobol_points.hpp>
#include <mixed_glm/ridge/ridge_weights.hpp>

#include "../support/skewed_density.hpp"

using namespace mixed_glm;
using test_support::Banana;
using test_support::Gaussian;
using test_support::LogGamma;

namespace {

struct Weighed {
  RidgeWeights found;
  Vector mean;
  Matrix covariance;
  double smallest;
};

Weighed weigh_points(const LogDensity& density, const RidgeShape& shape, Index points) {
  const RidgeProposal proposal(shape, 1.1);
  const SobolPoints uniform(shape.dimension());
  RidgeSample sample;
  for (Index i = 0; i < points; ++i) {
    sample.places.push_back(proposal.at(uniform.point(std::uint32_t(i))));
    const Evaluation found = density(sample.places.back().x);
    sample.log_density.push_back(found.value);
    sample.gradient.push_back(shape.axes * found.gradient);
  }
  Weighed result{weigh(proposal, sample), Vector::Zero(shape.dimension()), Matrix(), 0.0};
  const Vector& weights = result.found.weights;
  for (Index i = 0; i < points; ++i) result.mean += weights[i] * sample.places[size_t(i)].x;
  result.covariance = Matrix::Zero(shape.dimension(), shape.dimension());
  for (Index i = 0; i < points; ++i) {
    const Vector off = sample.places[size_t(i)].x - result.mean;
    result.covariance += weights[i] * off * off.transpose();
  }
  result.smallest = weights.minCoeff();
  return result;
}

}  // namespace

TEST_CASE("weights are exact for a Gaussian") {
  for (const Index k : {3, 8}) {
    const Gaussian gaussian(k);
    const LogDensity density = [&](const Vector& x) { return gaussian.evaluate(x); };
    const double top = gaussian.evaluate(gaussian.mean).value;
    const RidgeShape shape = probe_axes(density, gaussian.mean, top, gaussian.precision);
    const Weighed got = weigh_points(density, shape, 128);
    const Matrix covariance = gaussian.precision.inverse();
    CHECK((got.mean - gaussian.mean).norm() < 1e-6);
    CHECK((got.covariance - covariance).norm() < 1e-6 * covariance.norm());
    CHECK(got.found.log_mass == Approx(gaussian.log_mass()).margin(0.02));
    CHECK(got.found.k_hat < 0.4);
    CHECK(got.smallest >= 0.0);
    CHECK(got.found.sd_error < 1e-6);
  }
}

TEST_CASE("moments of skewed densities are found") {
  const LogGamma gamma{(Vector(3) << 0.7, 1.5, 6.0).finished()};
  const Vector mean = (Vector(3) << -1.220024, 0.03648998, 1.706118).finished();     // digamma
  const Vector variance = (Vector(3) << 2.834049, 0.9348022, 0.1813230).finished();  // trigamma
  const RidgeShape shape =
      probe_axes(gamma.log_density(), gamma.mode(), gamma.top(), gamma.precision());
  const Weighed got = weigh_points(gamma.log_density(), shape, 128);
  const Vector sd = variance.cwiseSqrt();
  CHECK(((got.mean - mean).array() / sd.array()).abs().maxCoeff() < 0.02);
  CHECK((got.covariance.diagonal().array() / variance.array() - 1.0).abs().maxCoeff() < 0.08);
  CHECK(got.found.log_mass == Approx(gamma.log_mass()).margin(0.02));
  CHECK(got.found.k_hat < 0.4);
}

TEST_CASE("ridges are followed") {
  const Banana banana;
  const RidgeShape shape =
      probe_axes(banana.log_density(), banana.mode(), banana.top(), banana.precision());
  const Weighed got = weigh_points(banana.log_density(), shape, 128);
  CHECK(got.mean.norm() < 0.03);
  CHECK(got.covariance(0, 0) == Approx(1.0).epsilon(0.04));
  CHECK(got.covariance(1, 1) == Approx(1.32).epsilon(0.08));
  CHECK(got.found.k_hat < 0.45);
  CHECK(got.found.log_mass == Approx(log_two_pi).margin(0.03));
}

TEST_CASE("k-hat tells of a tail that the proposal misses") {
  const LogGamma gamma{(Vector(3) << 0.5, 0.7, 0.6).finished()};
  RidgeShape shape = probe_axes(gamma.log_density(), gamma.mode(), gamma.top(), gamma.precision());
  CHECK(weigh_points(gamma.log_density(), shape, 256).found.k_hat < 0.4);
  for (AxisProfile& profile : shape.profiles) {  // as a Gaussian falls off
    profile.value = -0.5 * profile.z.cwiseAbs2();
    profile.slope = -profile.z;
  }
  CHECK(weigh_points(gamma.log_density(), shape, 256).found.k_hat > 0.45);
}

TEST_CASE("points without a density have no weight") {
  const Gaussian gaussian(3);
  const LogDensity density = [&](const Vector& x) {
    if (x[0] < gaussian.mean[0] - 1.0) {
      return Evaluation{-std::numeric_limits<double>::infinity(), Vector::Zero(3)};
    }
    return gaussian.evaluate(x);
  };
  const double top = gaussian.evaluate(gaussian.mean).value;
  const RidgeShape shape = probe_axes(density, gaussian.mean, top, gaussian.precision);
  const Weighed got = weigh_points(density, shape, 128);
  CHECK(got.found.weights.allFinite());
  CHECK((got.found.weights.array() == 0.0).any());
  CHECK(got.mean[0] > gaussian.mean[0] - 1.0);
}
