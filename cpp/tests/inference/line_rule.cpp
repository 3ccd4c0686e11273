// Integration over one log standard deviation between few nodes: densities with known moments,
// tails that fall slowly, conditional posteriors, and whole fits against a fine grid.

#include <Eigen/Eigenvalues>
#include <catch2/catch.hpp>
#include <mixed_glm/inference/fit_marginal.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::random_design;
using test_support::random_model;

namespace {

// The likelihood of a standard deviation e^psi in a balanced Gaussian model: group means with
// variance s^2 around it.
struct BalancedLikelihood {
  double groups, squares, noise;  // noise: variance of a group mean

  double value(double psi) const {
    const double v = std::exp(2.0 * psi) + noise;
    return -0.5 * groups * std::log(v) - 0.5 * squares / v;
  }
  double slope(double psi) const {
    const double u = std::exp(2.0 * psi), v = u + noise;
    return u * (squares / v - groups) / v;
  }
};

struct LineMoments {
  double log_mass = 0.0, mean = 0.0, sd = 0.0;
  int evaluations = 0, points = 0;
};

template <class Sum>
LineMoments moments_of(Sum&& sum, double reference) {
  double mass = 0.0, first = 0.0, second = 0.0;
  sum([&](double x, double log_weight) {
    const double weight = std::exp(log_weight - reference);
    mass += weight;
    first += weight * x;
    second += weight * x * x;
  });
  LineMoments result;
  result.log_mass = reference + std::log(mass);
  result.mean = first / mass;
  result.sd = std::sqrt(second / mass - result.mean * result.mean);
  return result;
}

// Value and slope of a log density, to be integrated from `start`, near its mode.
template <class Node>
LineMoments by_line(const HyperPrior& prior, Node&& node, double start, double sd) {
  int evaluations = 0;
  LineNodes nodes(prior, node(start), sd);
  nodes.place([&](double x) -> std::optional<LineNode> {
    ++evaluations;
    return node(x);
  });
  const double mode = nodes.line().mode();
  const auto at = nodes.line().expand(mode);
  const double found = 1.0 / std::sqrt(at.curvature);
  const LineLattice lattice(nodes, mode, found);
  const double log_volume = std::log(lattice.step() * found);
  LineMoments result = moments_of(
      [&](auto&& add) {
        for (const auto& point : lattice.points()) add(point.psi, point.log_density + log_volume);
      },
      at.value);
  result.evaluations = evaluations;
  result.points = int(lattice.points().size());
  return result;
}

template <class Node>
LineMoments exactly(Node&& node, double start) {
  const double h = 1e-3;
  return moments_of(
      [&](auto&& add) {
        for (double x = -60.0; x < 25.0; x += h) add(x, node(x).value + std::log(h));
      },
      node(start).value);
}

// From any x, by Newton's method with a numerical slope of the slope.
template <class Node>
double mode_of(Node&& node, double x, double& sd) {
  for (int k = 0; k < 100; ++k) {
    const double bend = (node(x + 1e-5).slope - node(x - 1e-5).slope) / 2e-5;
    sd = 1.0 / std::sqrt(std::max(-bend, 1e-3));
    x += std::clamp(node(x).slope * sd * sd, -0.5, 0.5);
  }
  return x;
}

}  // namespace

TEST_CASE("the line rule is exact for a Gaussian") {
  const HyperPrior prior = NormalPrior(0.3, 2.0);
  const auto node = [&](double x) -> LineNode {
    const double z = (x + 0.4) / 0.25;
    return {x, 700.0 + prior.value(x) - 0.5 * z * z, prior.slope(x) - z / 0.25};
  };
  const double precision = 0.25 + 16.0, mean = (0.25 * 0.3 - 16.0 * 0.4) / precision;
  const LineMoments got = by_line(prior, node, mean, 1.0 / std::sqrt(precision));
  CHECK(got.evaluations == 4);
  CHECK(got.mean == Approx(mean).margin(1e-4));
  CHECK(got.sd == Approx(1.0 / std::sqrt(precision)).epsilon(1e-3));
  const double distance = mean - 0.3;
  const double from_likelihood = (mean + 0.4) / 0.25;
  const double top = 700.0 - 0.5 * from_likelihood * from_likelihood - 0.125 * distance * distance;
  CHECK(got.log_mass == Approx(top + 0.5 * log_two_pi - 0.5 * std::log(precision)).margin(1e-4));
}

