// A star about a point, z = 0 and z = +-reach on each axis, and what values and slopes there tell
// of a smooth function: its expansion
//
//     f(z) = f(0) + sum_k P_k(z_k) + sum_{k != l} (b_kl z_k z_l / 2 + c_kl z_k^2 z_l)
//
// with quartics P_k that have the values and the slopes along axis k at both of its points. The
// slopes across it give b and c. Beyond `edge` P_k goes on as a parabola that bends down.
#pragma once

#include <algorithm>
#include <cmath>
#include <mixed_glm/typedefs.hpp>
#include <vector>

namespace mixed_glm {

struct StarPoint {
  double value = 0.0;
  Vector gradient;  // in z
};

class StarExpansion {
 public:
  // points: the centre, then for each axis those at -reach and at +reach.
  StarExpansion(const std::vector<StarPoint>& points, double reach)
      : center_(points.front().value),
        edge_(1.3 * reach),
        quartics_(Matrix::Zero(dimension_of(points), 4)),
        bilinear_(Matrix::Zero(dimension_of(points), dimension_of(points))),
        mixed_(bilinear_) {
    const Index d = quartics_.rows();
    const double a = reach, a2 = a * a;
    for (Index k = 0; k < d; ++k) {
      const StarPoint &left = points[size_t(2 * k + 1)], &right = points[size_t(2 * k + 2)];
      const double even = 0.5 * (left.value + right.value) - center_;
      const double odd = 0.5 * (right.value - left.value);
      const double even_slope = 0.5 * (right.gradient[k] - left.gradient[k]);
      const double odd_slope = 0.5 * (right.gradient[k] + left.gradient[k]);
      quartics_(k, 0) = (3.0 * odd / a - odd_slope) / 2.0;
      quartics_(k, 1) = (4.0 * even / a - even_slope) / (2.0 * a);
      quartics_(k, 2) = (odd_slope - odd / a) / (2.0 * a2);
      quartics_(k, 3) = (even_slope - 2.0 * even / a) / (2.0 * a2 * a);
      for (Index l = 0; l < d; ++l) {
        if (l == k) continue;
        const double across = 0.5 * (right.gradient[l] + left.gradient[l]);
        mixed_(k, l) = (across - points.front().gradient[l]) / a2;
        const double twist = 0.5 * (right.gradient[l] - left.gradient[l]) / a;
        bilinear_(k, l) += 0.5 * twist;
        bilinear_(l, k) += 0.5 * twist;
      }
    }
  }

  Index dimension() const { return quartics_.rows(); }

  double value(const Vector& z) const {
    double sum = center_;
    for (Index k = 0; k < dimension(); ++k) {
      sum += along(k, z[k]);
      for (Index l = 0; l < dimension(); ++l) {
        if (l == k) continue;
        const double held = std::clamp(z[k], -edge_, edge_);
        sum += 0.5 * bilinear_(k, l) * z[k] * z[l] +
               mixed_(k, l) * held * held * std::clamp(z[l], -edge_, edge_);
      }
    }
    return sum;
  }

  // Within the edge.
  Vector gradient(const Vector& z) const {
    Vector result(dimension());
    for (Index k = 0; k < dimension(); ++k) result[k] = slope(k, z[k]);
    for (Index k = 0; k < dimension(); ++k) {
      for (Index l = 0; l < dimension(); ++l) {
        if (l == k) continue;
        result[l] += bilinear_(k, l) * z[k] + mixed_(k, l) * z[k] * z[k];
        result[k] += 2.0 * mixed_(k, l) * z[k] * z[l];
      }
    }
    return result;
  }
  Matrix hessian(const Vector& z) const {
    Matrix result = bilinear_;
    for (Index k = 0; k < dimension(); ++k) {
      result(k, k) += bend(k, z[k]);
      for (Index l = 0; l < dimension(); ++l) {
        if (l == k) continue;
        result(k, k) += 2.0 * mixed_(k, l) * z[l];
        result(k, l) += 2.0 * mixed_(k, l) * z[k];
        result(l, k) += 2.0 * mixed_(k, l) * z[k];
      }
    }
    return result;
  }

  // Coefficients of third and fourth order, in units of the standard deviations along the axes.
  double largest_third() const {
    const Vector sd = scales();
    double most = 0.0;
    for (Index k = 0; k < dimension(); ++k) {
      most = std::max(most, std::abs(quartics_(k, 2)) * sd[k] * sd[k] * sd[k]);
      for (Index l = 0; l < dimension(); ++l) {
        most = std::max(most, std::abs(mixed_(k, l)) * sd[k] * sd[k] * sd[l]);
      }
    }
    return most;
  }
  double largest_fourth() const {
    return (quartics_.col(3).array().abs() * scales().array().pow(4)).maxCoeff();
  }
  // Standard deviations along the axes; infinite where the function does not bend down.
  Vector scales() const { return (-2.0 * quartics_.col(1).array()).max(0.0).inverse().sqrt(); }

 private:
  static constexpr double least_bend = 0.3;

  static Index dimension_of(const std::vector<StarPoint>& points) {
    return (Index(points.size()) - 1) / 2;
  }

  double polynomial(Index k, double z) const {
    const auto c = quartics_.row(k);
    return z * (c[0] + z * (c[1] + z * (c[2] + z * c[3])));
  }
  double slope(Index k, double z) const {
    const auto c = quartics_.row(k);
    return c[0] + z * (2.0 * c[1] + z * (3.0 * c[2] + z * 4.0 * c[3]));
  }
  double bend(Index k, double z) const {
    const auto c = quartics_.row(k);
    return 2.0 * c[1] + z * (6.0 * c[2] + z * 12.0 * c[3]);
  }
  double along(Index k, double z) const {
    if (std::abs(z) <= edge_) return polynomial(k, z);
    const double from = z > 0.0 ? edge_ : -edge_, way = z - from;
    const double down = std::min(bend(k, from), 2.0 * least_bend * quartics_(k, 1));
    return polynomial(k, from) + way * (slope(k, from) + 0.5 * down * way);
  }

  double center_, edge_;
  Matrix quartics_;          // d x 4: of z, z^2, z^3, z^4
  Matrix bilinear_, mixed_;  // b, c
};

}  // namespace mixed_glm
