// Densities whose moments are known, with their gradients.
#pragma once

#include <Eigen/Cholesky>
#include <cmath>
#include <mixed_glm/ridge/probe_axes.hpp>

#include "random_design.hpp"

namespace test_support {

using mixed_glm::Evaluation;
using mixed_glm::LogDensity;

// Correlated, far from normalized.
struct Gaussian {
  Vector mean;
  Matrix precision;

  explicit Gaussian(Index k) : mean(Random(1).normal_matrix(k, 1)) {
    const Matrix factor = Random(2).normal_matrix(k, k);
    precision = factor * factor.transpose() / double(k) + 0.3 * Matrix::Identity(k, k);
  }
  Evaluation evaluate(const Vector& x) const {
    const Vector pull = precision * (mean - x);
    return {700.0 - 0.5 * pull.dot(mean - x), pull};
  }
  double log_mass() const {
    const Eigen::LLT<Matrix> llt(precision);
    const Vector diagonal = llt.matrixLLT().diagonal();
    return 700.0 + 0.5 * double(mean.size()) * mixed_glm::log_two_pi - diagonal.array().log().sum();
  }
};

// Independent log x_k, x_k ~ Gamma(shape): a tail exp(shape psi) on the left, a double exponential
// one on the right.
struct LogGamma {
  Vector shape;

  Evaluation evaluate(const Vector& psi) const {
    const auto rate = psi.array().exp();
    return {(shape.array() * psi.array() - rate).sum(), shape.array() - rate};
  }
  Vector mode() const { return shape.array().log(); }
  Matrix precision() const { return shape.asDiagonal(); }
  double top() const { return evaluate(mode()).value; }
  double log_mass() const {
    double sum = 0.0;
    for (const double s : shape) sum += std::lgamma(s);
    return sum;
  }
  LogDensity log_density() const {
    return [*this](const Vector& psi) { return evaluate(psi); };
  }
};

// x ~ N(0, 1), y | x ~ N(0.4 (x^2 - 1), 1): mean 0, variances 1 and 1.32, uncorrelated.
struct Banana {
  Evaluation evaluate(const Vector& x) const {
    const double off = x[1] - 0.4 * (x[0] * x[0] - 1.0);
    const Vector gradient = (Vector(2) << -x[0] + 0.8 * x[0] * off, -off).finished();
    return {-0.5 * (x[0] * x[0] + off * off), gradient};
  }
  Vector mode() const { return (Vector(2) << 0.0, -0.4).finished(); }
  Matrix precision() const { return Matrix::Identity(2, 2); }
  double top() const { return 0.0; }
  LogDensity log_density() const {
    return [*this](const Vector& x) { return evaluate(x); };
  }
};

}  // namespace test_support
