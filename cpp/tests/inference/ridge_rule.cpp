// Integration along ridges agrees with the grid, in far fewer evaluations.

#include <Eigen/LU>
#include <catch2/catch.hpp>
#include <mixed_glm/inference/fit_marginal.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

namespace {

MarginalFit fit_integrated(const Model& model, Integrate integrate) {
  MarginalFitSettings settings;
  settings.integrate = integrate;
  if (integrate == Integrate::grid) settings.grid = GridSettings{1.0, 9.0};
  LaplaceMarginal marginal(model);
  return fit_marginal(marginal, Vector::Zero(model.design().components()), settings);
}

void check_agreement(const MarginalFit& ridge, const MarginalFit& grid) {
  REQUIRE(ridge.status == FitStatus::converged);
  const PosteriorSummary &one = ridge.posterior, &other = grid.posterior;
  CHECK(((one.mean - other.mean).array() / other.sd.array()).abs().maxCoeff() < 0.02);
  CHECK((one.sd.array() / other.sd.array()).log().abs().maxCoeff() < 0.03);
  CHECK((one.fe_cov - other.fe_cov).norm() < 0.03 * other.fe_cov.norm());
  CHECK(one.log_evidence == Approx(other.log_evidence).margin(0.02));
  CHECK(one.weights.sum() == Approx(1.0));
}

// A marginal that a test can change.
class Changed : public Marginal {
 public:
  explicit Changed(const Model& model) : inner_(model) {}
  bool evaluate(const Vector& theta) override {
    theta_ = theta;
    return inner_.evaluate(theta);
  }
  void reset() override { inner_.reset(); }
  double log_density() const override { return inner_.log_density(); }
  const SecondMoments& second_moments() const override { return inner_.second_moments(); }
  const CoefficientPrior& prior() const override { return inner_.prior(); }
  ConditionalPosterior posterior() const override { return inner_.posterior(); }
  const Model& model() const override { return inner_.model(); }
  int passes() const override { return inner_.passes(); }

 protected:
  Vector theta_;

 private:
  LaplaceMarginal inner_;
};

// Cannot be evaluated beyond a bound.
class Bounded final : public Changed {
 public:
  Bounded(const Model& model, double highest) : Changed(model), highest_(highest) {}
  bool evaluate(const Vector& theta) override {
    return theta.maxCoeff() <= highest_ && Changed::evaluate(theta);
  }

 private:
  double highest_;
};

// Two components depend on each other, of which the gradients know nothing.
class Twisted final : public Changed {
 public:
  Twisted(const Model& model, const Vector& centre, const Vector& sd)
      : Changed(model), centre_(centre), sd_(sd) {}
  double log_density() const override {
    const auto z = ((theta_ - centre_).array() / sd_.array()).min(3.0).max(-3.0);
    return Changed::log_density() + 0.95 * z[0] * z[1];
  }

 private:
  Vector centre_, sd_;
};

}  // namespace

TEST_CASE("ridge and grid agree on two and three components") {
  for (const Shape shape : {Shape::crossed, Shape::three_factors}) {
    const auto source = random_design(shape, 300, 2, 3);
    const Design design = source.design();
    const Model model = random_model(design, source, BinomialLogit(), 4);
    const MarginalFit ridge = fit_integrated(model, Integrate::ridge);
    const MarginalFit grid = fit_integrated(model, Integrate::grid);
    check_agreement(ridge, grid);
    CHECK(ridge.integration.rule == Integrate::ridge);
    CHECK(ridge.integration.evaluations <= 160);
    CHECK(ridge.integration.evaluations >= 128 + 6 * design.components());
    CHECK(ridge.integration.k_hat < 0.4);
    CHECK(ridge.integration.ess_share > 0.9);
    CHECK(ridge.ridge.dimension() == design.components());
    CHECK(ridge.grid_step == 0.0);
    CHECK(grid.integration.rule == Integrate::grid);
    CHECK(grid.integration.evaluations >= Index(grid.posterior.points.size()));
    CHECK(std::isnan(grid.integration.k_hat));
  }
}

TEST_CASE("three components are integrated along ridges, two on a grid") {
  CHECK(resolve(Integrate::automatic, 0) == Integrate::mode);
  CHECK(resolve(Integrate::automatic, 2) == Integrate::grid);
  CHECK(resolve(Integrate::automatic, 3) == Integrate::ridge);
  CHECK(resolve(Integrate::automatic, 20) == Integrate::ridge);
  CHECK(resolve(Integrate::ccd, 3) == Integrate::ccd);
  CHECK(resolve(Integrate::ridge, 0) == Integrate::mode);
}

TEST_CASE("conditional posteriors that are not kept are evaluated again") {
  const auto source = random_design(Shape::three_factors, 200, 2, 5);
  const Design design = source.design();
  const Model model = random_model(design, source, PoissonLog(), 5);
  LaplaceMarginal marginal(model);
  MarginalModeSearch search(marginal);
  MarginalMode mode = search.find(Vector::Zero(3));
  mode.precision = search.curvature();
  const RidgeFit kept = RidgeRule(marginal, mode).run();
  RidgeSettings settings;
  settings.most_kept = 3 * 2 * design.coefficients();
  const RidgeFit again = RidgeRule(marginal, mode, settings).run();
  CHECK(again.posterior.mean.isApprox(kept.posterior.mean, 1e-5));
  CHECK(again.posterior.sd.isApprox(kept.posterior.sd, 1e-4));
  CHECK(again.report.evaluations > kept.report.evaluations + 100);
}

TEST_CASE("where the density cannot be evaluated at many points, the fit says so") {
  const auto source = random_design(Shape::three_factors, 200, 2, 6);
  const Design design = source.design();
  const Model model = random_model(design, source, PoissonLog(), 6);
  LaplaceMarginal whole(model);
  const MarginalFit reference = fit_marginal(whole, Vector::Zero(3));
  REQUIRE(reference.status == FitStatus::converged);
  Bounded marginal(model, reference.mode.psi.maxCoeff() + 0.1);
  const MarginalFit fit = fit_marginal(marginal, reference.mode.psi);
  CHECK(fit.status == FitStatus::points_left_out);
  CHECK(fit.failed_points > 10);
  CHECK(fit.posterior.mean.allFinite());
}

TEST_CASE("where the proposal does not fit, points are doubled, and the fit says so") {
  const auto source = random_design(Shape::three_factors, 300, 2, 4);
  const Design design = source.design();
  const Model model = random_model(design, source, BinomialLogit(), 4);
  LaplaceMarginal marginal(model);
  MarginalModeSearch search(marginal);
  MarginalMode mode = search.find(Vector::Zero(3));
  mode.precision = search.curvature();
  const Vector sd = mode.precision.inverse().diagonal().cwiseSqrt();
  Twisted twisted(model, mode.psi, sd);
  const RidgeFit fit = RidgeRule(twisted, mode).run();
  CHECK(fit.rough);
  CHECK(fit.report.evaluations >= 256 + 18);
  CHECK(fit.report.k_hat > 0.45);
  CHECK(fit.report.ess_share < 0.9);
  CHECK_FALSE(RidgeRule(marginal, mode).run().rough);
}

TEST_CASE("weights that doubt themselves show in the status") {
  MarginalFit fit;
  fit.posterior.points.resize(1);
  fit.posterior.sd = Vector::Ones(1);
  fit.mode.converged = true;
  fit.rough = true;
  fit.fallbacks = 3;
  detail::conclude(fit);
  CHECK(fit.status == FitStatus::rough_integration);
  CHECK(is_converged(fit.status));
}
