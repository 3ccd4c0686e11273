// Draws from a tabulated density on the line: quantiles and densities against numerical integrals.

#include <catch2/catch.hpp>
#include <cmath>
#include <mixed_glm/sampling/line_density.hpp>
#include <vector>

using namespace mixed_glm;

namespace {

// h(u) = y (eta + u) - exp(eta + u) - u^2 / (2 sd^2): a count's log likelihood and a normal prior.
struct Count {
  double y, eta, sd;
  double value(double u) const {
    return y * (eta + u) - std::exp(eta + u) - 0.5 * u * u / (sd * sd);
  }
  double slope(double u) const { return y - std::exp(eta + u) - u / (sd * sd); }
  double curvature(double u) const { return std::exp(eta + u) + 1.0 / (sd * sd); }
  double mode() const {
    double u = 0.0;
    for (int k = 0; k < 300; ++k) u += std::clamp(slope(u) / curvature(u), -1.0, 1.0);
    return u;
  }
};

// The distribution function and the log normalizer, by the midpoint rule.
struct Integral {
  Integral(const Count& h, double mode, double scale) : low(mode - 60.0 * scale) {
    step = 80.0 * scale / points;
    double sum = 0.0;
    for (int i = 0; i < points; ++i) {
      sum += std::exp(h.value(low + step * (i + 0.5)) - h.value(mode));
      cumulative.push_back(sum);
    }
    log_normalizer = h.value(mode) + std::log(sum * step);
  }
  double probability(double u) const {
    const auto i = static_cast<size_t>(std::clamp((u - low) / step, 0.0, points - 1.0));
    return cumulative[i] / cumulative.back();
  }

  static constexpr int points = 400000;
  double low, step, log_normalizer = 0.0;
  std::vector<double> cumulative;
};

}  // namespace

TEST_CASE("Quantiles of a tabulated density, skew or wide, and their densities") {
  for (const Count& h : {Count{9, -3, 8}, Count{0, 0, 3}, Count{1, 2, 0.5}, Count{200, 0, 30}}) {
    const double mode = h.mode(), scale = 1.0 / std::sqrt(h.curvature(mode));
    const Integral exact(h, mode, scale);
    DensityNodes places;
    places.place(mode, scale, h.sd);
    const DensityNodes::Table nodes = places.all();
    LineDensity density;
    density.tabulate(places, nodes.unaryExpr([&](double u) { return h.value(u); }).eval(),
                     nodes.unaryExpr([&](double u) { return h.slope(u); }).eval());
    for (const double p : {0.001, 0.025, 0.3, 0.5, 0.9, 0.975, 0.999}) {
      const LineDensity::Draw draw = density.quantile(p);
      CHECK(exact.probability(draw.value) == Approx(p).margin(0.0005));
      CHECK(draw.log_density == Approx(h.value(draw.value) - exact.log_normalizer).margin(0.05));
    }
  }
}

TEST_CASE("The ends of a tabulated density are finite, whatever the values far out") {
  DensityNodes places;
  places.place(0.0, 1.0, 100.0);
  const DensityNodes::Table nodes = places.all();
  LineDensity density;
  const double infinity = std::numeric_limits<double>::infinity();
  const auto value = [&](double u) { return u > 20.0 ? -infinity : -0.5 * u * u; };
  const auto slope = [&](double u) { return u > 20.0 ? -infinity : -u; };
  density.tabulate(places, nodes.unaryExpr(value).eval(), nodes.unaryExpr(slope).eval());
  for (const double p : {0.0, 1e-300, 0.5, 1.0 - 1e-16, 1.0}) {
    const LineDensity::Draw draw = density.quantile(p);
    CHECK(std::isfinite(draw.log_density));
    CHECK(draw.value < 10.0);
    if (p > 1e-20) CHECK(draw.value > -10.0);
  }
  CHECK(density.quantile(0.975).value == Approx(1.96).margin(0.01));
}
