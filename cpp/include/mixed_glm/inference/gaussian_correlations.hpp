// Moments of correlations whose z have a joint normal distribution: by the cubature of degree
// three, two points on each of the axes of its covariance, at sqrt(s) standard deviations for s of
// them.
#pragma once

#include <Eigen/Cholesky>
#include <mixed_glm/model/hyperparameters.hpp>

namespace mixed_glm {

// theta ~ N(mode, covariance). mean and sd: of the hyperparameters as they are told, of which the
// correlations' are set.
inline void set_correlations(const Hyperparameters& hyper, const Vector& mode,
                             const Matrix& covariance, VectorRef mean, VectorRef sd) {
  hyper.for_correlated([&](const Hyperparameters::Block& block, Index order) {
    const Index s = block.size;
    const Matrix root =
        std::sqrt(double(s)) *
        Matrix(Eigen::LLT<Matrix>(covariance.block(block.begin, block.begin, s, s)).matrixL());
    Vector first = Vector::Zero(s), second = Vector::Zero(s);
    PartialCorrelations partial(order);
    for (Index k = 0; k < s; ++k) {
      for (const double side : {-1.0, 1.0}) {
        partial.set(Vector(mode.segment(block.begin, s) + side * root.col(k)));
        const Vector rho = partial.correlations();
        first += rho / double(2 * s);
        second += rho.cwiseAbs2() / double(2 * s);
      }
    }
    mean.segment(block.begin, s) = first;
    sd.segment(block.begin, s) = (second - first.cwiseAbs2()).cwiseMax(0.0).cwiseSqrt();
  });
}

}  // namespace mixed_glm