TEST_CASE("the line rule finds the slopes of a part that is known by values") {
  const HyperPrior prior = NormalPrior(0.3, 1.0);
  const auto part = [](double x) { return -1.5 * std::log(0.4 + std::exp(-2.0 * x)); };
  const auto part_slope = [](double x) { return 3.0 / (1.0 + 0.4 * std::exp(2.0 * x)); };
  const double start = -0.4, sd = 0.14;
  const auto whole = [&](double x) -> LineNode {
    const double z = (x + 0.5) / 0.15;
    return {x, prior.value(x) - 0.5 * z * z + part(x), prior.slope(x) - z / 0.15 + part_slope(x)};
  };
  const auto held = [&](double x) -> LineNode {
    LineNode node = whole(x);
    node.slope += part_slope(start) - part_slope(x);
    node.part = part(x);
    return node;
  };
  const LineMoments got = by_line(prior, held, start, sd), exact = exactly(whole, start);
  CHECK(got.mean == Approx(exact.mean).margin(1e-3 * exact.sd));
  CHECK(got.sd == Approx(exact.sd).epsilon(2e-3));
  CHECK(got.log_mass == Approx(exact.log_mass).margin(1e-3));
}

TEST_CASE("the line rule reaches a tail of the prior without evaluations there") {
  // log Gamma(a): tail e^(a x) on the left. The likelihood is flat.
  for (const double shape : {0.5, 1.0, 4.0}) {
    const GammaPrior gamma(shape, 1.0);
    const HyperPrior prior = gamma;
    const auto node = [&](double x) -> LineNode { return {x, prior.value(x), prior.slope(x)}; };
    const double mode = gamma.mode(), sd = 1.0 / std::sqrt(shape);
    const LineMoments got = by_line(prior, node, mode, sd), exact = exactly(node, mode);
    CAPTURE(shape, got.evaluations, got.points);
    CHECK(got.evaluations <= 5);
    CHECK(got.points < 60);
    CHECK(got.log_mass == Approx(exact.log_mass).margin(5e-3));
    CHECK(got.mean == Approx(exact.mean).margin(0.01 * exact.sd));
    CHECK(got.sd == Approx(exact.sd).epsilon(0.01));
  }
}

TEST_CASE("the line rule has the moments of skewed densities") {
  const std::vector<HyperPrior> priors = {NormalPrior(0.0, 1.0), HalfNormalPrior(1.0),
                                          GammaPrior(1.0, 1.0), HalfTPrior(1.0, 1.0)};
  int evaluations = 0, fits = 0;
  for (const HyperPrior& prior : priors) {
    for (const double groups : {4.0, 20.0, 200.0}) {
      for (const double variance : {0.0, 0.1, 1.0, 9.0}) {
        for (const double noise : {0.05, 0.4}) {
          const BalancedLikelihood likelihood{groups, groups * (variance + noise), noise};
          const auto node = [&](double x) -> LineNode {
            return {x, prior.value(x) + likelihood.value(x), prior.slope(x) + likelihood.slope(x)};
          };
          double sd = 1.0;
          const double mode = mode_of(node, -0.5, sd);
          const LineMoments got = by_line(prior, node, mode, sd), exact = exactly(node, mode);
          CAPTURE(groups, variance, noise, mode, sd, got.evaluations, got.points, exact.sd);
          CHECK(got.mean == Approx(exact.mean).margin(0.01 * exact.sd));
          CHECK(std::log(got.sd / exact.sd) == Approx(0.0).margin(0.02));
          CHECK(got.log_mass == Approx(exact.log_mass).margin(0.01));
          evaluations += got.evaluations;
          ++fits;
        }
      }
    }
  }
  CHECK(evaluations <= 5 * fits);
}

TEST_CASE("nodes come nearer where the standard deviation was not known") {
  const HyperPrior prior = NormalPrior(0.0, 3.0);
  const BalancedLikelihood likelihood{100.0, 100.0, 0.3};
  const auto node = [&](double x) -> LineNode {
    return {x, prior.value(x) + likelihood.value(x), prior.slope(x) + likelihood.slope(x)};
  };
  double sd = 1.0;
  const double mode = mode_of(node, 0.0, sd);
  const LineMoments exact = exactly(node, mode);
  for (const double factor : {0.1, 0.4, 2.0, 5.0, 20.0}) {
    const LineMoments got = by_line(prior, node, mode, factor * sd);
    CAPTURE(factor, got.evaluations);
    CHECK(got.mean == Approx(exact.mean).margin(0.02 * exact.sd));
    CHECK(std::log(got.sd / exact.sd) == Approx(0.0).margin(0.04));
  }
}

