// The mean-field bound: its gradient against finite differences, the optimum found by the fit, and
// what must hold of any bound.

#include <catch2/catch.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>
#include <mixed_glm/variational/fit_variational.hpp>
#include <mixed_glm/variational/mean_field_bound.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_families;
using test_support::all_shapes;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

namespace {

struct Problem {
  test_support::RandomDesign source;
  Design design;
  Model model;
  Problem(Shape shape, Index n, Index p, const Family& family, unsigned seed)
      : source(random_design(shape, n, p, seed)),
        design(source.design()),
        model(random_model(design, source, family, seed, 2.0)) {}
};

template <class Check>
void for_all_problems(Index n, Check&& check) {
  for (const Shape shape : all_shapes()) {
    for (const Family& family : all_families()) {
      for (const Index p : {0, 2}) {
        CAPTURE(int(shape), family_name(family), link_name(family), p);
        Problem problem(shape, n, p, family, 7);
        check(problem);
      }
    }
  }
}

}  // namespace

TEST_CASE("the gradient of the mean-field bound is that of its value") {
  for_all_problems(40, [](Problem& problem) {
    const Index d = problem.model.layout().size();
    test_support::Random random(3);
    const Vector mean = 0.5 * random.normal_matrix(d, 1);
    const Vector sd = (0.4 * random.normal_matrix(d, 1).array() - 0.7).exp();
    MeanFieldBound bound(problem.model);
    const auto gradient = bound.gradient(mean, sd);
    CHECK(gradient.value == Approx(bound.value(mean, sd)).epsilon(1e-13));
    const double h = 1e-4;
    for (Index j = 0; j < d; ++j) {
      Vector up = mean, down = mean;
      up[j] += h;
      down[j] -= h;
      CHECK(gradient.mean[j] == Approx((bound.value(up, sd) - bound.value(down, sd)) / (2.0 * h))
                                    .epsilon(1e-4)
                                    .margin(1e-4));
      up = down = sd;
      up[j] += h * sd[j];
      down[j] -= h * sd[j];
      const double slope = (bound.value(mean, up) - bound.value(mean, down)) / (2.0 * h * sd[j]);
      CHECK(gradient.sd[j] == Approx(slope).epsilon(1e-4).margin(1e-4));
    }
  });
}

TEST_CASE("a mean-field fit climbs to a stationary point, the same from other starts") {
  for_all_problems(60, [](Problem& problem) {
    const VariationalFit fit = fit_mean_field(problem.model);
    REQUIRE(fit.converged);
    const auto gradient = MeanFieldBound(problem.model).gradient(fit.mean, fit.sd);
    CHECK(gradient.value == Approx(fit.elbo).epsilon(1e-12));
    CHECK(gradient.mean.cwiseProduct(fit.sd).cwiseAbs().maxCoeff() < 1e-5);
    CHECK(gradient.sd.cwiseProduct(fit.sd).cwiseAbs().maxCoeff() < 1e-5);
    for (size_t k = 1; k < fit.trace.size(); ++k) CHECK(fit.trace[k] >= fit.trace[k - 1]);

    const Index d = problem.model.layout().size();
    const VariationalStart start{Vector::Zero(d), Vector::Constant(d, 0.6)};
    const VariationalFit other = fit_mean_field(problem.model, start);
    REQUIRE(other.converged);
    CHECK(other.elbo == Approx(fit.elbo).epsilon(1e-9));
    CHECK((other.mean - fit.mean).cwiseQuotient(fit.sd).cwiseAbs().maxCoeff() < 1e-3);
  });
}

TEST_CASE("a full covariance has the higher bound and the wider fixed effects") {
  for_all_problems(60, [](Problem& problem) {
    const VariationalFit mean_field = fit_mean_field(problem.model);
    const VariationalFit full = fit_full_gaussian(problem.model);
    REQUIRE(full.converged);
    CHECK(full.elbo >= mean_field.elbo - 1e-7);
    for (size_t k = 1; k < full.trace.size(); ++k) CHECK(full.trace[k] >= full.trace[k - 1]);
    for (Index a = 0; a < problem.design.fixed(); ++a) {
      CHECK(full.sd[a] >= 0.999 * mean_field.sd[a]);
      CHECK(full.fe_cov(a, a) == Approx(full.sd[a] * full.sd[a]));
    }
  });
}

