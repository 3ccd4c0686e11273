// Shapes of known tails are found, and smoothing keeps what has no tail.

#include <catch2/catch.hpp>
#include <mixed_glm/math/pareto_smoothing.hpp>

using namespace mixed_glm;

TEST_CASE("the shape of a generalized Pareto distribution is found from its quantiles") {
  const Index n = 2000;
  for (const double shape : {-0.4, 0.0, 0.3, 0.7, 1.2}) {
    const GeneralizedPareto exact{shape, 2.5};
    Vector values(n);
    for (Index i = 0; i < n; ++i) values[i] = exact.quantile((double(i) + 0.5) / double(n));
    const GeneralizedPareto found = fit_pareto(values);
    CAPTURE(shape);
    CHECK(found.shape == Approx(shape).margin(0.02));
    CHECK(found.scale == Approx(2.5).epsilon(0.03));
  }
}

TEST_CASE("k-hat tells how heavy the tail of importance weights is") {
  // Ratios x^k of x with tail 1 / x have k.
  const Index n = 4000;
  for (const double k : {0.2, 0.5, 0.9}) {
    Vector log_ratio(n);
    for (Index i = 0; i < n; ++i) log_ratio[i] = -k * std::log((double(i) + 0.5) / double(n));
    const SmoothedWeights smoothed = smooth_weights(log_ratio.array() + 800.0);
    CAPTURE(k);
    CHECK(smoothed.k_hat == Approx(k).margin(0.05));
    CHECK(smoothed.weights.sum() == Approx(1.0));
    CHECK(smoothed.weights[0] <= std::exp(log_ratio[0]) / log_ratio.array().exp().sum() * 1.05);
  }
}

TEST_CASE("equal weights stay equal") {
  const SmoothedWeights smoothed = smooth_weights(Vector::Constant(100, -3e5));
  CHECK((smoothed.weights.array() - 0.01).abs().maxCoeff() < 1e-16);
  CHECK(smoothed.k_hat == 0.0);
  CHECK(smoothed.ess_share() == Approx(1.0));
}

TEST_CASE("points without a density have no weight, and few points no tail") {
  Vector log_ratio = Vector::LinSpaced(200, 0.0, 0.5);
  log_ratio.head(50).setConstant(-std::numeric_limits<double>::infinity());
  CHECK((smooth_weights(log_ratio).weights.head(50).array() == 0.0).all());
  CHECK(smooth_weights(log_ratio).weights.allFinite());
  CHECK(std::isinf(smooth_weights(Vector::LinSpaced(20, 0.0, 1.0)).k_hat));
}
