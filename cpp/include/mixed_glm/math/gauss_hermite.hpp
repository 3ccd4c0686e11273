// Gauss-Hermite quadrature in the form that adaptive rules need:
//
//     int f(x) dx = sum_k weight_k f(x_k),   weight_k = exp(x_k^2) w_k
//
// where w_k are the classical weights for exp(-x^2). With the orthonormal Hermite functions psi_j,
// weight_k = 1 / sum_{j<n} psi_j(x_k)^2, which has full relative accuracy in the tails, where the
// classical weights underflow (Golub and Welsch 1969 for the nodes, then Newton's method).
#pragma once

#include <Eigen/Eigenvalues>
#include <cmath>
#include <mixed_glm/typedefs.hpp>
#include <stdexcept>

namespace mixed_glm {

struct GaussHermite {
  Vector nodes;        // n, increasing
  Vector log_weights;  // n, of the unweighted integral

  explicit GaussHermite(Index n) {
    if (n < 1 || n > 200) {
      throw std::invalid_argument("n_quad: expected 1 to 200 nodes, got " + std::to_string(n));
    }
    log_weights.resize(n);
    Vector beside(n - 1);  // the diagonal of the Jacobi matrix, which is zero
    for (Index j = 1; j < n; ++j) beside[j - 1] = std::sqrt(0.5 * double(j));
    Eigen::SelfAdjointEigenSolver<Matrix> jacobi;
    jacobi.computeFromTridiagonal(Vector::Zero(n), beside, Eigen::EigenvaluesOnly);
    nodes = jacobi.eigenvalues();
    for (Index k = 0; k < n; ++k) {
      for (int polish = 0; polish < 2; ++polish) nodes[k] -= functions(nodes[k]).newton;
      log_weights[k] = -std::log(functions(nodes[k]).squares);
    }
    symmetrize();
  }

 private:
  struct Functions {
    double squares;  // sum_{j<n} psi_j^2
    double newton;   // psi_n / psi_n' at a zero of psi_n
  };

  Functions functions(double x) const {
    const Index n = nodes.size();
    double before = 0.0, now = std::exp(-0.5 * x * x) / std::pow(3.14159265358979323846, 0.25);
    double squares = 0.0;
    for (Index j = 0; j < n; ++j) {
      squares += now * now;
      const double next =
          x * std::sqrt(2.0 / double(j + 1)) * now - std::sqrt(double(j) / double(j + 1)) * before;
      before = now;
      now = next;
    }
    return {squares, now / (std::sqrt(2.0 * double(n)) * before)};
  }

  void symmetrize() {
    const Vector mirrored = -nodes.reverse();
    nodes = 0.5 * (nodes + mirrored);
    const Vector reversed = log_weights.reverse();
    log_weights = 0.5 * (log_weights + reversed);
  }
};

}  // namespace mixed_glm
