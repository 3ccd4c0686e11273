// Weights of a sample, moved as little as can be so that functions whose means are known to be zero
// have a mean of zero (Deville and Sarndal 1992; the weights of control variates):
//
//     omega = w * D (D' W D)^-1 e_1,   D = [1, features],   W = diag(w)
//
// A mean with them is the intercept of a weighted regression on the features: exact for whatever is
// a constant and a combination of them.
#pragma once

#include <Eigen/Cholesky>
#include <cmath>
#include <mixed_glm/linalg/multiply.hpp>

namespace mixed_glm {

// A weight, of those that sum to one, that is as good as none.
constexpr double negligible_weight = 1e-12;

class CalibratedWeights {
 public:
  // weights: not negative, summing to one; features: sample x functions.
  CalibratedWeights(const Vector& weights, const Matrix& features)
      : weights_(weights),
        plain_((weights.array() > negligible_weight).select(weights, 0.0)),
        design_(features.rows(), features.cols() + 1) {
    design_.col(0).setOnes();
    design_.rightCols(features.cols()) = features;
    for (int round = 0; round < most_rounds; ++round) {
      if (!solve()) {
        weights_ = weights;
        return;
      }
      if ((calibrated_.array() >= 0.0).all()) break;
      plain_ = (calibrated_.array() > 0.0).select(plain_, 0.0);  // and once more without these
    }
    weights_ = calibrated_.cwiseMax(0.0);
    weights_ /= weights_.sum();
  }

  const Vector& weights() const { return weights_; }

  // Standard error of the mean of a function with these weights, had the sample been random.
  double standard_error(const Vector& function) const {
    const Vector weighted = plain_.cwiseProduct(function);
    const Vector product = design_.transpose() * weighted;
    const Vector residual = function - design_ * factor_.solve(product);
    const double points = double((plain_.array() > 0.0).count());
    const double left = std::max(points - double(design_.cols()), 1.0);
    return plain_.cwiseProduct(residual).norm() * std::sqrt(points / left);
  }

 private:
  static constexpr int most_rounds = 10;
  static constexpr double relative_ridge = 1e-8;  // features may nearly depend on each other

  bool solve() {
    const Matrix scaled = plain_.cwiseSqrt().asDiagonal() * design_;
    Matrix gram = Matrix::Zero(design_.cols(), design_.cols());
    add_lower_ata(scaled, gram);
    gram.diagonal() *= 1.0 + relative_ridge;
    factor_.compute(gram);
    if (factor_.info() != Eigen::Success) return false;
    const Vector unit = Vector::Unit(design_.cols(), 0);
    calibrated_ = plain_.cwiseProduct(design_ * factor_.solve(unit));
    return calibrated_.allFinite() && calibrated_.maxCoeff() > 0.0;
  }

  Vector weights_, plain_, calibrated_;
  Matrix design_;
  Eigen::LLT<Matrix> factor_;
};

}  // namespace mixed_glm
