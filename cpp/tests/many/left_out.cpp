// Log marginals without some rows: those of models made without them, on any number of threads.

#include <catch2/catch.hpp>
#include <mixed_glm/many/left_out.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::random_design;
using test_support::Shape;

namespace {

// As a program would find it that knew nothing of the others.
double log_density_alone(const LeftOutProblem& problem, const Vector& weights, Index point) {
  const ResponseBatch batch{problem.all.endog, problem.all.trials, problem.all.offset, weights};
  ReloadableModel model(problem.design, problem.family, problem.prior);
  REQUIRE(model.load(batch, 0));
  const auto marginal = make_marginal(model.model(), problem.approximation, NewtonSettings());
  REQUIRE(marginal->evaluate(problem.points.col(point)));
  return marginal->log_density();
}

}  // namespace

TEST_CASE("log marginals without some rows are those of models without them") {
  const auto source = random_design(Shape::one_factor, 40, 2, 3);
  const Design design = source.design();
  const Index n = source.x.rows();
  Matrix y(n, 1), trials = Matrix::Constant(n, 1, 2.0);
  for (Index i = 0; i < n; ++i) y(i, 0) = double(i * i % 3);
  const Vector weights = Vector::Ones(n);
  const Prior prior{Vector::Constant(design.fixed(), 2.0),
                    Vector::Constant(design.components(), 0.8)};
  Matrix points(design.components(), 2);
  points.col(0).setConstant(-0.8);
  points.col(1).setConstant(0.3);
  const ResponseBatch all{y, trials, source.offset, weights};
  const std::vector<std::vector<Index>> sets = {{0}, {5}, {1, 2, 7}, {n - 1}, {}};
  for (const Family& family : {Family(BinomialLogit()), Family(PoissonLog())}) {
    for (const Approximation& approximation :
         {Approximation(),
          Approximation{ApproximationName::leaf, design.largest_single(), 15, true},
          Approximation{ApproximationName::ep, -1, 11, true}}) {
      const LeftOutProblem problem{design, family, prior, nullptr, approximation, all, points};
      const auto found = log_ratios_without(problem, sets, 1);
      REQUIRE(found.has_value());
      CHECK(log_ratios_without(problem, sets, 2) == found);
      for (Index k = 0; k < points.cols(); ++k) {
        const double everything = log_density_alone(problem, weights, k);
        for (size_t j = 0; j < sets.size(); ++j) {
          Vector rest = weights;
          for (const Index i : sets[j]) rest[i] = 0.0;
          const double expected = log_density_alone(problem, rest, k) - everything;
          CHECK((*found)(k, Index(j)) == Approx(expected).margin(2e-3));
        }
      }
    }
  }
}
