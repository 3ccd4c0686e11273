// A team of threads gives the bits that one thread gives, for designs of every shape.

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <mixed_glm/fit/approximation.hpp>
#include <mixed_glm/model/start_sites.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_shapes;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

namespace {

// Three chunks, of which the last is not full.
constexpr Index team_rows = 2500;

bool same_bits(const Vector& a, const Vector& b) {
  return a.size() == b.size() && (a.array() == b.array()).all();
}

struct PassSums {
  double value = 0.0;
  Vector gradient, curvature;
};

template <class Sites>
PassSums pass_of(const Model& model, const Sites& sites, const Vector& at, Team* team) {
  RowTeam rows_of(model.design(), team);
  REQUIRE(rows_of.members() == (team == nullptr ? 1 : team->size()));
  PassSums result;
  result.gradient = Vector::Zero(model.design().coefficients());
  result.curvature = Vector::Zero(model.design().pattern().size());
  result.value = pass_rows<2>(model, sites, at, &result.gradient, result.curvature.data(), rows_of);
  CHECK(pass_rows<0>(model, sites, at, nullptr, nullptr, rows_of) == result.value);
  return result;
}

void check_passes(const Model& model, Team& team) {
  const Vector at = 0.3 * test_support::Random(4).normal_matrix(model.design().coefficients(), 1);
  const auto check = [&](const auto& sites) {
    const PassSums one = pass_of(model, sites, at, nullptr),
                   many = pass_of(model, sites, at, &team);
    CHECK(one.value == many.value);
    CHECK(same_bits(one.gradient, many.gradient));
    CHECK(same_bits(one.curvature, many.curvature));
  };
  check(LikelihoodSites(model, model.family()));
  check(StartSites(model, model.family()));
}

struct MarginalValues {
  double log_density = 0.0;
  Vector gradient, information, mean, variance;
};

MarginalValues marginal_values(const Model& model, const Approximation& approximation, Team* team) {
  NewtonSettings inner = marginal_newton_settings();
  inner.team = team;
  const auto marginal = make_marginal(model, approximation, inner);
  Vector psi;
  for (const double level : {-0.5, -0.2}) {  // the second from a warm start
    psi = Vector::Constant(model.design().components(), level);
    REQUIRE(marginal->evaluate(psi));
  }
  const ConditionalPosterior posterior = marginal->posterior();
  return {marginal->log_density(), marginal->gradient(psi), marginal->information(psi),
          posterior.mean, posterior.variance};
}

void check_evaluations(const Model& model, const Approximation& approximation, Team& team) {
  const MarginalValues one = marginal_values(model, approximation, nullptr);
  const MarginalValues many = marginal_values(model, approximation, &team);
  CHECK(one.log_density == many.log_density);
  CHECK(same_bits(one.gradient, many.gradient));
  CHECK(same_bits(one.information, many.information));
  CHECK(same_bits(one.mean, many.mean));
  CHECK(same_bits(one.variance, many.variance));
}

}  // namespace

TEST_CASE("passes over the rows have the same bits on any number of threads") {
  for (const Shape shape : all_shapes()) {
    const auto source = random_design(shape, team_rows, 3, 11);
    const Design design = source.design();
    const Model model = random_model(design, source, PoissonLog(), 3);
    for (const int threads : {2, 3, 7}) {
      CAPTURE(int(shape), threads);
      Team team(threads, 0);
      check_passes(model, team);
    }
  }
}

TEST_CASE("so do designs whose rows are merged, and those without fixed effects") {
  auto source = random_design(Shape::crossed, 6000, 2, 5);
  source.x = (source.x.array() > 0.0).cast<double>();
  source.offset.setZero();
  const auto merged =
      Design::merged(source.x, source.sparse_rows(), source.ident, source.components, Vector());
  Team team(3, 0);
  check_passes(random_model(*merged, source, BinomialLogit(), 2), team);

  const auto bare = random_design(Shape::nested, team_rows, 0, 5);
  const Design design = bare.design();
  check_passes(random_model(design, bare, BinomialLogit(), 2), team);
}

TEST_CASE("marginal densities have the same bits on any number of threads") {
  Team team(3, 0);
  for (const Shape shape : {Shape::one_factor, Shape::crossed, Shape::slopes, Shape::scaled}) {
    CAPTURE(int(shape));
    const auto source = random_design(shape, team_rows, 3, 2);
    const Design design = source.design();
    const Model model = random_model(design, source, BinomialLogit(), 3);
    check_evaluations(model, {ApproximationName::laplace, -1, 0, true}, team);
    check_evaluations(model, {ApproximationName::ep, -1, 7, true}, team);
    if (design.largest_single() >= 0)
      check_evaluations(model, {ApproximationName::leaf, -1, 9, true}, team);
  }
}

TEST_CASE("so have factorizations and inverses that a team works on") {
  Team team(3, 0);
  for (const Shape shape : {Shape::one_factor, Shape::crossed, Shape::nested}) {
    CAPTURE(int(shape));
    const auto source = random_design(shape, 5000, 2, 3);
    const Design design = source.design(Factorization::exact);
    REQUIRE(design.pattern().sparse() > 1024);
    if (shape == Shape::crossed) REQUIRE(design.pattern().tail() > 500);
    const Model model = random_model(design, source, PoissonLog(), 3);
    check_evaluations(model, {ApproximationName::laplace, -1, 0, true}, team);
  }
}

TEST_CASE("few rows are left to one thread") {
  const auto source = random_design(Shape::one_factor, 100, 2, 3);
  const Design design = source.design();
  Team team(2);
  CHECK(team.size() == 2);
  CHECK(RowTeam(design, &team).members() == 1);
  CHECK(RowTeam(design).members() == 1);
}

TEST_CASE("what a member of a team throws arrives, and the team can go on") {
  Team team(3, 0);
  const auto all = [](int, Index) {};
  for (const Index bad : {0, 7, 19}) {
    const auto fail = [&](int, Index chunk) {
      if (chunk == bad) throw std::runtime_error("no");
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    };
    CHECK_THROWS_AS(run_in_order(&team, 20, fail, all), std::runtime_error);
    CHECK_THROWS_AS(run_in_order(&team, 20, all, fail), std::runtime_error);
  }
  std::vector<Index> order;
  run_in_order(&team, 200, all, [&](int, Index chunk) { order.push_back(chunk); });
  CHECK(order.size() == 200);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("every member of a team takes part, at most once in each piece of work") {
  Team team(4, 0);
  std::vector<std::atomic<int>> visits(size_t(team.size()));
  for (int k = 0; k < 300; ++k) {
    std::atomic<int> here{0};
    std::vector<std::atomic<int>> own(size_t(team.size()));
    team.run([&](int member) {
      ++visits[size_t(member)];
      ++own[size_t(member)];
      ++here;
      const bool all_are_waited_for = k % 10 == 0;
      while (all_are_waited_for && here < team.size()) std::this_thread::yield();
    });
    for (const auto& count : own) CHECK(count <= 1);
    if (k % 100 == 50) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  CHECK(visits.front() == 300);
  for (const auto& count : visits) CHECK(count >= 30);
  CHECK(Team(1).size() == 1);
}