TEST_CASE("what cannot be evaluated ends the line there, and is told where it matters") {
  const HyperPrior prior = NormalPrior(0.0, 1.0);
  for (const double end : {0.7, 2.0, 9.0}) {
    LineNodes nodes(prior, {0.0, 0.0, 0.0}, 1.0);
    nodes.place([&](double x) -> std::optional<LineNode> {
      if (x > end) return std::nullopt;
      return LineNode{x, -0.5 * x * x, -x};
    });
    const LineLattice lattice(nodes, 0.0, 1.0);
    double highest = 0.0;
    for (const auto& point : lattice.points()) highest = std::max(highest, point.psi);
    CAPTURE(end, highest);
    CHECK((nodes.left_out() > 0) == (end < 5.0));
    CHECK(highest < nodes.upper_limit());
    CHECK(highest > (end < 5.0 ? 0.5 : 3.5));
  }
  LineNodes alone(prior, {0.0, 0.0, 0.0}, 1.0);
  alone.place([](double) { return std::optional<LineNode>(); });
  CHECK(alone.left_out() > 1);
  CHECK(LineLattice(alone, 0.0, 1.0).points().size() == 1);
}

TEST_CASE("a second, higher mode is noticed") {
  const HyperPrior prior = NormalPrior(0.0, 9.0);
  const auto place = [&](double gain) {
    const auto node = [&](double x) -> LineNode {
      const double low = std::exp(-0.5 * x * x), z = x - 3.0;
      const double high = std::exp(gain - 0.5 * z * z);
      return {x, std::log(low + high), (-x * low - z * high) / (low + high)};
    };
    LineNodes nodes(prior, node(0.0), 1.0);
    nodes.place([&](double x) -> std::optional<LineNode> { return node(x); });
    return nodes.has_higher_mode();
  };
  CHECK(place(4.0));
  CHECK_FALSE(place(-4.0));
}

TEST_CASE("conditional posteriors of a balanced model are interpolated exactly") {
  const double data = 2.5;  // precision that the data give an effect
  const auto posterior_at = [&](double psi) {
    const double variance = 1.0 / (std::exp(-2.0 * psi) + data);
    ConditionalPosterior result;
    result.mean.resize(4);
    result.mean << 0.8 * variance * data, -2.0 * variance * data, 0.1, 5.0;
    result.fe_cov = Matrix::Identity(2, 2) * std::exp(0.2 * psi);
    result.fe_cov(0, 1) = result.fe_cov(1, 0) = 0.7 * std::exp(0.2 * psi);
    result.variance.resize(4);
    result.variance << variance, variance, result.fe_cov.diagonal();
    result.third = 0.4 * result.variance.array().pow(1.5);
    return result;
  };
  ConditionalLine::Knots knots(4);
  knots << -2.5, -1.0, -0.3, 0.8;
  std::vector<ConditionalPosterior> posteriors;
  std::vector<const ConditionalPosterior*> nodes;
  for (Index i = 0; i < 4; ++i) posteriors.push_back(posterior_at(knots[i]));
  for (const ConditionalPosterior& posterior : posteriors) nodes.push_back(&posterior);
  ConditionalLine line(knots, nodes, 2);
  for (const double psi : {-9.0, -2.5, -2.0, -0.5, 0.1, 0.8, 3.0}) {
    ConditionalPosterior got;
    line.evaluate(psi, got);
    const ConditionalPosterior exact = posterior_at(psi);
    CAPTURE(psi);
    CHECK((got.mean - exact.mean).norm() < 1e-10);
    CHECK((got.variance - exact.variance).norm() < 1e-10 * exact.variance.norm());
    CHECK((got.third - exact.third).norm() < 1e-10 * exact.third.norm() + 1e-300);
    CHECK((got.fe_cov - exact.fe_cov).norm() < 1e-10 * exact.fe_cov.norm());
  }
}

TEST_CASE("sums of coefficients that psi does not move are interpolated exactly") {
  ConditionalLine::Knots knots(5);
  knots << -2.5, -1.0, -0.3, 0.8, 1.4;
  std::vector<ConditionalPosterior> posteriors(5);
  std::vector<const ConditionalPosterior*> nodes;
  for (Index i = 0; i < 5; ++i) {
    ConditionalPosterior& posterior = posteriors[size_t(i)];
    const double moves = 0.01 * std::exp(-knots[i]);
    posterior.mean.resize(3);
    posterior.mean << 1.0 - moves, -1.2 - moves, 20.0 + moves;
    posterior.variance = Vector::Constant(3, 0.1 * std::exp(2.0 * knots[i]));
    posterior.fe_cov = Matrix::Constant(1, 1, posterior.variance[2]);
    nodes.push_back(&posterior);
  }
  ConditionalLine line(knots, nodes, 2);
  ConditionalPosterior got;
  for (double psi = -4.0; psi < 3.0; psi += 0.1) {
    line.evaluate(psi, got);
    CAPTURE(psi);
    CHECK(got.mean[0] + got.mean[2] == Approx(21.0).epsilon(1e-14));
    CHECK(got.mean[1] + got.mean[2] == Approx(18.8).epsilon(1e-14));
  }
}

