// The product of m Gauss-Hermite rules of n nodes, for integrals that are nearly those of a normal
// density in m coordinates,
//
//     int f(x) dx = sum_k exp(log_weight_k) f(x_k)
//
// without the corners where a normal density about the origin has fallen by a factor of e^-30.
#pragma once

#include <mixed_glm/math/gauss_hermite.hpp>
#include <vector>

namespace mixed_glm {

struct ProductRule {
  Matrix nodes;        // K x m
  Vector log_weights;  // K

  ProductRule(Index n, Index m) {
    check(n, m);
    const GaussHermite line(n);
    const double centre = line.nodes.cwiseAbs().minCoeff();
    std::vector<Index> at(size_t(m), 0), kept;
    Index count = 0;
    for (bool more = true; more; more = advance(at, n)) {
      double square = 0.0;
      for (const Index k : at) square += line.nodes[k] * line.nodes[k] - centre * centre;
      if (square > most_nats) continue;
      kept.insert(kept.end(), at.begin(), at.end());
      ++count;
    }
    nodes.resize(count, m);
    log_weights.setZero(count);
    for (Index k = 0; k < count; ++k) {
      for (Index c = 0; c < m; ++c) {
        const Index on_line = kept[size_t(k * m + c)];
        nodes(k, c) = line.nodes[on_line];
        log_weights[k] += line.log_weights[on_line];
      }
    }
  }

 private:
  static constexpr double most_nats = 30.0;
  static constexpr double most_nodes = 16000.0;

  static void check(Index n, Index m) {
    if (!(std::pow(double(n), double(m)) > most_nodes)) return;
    const auto most = Index(std::pow(most_nodes, 1.0 / double(m)));
    throw std::invalid_argument(
        "n_quad: expected at most " + std::to_string(most) + " nodes for each of " +
        std::to_string(m) + " components that are integrated together, got " + std::to_string(n));
  }

  // The next of all combinations, the first coordinate moving fastest; false after the last.
  static bool advance(std::vector<Index>& at, Index n) {
    for (Index& k : at) {
      if (++k < n) return true;
      k = 0;
    }
    return false;
  }
};

}  // namespace mixed_glm
