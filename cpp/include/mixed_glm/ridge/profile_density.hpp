// A density on the line, known by its logarithm and the slope of it at a few nodes: cubic Hermite
// polynomials between them, straight lines beyond, for the logarithm. It is drawn on a fine grid
// between whose points it is linear, which is the density itself from then on: its distribution
// function, its quantiles and its moments are exact.
#pragma once

#include <algorithm>
#include <cmath>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

class ProfileDensity {
 public:
  // z: at least two, increasing; value, slope: of the log density, up to a constant, there;
  // temper: divides them.
  ProfileDensity(const Vector& z, const Vector& value, const Vector& slope, double temper) {
    const Index last = z.size() - 1;
    const double low = std::max(slope[0] / temper, least_slope);
    const double high = std::min(slope[last] / temper, -least_slope);
    const double begin = z[0] - tail / low, end = z[last] - tail / high;
    z_.resize(2 * outer + inner + 1);
    z_ << Vector::LinSpaced(outer + 1, begin, z[0]).head(outer),
        Vector::LinSpaced(inner + 1, z[0], z[last]),
        Vector::LinSpaced(outer + 1, z[last], end).tail(outer);
    Vector log_density(z_.size());
    const double below = value[0] / temper, above = value[last] / temper;
    log_density.head(outer) = below + low * (z_.head(outer).array() - z[0]);
    log_density.tail(outer) = above + high * (z_.tail(outer).array() - z[last]);
    Index piece = 0;
    for (Index i = outer; i <= outer + inner; ++i) {
      while (piece + 1 < last && z_[i] > z[piece + 1]) ++piece;
      log_density[i] = hermite(z, value, slope, piece, z_[i]) / temper;
    }
    density_ = (log_density.array() - log_density.maxCoeff()).exp();
    integrate();
  }

  struct Place {
    double z, log_density;
  };
  Place quantile(double level) const {
    const double* begin = cumulative_.data();
    const Index found = Index(std::upper_bound(begin, begin + cumulative_.size(), level) - begin);
    const Index i = std::clamp<Index>(found - 1, 0, z_.size() - 2);
    const double width = z_[i + 1] - z_[i], change = (density_[i + 1] - density_[i]) / width;
    const double mass = level - cumulative_[i];
    // mass = d t + change t^2 / 2, solved without cancellation
    const double root = std::sqrt(std::max(density_[i] * density_[i] + 2.0 * change * mass, 0.0));
    const double step = std::clamp(2.0 * mass / (density_[i] + root), 0.0, width);
    return {z_[i] + step, std::log(density_[i] + change * step)};
  }

  double mean() const { return mean_; }
  double mean_square() const { return mean_square_; }
  // Fourth standardized moment, 3 for a normal density.
  double kurtosis() const { return kurtosis_; }

 private:
  static constexpr Index inner = 400, outer = 80;  // pieces between the nodes, and beyond them
  static constexpr double tail = 8.0;              // nats that it falls beyond the last nodes
  static constexpr double least_slope = 0.5;       // there

  static double hermite(const Vector& z, const Vector& value, const Vector& slope, Index i,
                        double x) {
    const double h = z[i + 1] - z[i], t = (x - z[i]) / h, s = 1.0 - t;
    return value[i] * s * s * (1.0 + 2.0 * t) + value[i + 1] * t * t * (3.0 - 2.0 * t) +
           h * t * s * (s * slope[i] - t * slope[i + 1]);
  }

  void integrate() {
    const Index pieces = z_.size() - 1;
    const Vector width = z_.tail(pieces) - z_.head(pieces);
    const Vector mass = 0.5 * width.cwiseProduct(density_.head(pieces) + density_.tail(pieces));
    const double total = mass.sum();
    density_ /= total;
    cumulative_.resize(pieces + 1);
    cumulative_[0] = 0.0;
    for (Index i = 0; i < pieces; ++i) cumulative_[i + 1] = cumulative_[i] + mass[i] / total;
    mean_ = moment(0.0, 1);
    mean_square_ = moment(0.0, 2);
    const double variance = mean_square_ - mean_ * mean_;
    kurtosis_ = moment(mean_, 4) / (variance * variance);
  }

  // About a place, by Simpson's rule in each piece: exact for the first two.
  double moment(double about, int power) const {
    double sum = 0.0;
    for (Index i = 0; i + 1 < z_.size(); ++i) {
      const double middle = 0.5 * (z_[i] + z_[i + 1]), half = 0.5 * (density_[i] + density_[i + 1]);
      sum += (z_[i + 1] - z_[i]) / 6.0 *
             (std::pow(z_[i] - about, power) * density_[i] +
              4.0 * std::pow(middle - about, power) * half +
              std::pow(z_[i + 1] - about, power) * density_[i + 1]);
    }
    return sum;
  }

  Vector z_, density_, cumulative_;
  double mean_ = 0.0, mean_square_ = 0.0, kurtosis_ = 0.0;
};

}  // namespace mixed_glm