TEST_CASE("interpolated covariances are positive definite, however the nodes differ") {
  test_support::Random random(3);
  ConditionalLine::Knots knots(5);
  knots << -3.0, -1.0, 0.0, 0.5, 2.0;
  std::vector<ConditionalPosterior> posteriors(5);
  std::vector<const ConditionalPosterior*> nodes;
  for (ConditionalPosterior& posterior : posteriors) {
    const Matrix root = random.normal_matrix(4, 4);
    posterior.fe_cov = root * root.transpose();
    posterior.mean = random.normal_matrix(7, 1);
    posterior.variance = Vector::Constant(7, 0.1);
    nodes.push_back(&posterior);
  }
  posteriors[2].fe_cov = Vector::Ones(4) * Vector::Ones(4).transpose();  // singular
  ConditionalLine line(knots, nodes, 1);
  ConditionalPosterior got;
  for (double psi = -6.0; psi < 5.0; psi += 0.1) {
    line.evaluate(psi, got);
    CAPTURE(psi);
    CHECK(got.fe_cov.allFinite());
    const Vector scale = got.fe_cov.diagonal().cwiseSqrt().cwiseInverse();
    const Matrix correlation = scale.asDiagonal() * got.fe_cov * scale.asDiagonal();
    CHECK(Eigen::SelfAdjointEigenSolver<Matrix>(correlation).eigenvalues().minCoeff() > -1e-12);
    CHECK((got.variance.tail(4) - got.fe_cov.diagonal()).norm() == 0.0);
  }
}

TEST_CASE("fits by the line rule agree with those by a fine grid") {
  for (const Family& family : test_support::all_families()) {
    for (const unsigned seed : {1U, 2U}) {
      const auto source = random_design(test_support::Shape::one_factor, 150, 2, seed);
      const Design design = source.design();
      if (design.components() != 1) continue;
      const Model model = random_model(design, source, family, seed);
      LaplaceMarginal marginal(model);
      MarginalFitSettings line, grid;
      grid.integrate = Integrate::grid;
      grid.grid = GridSettings{0.25, 14.0};
      const MarginalFit got = fit_marginal(marginal, Vector::Zero(1), line);
      marginal.reset();
      const MarginalFit exact = fit_marginal(marginal, Vector::Zero(1), grid);
      CAPTURE(family_name(family), seed, got.integration.evaluations);
      CHECK(got.status == FitStatus::converged);
      CHECK(got.integration.rule == Integrate::line);
      CHECK(got.integration.evaluations <= 6);
      CHECK(exact.integration.evaluations > 30);
      const auto sd = exact.posterior.sd.array();
      CHECK(((got.posterior.mean - exact.posterior.mean).array() / sd).abs().maxCoeff() < 0.01);
      // Effects of separated groups, whose Laplace means grow without end in psi, set the bound.
      CHECK((got.posterior.sd.array() / sd).log().abs().maxCoeff() < 0.03);
      CHECK(std::abs(std::log(got.posterior.sd[2] / sd[2])) < 0.01);
      CHECK(got.posterior.log_evidence == Approx(exact.posterior.log_evidence).margin(0.005));
      CHECK(got.mode.log_density == Approx(exact.mode.log_density).margin(1e-3));
      CHECK(std::abs(got.mode.psi[0] - exact.mode.psi[0]) < 0.02 * sd[2]);
    }
  }
}

TEST_CASE("without points a fit has the same sums") {
  const auto source = random_design(test_support::Shape::one_factor, 120, 2, 4);
  const Design design = source.design();
  const Model model = random_model(design, source, PoissonLog(), 4);
  LaplaceMarginal marginal(model);
  MarginalFitSettings settings;
  settings.integrate = Integrate::line;
  const MarginalFit full = fit_marginal(marginal, Vector::Zero(1), settings);
  settings.keep_points = false;
  marginal.reset();
  const MarginalFit sums = fit_marginal(marginal, Vector::Zero(1), settings);
  CHECK(full.posterior.mean == sums.posterior.mean);
  CHECK(full.posterior.sd == sums.posterior.sd);
  CHECK(full.posterior.fe_cov == sums.posterior.fe_cov);
  CHECK(full.posterior.points.front().vc_mean.size() == design.effects());
  CHECK(sums.posterior.points.front().vc_mean.size() == 0);
}

TEST_CASE("the line is for one component") {
  CHECK(resolve(Integrate::automatic, 1) == Integrate::line);
  CHECK(resolve(Integrate::line, 0) == Integrate::mode);
  CHECK(resolve(Integrate::automatic, 2) == Integrate::grid);
  CHECK_THROWS_AS(resolve(Integrate::line, 2), std::invalid_argument);
}
