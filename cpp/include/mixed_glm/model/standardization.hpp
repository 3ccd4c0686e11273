// The coordinates of the fixed effects that a fit works in, and the exact way back.
//
// With x_j -> (x_j - m_j) / s_j for every column but the constant c, whose value is v, the linear
// predictor is the same for
//
//     beta_j = b_j / s_j,    beta_c = b_c - sum_j m_j / (s_j v) b_j,
//
// that is beta = T b. Without a constant column nothing could take up the shift, and columns are
// only scaled (m = 0). A prior with the means o is one about zero of b - o, beside an offset of
// X o: beta = T (b + o), b being what is fitted.
//
// Densities of beta are those of b, divided by |T|.
#pragma once

#include <mixed_glm/model/column_spread.hpp>

namespace mixed_glm {

// beta = T (b + o), o empty: zeros.
inline Vector coefficients_back(const Matrix& way, const Vector& origin, Vector b) {
  if (origin.size() > 0) b += origin;
  return way * b;
}

// p standard deviations of beta, from the covariance of b.
inline Vector coefficient_sds_back(const Matrix& way, const Matrix& covariance) {
  const Matrix half = way * covariance;
  return half.cwiseProduct(way).rowwise().sum().cwiseSqrt();
}

class Standardization {
 public:
  // Columns centred and scaled. prior_mean: of the coefficients of the columns as they were given,
  // the constant's at the means of the others; empty: zeros.
  explicit Standardization(const ColumnSpreads& columns, const Vector& prior_mean = {})
      : center_(Vector::Zero(columns.columns())),
        scale_(Vector::Ones(columns.columns())),
        constant_(columns.constant) {
    for (Index j = 0; j < columns.columns(); ++j) {
      if (!columns.varies(j)) continue;
      scale_[j] = columns.sd[j];
      if (constant_ >= 0) center_[j] = columns.mean[j];
    }
    if (prior_mean.size() > 0) origin_ = prior_mean.cwiseProduct(scale_);
    way_ = scale_.cwiseInverse().asDiagonal();
    if (constant_ < 0) return;
    const double value = columns.mean[constant_];
    way_.row(constant_) -= (center_.array() / (scale_.array() * value)).matrix().transpose();
  }
  // Columns as they stand, about other means of the priors of their coefficients.
  explicit Standardization(const Vector& prior_mean)
      : center_(Vector::Zero(prior_mean.size())),
        scale_(Vector::Ones(prior_mean.size())),
        origin_(prior_mean),
        way_(Matrix::Identity(prior_mean.size(), prior_mean.size())) {}

  // p, subtracted from each column; zeros without a constant.
  const Vector& center() const { return center_; }
  const Vector& scale() const { return scale_; }    // p, that they are divided by; 1 where constant
  const Vector& origin() const { return origin_; }  // p, o; empty: zeros
  const Matrix& matrix() const { return way_; }     // p x p, T
  Index constant() const { return constant_; }      // column that takes up the shift; -1: none
  double log_determinant() const { return -scale_.array().log().sum(); }  // log |det T|

  bool keeps_columns() const { return center_.isZero(0.0) && scale_.isOnes(0.0); }
  Matrix apply(const ConstMatrixRef& x) const {
    Matrix result = x.rowwise() - center_.transpose();
    for (Index j = 0; j < x.cols(); ++j) result.col(j) /= scale_[j];
    return result;
  }
  // The offset (n; empty: zeros) with the share of the origin. x: the columns that are fitted.
  Vector offset(const ConstVectorRef& offset, const ConstMatrixRef& x) const {
    if (origin_.size() == 0 || origin_.isZero(0.0)) return offset;
    Vector result = x * origin_;
    if (offset.size() > 0) result += offset;
    return result;
  }

  // (b, theta, u) -> (beta, theta, u)
  Vector params_back(const ConstVectorRef& params) const {
    Vector result = params;
    result.head(scale_.size()) = coefficients_back(way_, origin_, params.head(scale_.size()));
    return result;
  }
  // p x p
  Matrix covariance_back(const Matrix& covariance) const {
    const Matrix half = way_ * covariance;
    return half * way_.transpose();
  }

 private:
  Vector center_, scale_, origin_;
  Matrix way_;
  Index constant_ = -1;
};

}  // namespace mixed_glm
