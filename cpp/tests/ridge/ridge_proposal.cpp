// Probes find the shape of a density, and the proposal has it.

#include <Eigen/LU>
#include <catch2/catch.hpp>
#include <mixed_glm/math/sobol_points.hpp>
#include <mixed_glm/ridge/probe_axes.hpp>
#include <mixed_glm/ridge/ridge_proposal.hpp>

#include "../support/skewed_density.hpp"

using namespace mixed_glm;
using test_support::Banana;
using test_support::Gaussian;

TEST_CASE("a Gaussian is its own proposal") {
  for (const Index k : {1, 3, 8}) {
    const Gaussian gaussian(k);
    int evaluations = 0;
    const LogDensity density = [&](const Vector& x) {
      ++evaluations;
      return gaussian.evaluate(x);
    };
    const double top = gaussian.evaluate(gaussian.mean).value;
    const RidgeProposal proposal(probe_axes(density, gaussian.mean, top, gaussian.precision));
    CHECK(evaluations == 8 * k);
    const SobolPoints uniform(k);
    for (std::uint32_t i = 0; i < 32; ++i) {
      const auto point = proposal.at(uniform.point(i));
      const double exact = gaussian.evaluate(point.x).value - gaussian.log_mass();
      CHECK(point.log_density == Approx(exact).margin(0.01));
      CHECK((point.independent - point.whitened).norm() < 1e-6);
    }
  }
}

TEST_CASE("the density of a proposal is that of its map, ridges included") {
  const Banana banana;
  const RidgeShape shape =
      probe_axes(banana.log_density(), banana.mode(), banana.top(), banana.precision());
  const RidgeProposal proposal(shape, 1.1);
  const SobolPoints uniform(2);
  double moved = 0.0;
  for (std::uint32_t i = 0; i < 64; ++i) {
    const Vector u = 0.01 + 0.98 * uniform.point(i).array();
    const auto point = proposal.at(u);
    moved = std::max(moved, (point.independent - point.whitened).norm());
    const double h = 1e-7;
    Matrix jacobian(2, 2);
    for (Index c = 0; c < 2; ++c) {
      const Vector step = h * Vector::Unit(2, c);
      jacobian.col(c) = (proposal.at(u + step).x - proposal.at(u - step).x) / (2.0 * h);
    }
    CHECK(point.log_density == Approx(-std::log(std::abs(jacobian.determinant()))).margin(1e-3));
  }
  CHECK(moved > 0.5);  // there is a ridge
}

TEST_CASE("axes end where the density cannot be evaluated") {
  const Gaussian gaussian(2);
  const double top = gaussian.evaluate(gaussian.mean).value;
  const LogDensity nowhere = [](const Vector&) { return Evaluation(); };
  const RidgeProposal proposal(probe_axes(nowhere, gaussian.mean, top, gaussian.precision));
  CHECK(proposal.at(Vector::Constant(2, 0.01)).x.allFinite());
  const LogDensity half = [&](const Vector& x) {
    return x[0] > gaussian.mean[0] + 0.1 ? Evaluation() : gaussian.evaluate(x);
  };
  const RidgeShape shape = probe_axes(half, gaussian.mean, top, gaussian.precision);
  for (const AxisProfile& profile : shape.profiles) CHECK(profile.z.size() >= 2);
  CHECK(std::isfinite(RidgeProposal(shape).at(Vector::Constant(2, 0.99)).log_density));
}
