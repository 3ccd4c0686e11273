// Gauss-Hermite rules against known moments, and their weights in the tails in long double.

#include <catch2/catch.hpp>
#include <mixed_glm/math/gauss_hermite.hpp>
#include <vector>

using mixed_glm::GaussHermite;
using mixed_glm::Index;

namespace {

constexpr long double pi = 3.14159265358979323846264338327950288L;

// 1 / sum_{j<n} psi_j(x)^2 in extended precision.
long double christoffel(Index n, long double x) {
  long double before = 0.0L, now = std::exp(-0.5L * x * x) / std::pow(pi, 0.25L), squares = 0.0L;
  for (Index j = 0; j < n; ++j) {
    squares += now * now;
    const auto k = static_cast<long double>(j + 1);
    const long double next = x * std::sqrt(2.0L / k) * now - std::sqrt((k - 1.0L) / k) * before;
    before = now;
    now = next;
  }
  return 1.0L / squares;
}

// The zero of the Hermite function psi_n next to x, by Newton's method in extended precision.
long double nearest_zero(Index n, long double x) {
  for (int step = 0; step < 20; ++step) {
    long double before = 0.0L, now = std::exp(-0.5L * x * x) / std::pow(pi, 0.25L);
    for (Index j = 0; j < n; ++j) {
      const auto k = static_cast<long double>(j + 1);
      const long double next = x * std::sqrt(2.0L / k) * now - std::sqrt((k - 1.0L) / k) * before;
      before = now;
      now = next;
    }
    x -= now / (std::sqrt(2.0L * static_cast<long double>(n)) * before);
  }
  return x;
}

}  // namespace

TEST_CASE("Gauss-Hermite rules integrate all moments that they should") {
  for (const Index n : {1, 2, 3, 5, 15, 25, 50, 100}) {
    const GaussHermite rule(n);
    REQUIRE(rule.nodes.size() == n);
    for (Index m = 0; m <= 2 * n - 1; ++m) {
      // int x^m exp(-x^2) dx = Gamma((m + 1) / 2) for even m. Terms as logarithms: they overflow.
      const double exact = std::lgamma(0.5 * double(m + 1));
      double even = 0.0, odd = 0.0;
      for (Index k = 0; k < n; ++k) {
        const double x = rule.nodes[k];
        if (x == 0.0 && m > 0) continue;
        const double power = m == 0 ? 0.0 : double(m) * std::log(std::abs(x));
        const double term = std::exp(rule.log_weights[k] - x * x + power - exact);
        even += term;
        odd += x < 0.0 ? -term : term;
      }
      CAPTURE(n, m);
      if (m % 2 == 0) {
        CHECK(even == Approx(1.0).epsilon(2e-11));
      } else {
        CHECK(std::abs(odd) < 1e-12);
      }
    }
  }
}

TEST_CASE("nodes are zeros and weights have full relative accuracy in the tails") {
  for (const Index n : {2, 7, 25, 64, 100, 200}) {
    const GaussHermite rule(n);
    for (Index k = 0; k < n; ++k) {
      CAPTURE(n, k, rule.nodes[k]);
      const long double zero = nearest_zero(n, static_cast<long double>(rule.nodes[k]));
      CHECK(std::abs(rule.nodes[k] - double(zero)) <= 4e-15 * (1.0 + std::abs(rule.nodes[k])));
      const auto exact = double(std::log(christoffel(n, zero)));
      CHECK(std::abs(rule.log_weights[k] - exact) < 2e-12);
      if (k > 0) CHECK(rule.nodes[k] > rule.nodes[k - 1]);
      CHECK(rule.nodes[k] == -rule.nodes[n - 1 - k]);
      CHECK(rule.log_weights[k] == rule.log_weights[n - 1 - k]);
    }
  }
}

TEST_CASE("the rules of one and of two nodes are known") {
  CHECK(GaussHermite(1).nodes[0] == Approx(0.0).margin(1e-16));
  CHECK(GaussHermite(1).log_weights[0] == Approx(0.5 * std::log(double(pi))));
  CHECK(GaussHermite(2).nodes[1] == Approx(std::sqrt(0.5)));
  CHECK(GaussHermite(2).log_weights[1] == Approx(0.5 + std::log(0.5 * std::sqrt(double(pi)))));
}

TEST_CASE("numbers of nodes without sense are refused") {
  for (const Index n : {-1, 0, 201}) CHECK_THROWS_AS(GaussHermite(n), std::invalid_argument);
}