TEST_CASE("effects that share no row and no fixed effect are independent: both fits are one") {
  for (const Family& family : all_families()) {
    Problem problem(Shape::one_factor, 80, 0, family, 5);
    const VariationalFit mean_field = fit_mean_field(problem.model);
    const VariationalFit full = fit_full_gaussian(problem.model);
    CHECK(full.elbo == Approx(mean_field.elbo).epsilon(1e-9));
    CHECK((full.mean - mean_field.mean).cwiseAbs().maxCoeff() < 1e-5);
    CHECK((full.sd - mean_field.sd).cwiseAbs().maxCoeff() < 1e-5);
  }
}

TEST_CASE("absurd starts end at the optimum") {
  for (const Family& family : all_families()) {
    Problem problem(Shape::crossed, 80, 2, family, 9);
    const VariationalFit reference = fit_mean_field(problem.model);
    const Index d = problem.model.layout().size();
    for (const double sd : {1e-6, 5.0}) {
      for (const double level : {-2.0, 2.0, 30.0}) {
        CAPTURE(family_name(family), link_name(family), sd, level);
        const VariationalStart start{Vector::Constant(d, level), Vector::Constant(d, sd)};
        const VariationalFit fit = fit_mean_field(problem.model, start);
        CHECK(fit.converged);
        CHECK(fit.elbo == Approx(reference.elbo).epsilon(1e-8));
      }
    }
  }
}

TEST_CASE("the psi given a sum of squares are at their maximum") {
  const Vector sizes = (Vector(2) << 12.0, 5.0).finished();
  const std::vector<HyperPrior> about_zero = {NormalPrior(0.0, 0.8), NormalPrior(0.0, 0.8)};
  const std::vector<HyperPrior> elsewhere = {NormalPrior(-1.5, 0.6), NormalPrior(2.0, 3.0)};
  for (const auto& priors : {about_zero, elsewhere}) {
    ScalePosterior scales(Hyperparameters(priors), sizes);
    for (const double size : {1e-8, 0.1, 3.0, 1e4, 1e9}) {
      const Vector squares = Vector::Constant(2, size);
      scales.maximize(squares);
      const double best = scales.bound(squares);
      const auto gradient = scales.gradient(squares);
      CHECK(gradient.mean.cwiseProduct(scales.sd()).cwiseAbs().maxCoeff() < 1e-7);
      CHECK(gradient.sd.cwiseProduct(scales.sd()).cwiseAbs().maxCoeff() < 1e-7);
      for (Index k = 0; k < scales.components(); ++k) {
        for (const double change : {-1e-3, 1e-3}) {
          ScalePosterior moved = scales;
          Vector mean = scales.mean(), sd = scales.sd();
          mean[k] += change * sd[k];
          moved.set(mean, sd);
          CHECK(moved.bound(squares) < best);
          sd[k] *= 1.0 + change;
          moved.set(scales.mean(), sd);
          CHECK(moved.bound(squares) < best);
        }
        ScalePosterior more = scales;
        more.maximize(squares * 1.0001);
        const double slope = 2.0 * (scales.effective_psi()[k] - more.effective_psi()[k]) / 1e-4;
        CHECK(-slope == Approx(scales.elasticity()[k]).epsilon(1e-3));
      }
    }
  }
}

TEST_CASE("the psi of a component without effects are those of their prior") {
  ScalePosterior scales(Hyperparameters({NormalPrior(-1.5, 0.6)}), Vector::Zero(1));
  scales.maximize(Vector::Zero(1));
  CHECK(scales.mean()[0] == -1.5);
  CHECK(scales.sd()[0] == Approx(0.6));
  CHECK(scales.bound(Vector::Zero(1)) == Approx(0.0).margin(1e-12));
}
