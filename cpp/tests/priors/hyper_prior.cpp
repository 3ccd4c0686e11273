// The priors of hyperparameters: each a density, with slope and curvature of its logarithm.

#include <catch2/catch.hpp>
#include <mixed_glm/priors/named_prior.hpp>
#include <vector>

using namespace mixed_glm;

namespace {

struct PriorExample {
  const char* name;
  HyperPrior prior;
  double low, high;  // nothing of it lies beyond
};

// A new prior adds its examples here.
std::vector<PriorExample> prior_examples() {
  return {{"standard normal", NormalPrior(0.0, 1.0), -12.0, 12.0},
          {"normal", NormalPrior(-1.3, 0.4), -6.0, 4.0},
          {"wide normal", NormalPrior(5.0, 30.0), -350.0, 360.0},
          {"half-normal", HalfNormalPrior(0.8), -40.0, 4.0},
          {"half-t", HalfTPrior(4.0, 0.6), -40.0, 12.0},
          {"half-Cauchy", HalfTPrior(1.0, 1.3), -40.0, 40.0},
          {"exponential", GammaPrior(1.0, 2.0), -40.0, 5.0},
          {"gamma", GammaPrior(2.5, 3.0), -20.0, 4.0},
          {"inverse gamma", InverseGammaPrior(3.0, 0.5), -6.0, 14.0},
          {"LKJ of two", LkjPrior(1.0, 2, 1), -20.0, 20.0},
          {"LKJ of four", LkjPrior(2.5, 4, 1), -20.0, 20.0},
          {"wide LKJ", LkjPrior(0.5, 3, 2), -40.0, 40.0}};
}

}  // namespace

TEST_CASE("slope and curvature of each prior are derivatives of its value") {
  for (const PriorExample& example : prior_examples()) {
    const HyperPrior& prior = example.prior;
    const double h = 1e-4;
    for (const double x : {-2.0, -0.3, 0.0, 0.9, 2.5}) {
      CAPTURE(example.name, x);
      const double slope = (prior.value(x + h) - prior.value(x - h)) / (2.0 * h);
      const double bend = (prior.slope(x + h) - prior.slope(x - h)) / (2.0 * h);
      CHECK(prior.slope(x) == Approx(slope).epsilon(1e-7).margin(1e-8));
      CHECK(prior.curvature(x) == Approx(-bend).epsilon(1e-7).margin(1e-8));
    }
  }
}

TEST_CASE("each prior integrates to one") {
  for (const PriorExample& example : prior_examples()) {
    CAPTURE(example.name);
    const int points = 40000;
    const double step = (example.high - example.low) / points;
    double sum = 0.0;
    for (int k = 0; k <= points; ++k) sum += std::exp(example.prior.value(example.low + k * step));
    const double log_integral = std::log(sum * step) + example.prior.log_normalizer();
    CHECK(log_integral == Approx(0.0).margin(1e-10));
  }
}

TEST_CASE("the slope of each prior is zero at its mode") {
  for (const PriorExample& example : prior_examples()) {
    CAPTURE(example.name);
    CHECK(example.prior.slope(example.prior.mode()) == Approx(0.0).margin(1e-12));
  }
}

TEST_CASE("priors far out are finite or minus infinity, never NaN") {
  for (const PriorExample& example : prior_examples()) {
    for (const double x : {-800.0, -100.0, 100.0, 800.0}) {
      CAPTURE(example.name, x);
      CHECK_FALSE(std::isnan(example.prior.value(x)));
      CHECK(example.prior.value(x) < 0.0);
      CHECK_FALSE(std::isnan(example.prior.slope(x)));
    }
  }
}

TEST_CASE("priors by name") {
  CHECK(make_prior({"normal", 0.5, 2.0}).normal() != nullptr);
  CHECK(make_prior({"half_t", 3.0, 0.5}).value(0.2) == HalfTPrior(3.0, 0.5).value(0.2));
  CHECK(make_prior({"half_normal", 0.7}).value(0.2) == HalfNormalPrior(0.7).value(0.2));
  CHECK(make_prior({"gamma", 2.0, 3.0}).value(0.2) == GammaPrior(2.0, 3.0).value(0.2));
  CHECK(make_prior({"inverse_gamma", 2.0, 3.0}).value(0.2) ==
        InverseGammaPrior(2.0, 3.0).value(0.2));
  CHECK_THROWS_AS(make_prior({"uniform", 0.0, 1.0}), std::invalid_argument);
}

TEST_CASE("the normal prior is the one that closed forms know") {
  const HyperPrior prior = NormalPrior(0.5, 2.0);
  REQUIRE(prior.normal() != nullptr);
  CHECK(prior.normal()->mean() == 0.5);
  CHECK(prior.normal()->precision() == 0.25);
  CHECK(prior.slope(0.5) == 0.0);
  CHECK(prior.value(2.5) - prior.value(0.5) == Approx(-0.5));
}
