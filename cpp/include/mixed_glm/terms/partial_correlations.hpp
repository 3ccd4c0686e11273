// Correlation matrices R = C C' of order m by numbers z without bounds, m(m-1)/2 of them, in the
// order of the lower triangle, row by row: canonical partial correlations tanh(z) (Lewandowski,
// Kurowicka and Joe 2009), of which C is the lower triangular matrix
//
//     C_rc = tanh(z_rc) prod_{k<c} sech(z_rk), c < r      C_rr = prod_{k<r} sech(z_rk)
//
// An entry is a product of functions of one z each, all of its row: so are its derivatives.
#pragma once

#include <algorithm>
#include <cmath>
#include <mixed_glm/terms/correlated_levels.hpp>
#include <mixed_glm/typedefs.hpp>
#include <vector>

namespace mixed_glm {

// A matrix of this order at most, without memory from the heap.
using SmallMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor,
                                  most_correlated, most_correlated>;

// Number of z in row r > c.
constexpr Index lower_entry(Index r, Index c) { return lower_entries(r) + c; }

class PartialCorrelations {
 public:
  // Beyond, where a correlation is within 2e-10 of one, C remains what it is: rounding would hide
  // all that data say, and no prior has mass there.
  static constexpr double largest = 12.0;

  explicit PartialCorrelations(Index order) : order_(order), z_(size_t(lower_entries(order))) {}

  template <class Numbers>
  void set(const Numbers& z) {
    for (size_t k = 0; k < z_.size(); ++k)
      z_[k] = std::min(std::max(z[Index(k)], -largest), largest);
    is_held_.assign(z_.size(), false);
    for (size_t k = 0; k < z_.size(); ++k) is_held_[k] = std::abs(z[Index(k)]) > largest;
  }

  Index order() const { return order_; }
  // sum log C_rr
  double log_determinant() const {
    double sum = 0.0;
    for (const double z : z_) sum -= std::log(std::cosh(z));
    return sum;
  }
  SmallMatrix factor() const { return derivative(-1, -1); }  // C
  // dC / dz_k
  SmallMatrix slope(Index k) const { return is_held(k) ? zeros() : derivative(k, -1); }
  // d2C / dz_k dz_l
  SmallMatrix curvature(Index k, Index l) const {
    return is_held(k) || is_held(l) ? zeros() : derivative(k, l);
  }

  // The correlations themselves, in the order of z.
  Vector correlations() const {
    const SmallMatrix c = factor();
    Vector result(Index(z_.size()));
    for (Index r = 1; r < order_; ++r) {
      for (Index s = 0; s < r; ++s) result[lower_entry(r, s)] = c.row(r).dot(c.row(s));
    }
    return result;
  }

  // z of the correlations of a matrix that is positive definite; next to one, where rounding
  // decides, within the bounds of z.
  static Vector of_correlations(const Vector& rho, Index order) {
    SmallMatrix c = SmallMatrix::Identity(order, order);
    Vector z(rho.size());
    for (Index r = 1; r < order; ++r) {
      double left = 1.0;  // of the squares of the row
      for (Index s = 0; s < r; ++s) {
        const double dot = c.row(r).head(s).dot(c.row(s).head(s));
        const double entry = (rho[lower_entry(r, s)] - dot) / c(s, s);
        const double partial = entry / std::sqrt(left);
        z[lower_entry(r, s)] = std::abs(partial) < 1.0
                                   ? std::min(std::max(std::atanh(partial), -largest), largest)
                                   : std::copysign(largest, partial);
        c(r, s) = std::tanh(z[lower_entry(r, s)]) * std::sqrt(left);
        left = std::max(left - c(r, s) * c(r, s), 1e-300);
      }
      c(r, r) = std::sqrt(left);
    }
    return z;
  }

 private:
  bool is_held(Index k) const { return is_held_[size_t(k)]; }
  SmallMatrix zeros() const { return SmallMatrix::Zero(order_, order_); }

  // A factor of an entry, sech z or at its own column tanh z, differentiated so many times.
  static double part(double z, bool own, int times) {
    const double t = std::tanh(z), s = 1.0 / std::cosh(z);
    if (own) return times == 0 ? t : times == 1 ? s * s : -2.0 * t * s * s;
    return times == 0 ? s : times == 1 ? -t * s : (2.0 * t * t - 1.0) * s;
  }

  // d2C / dz_k dz_l; -1: not differentiated.
  SmallMatrix derivative(Index k, Index l) const {
    SmallMatrix c = zeros();
    for (Index r = 0; r < order_; ++r) {
      for (Index col = 0; col <= r; ++col) c(r, col) = entry(r, col, k, l);
    }
    return c;
  }
  double entry(Index r, Index col, Index k, Index l) const {
    double product = 1.0;
    int left = (k >= 0) + (l >= 0);  // derivatives that the entry's factors have to take up
    for (Index j = 0; j <= std::min(col, r - 1); ++j) {
      const Index number = lower_entry(r, j);
      const int times = (number == k) + (number == l);
      product *= part(z_[size_t(number)], j == col, times);
      left -= times;
    }
    return left == 0 ? product : 0.0;
  }

  Index order_;
  std::vector<double> z_;
  std::vector<bool> is_held_;
};

}  // namespace mixed_glm
