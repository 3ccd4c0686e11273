// Points at which the posterior of psi is integrated, in coordinates z whitened at its mode:
//
//     psi = mode + V Lambda^{-1/2} z      minus Hessian = V Lambda V'
//
// mode: one point.
// grid: the lattice of all z = h (integers) that are connected to the mode through points whose log
//       density is within `drop` of the highest. For a smooth density the sum over a lattice
//       converges exponentially in 1 / h (error 2 exp(-2 pi^2 / h^2) for a Gaussian).
// ccd:  central composite design (Rue, Martino and Chopin 2009, sec. 6.5): centre, axial points and
//       a fractional factorial on the sphere of radius f sqrt(K), with weights that are exact for
//       the mass and the second moments of a Gaussian, stretched on each side of each axis to its
//       decay.
#pragma once

#include <mixed_glm/inference/integration.hpp>
#include <mixed_glm/inference/marginal.hpp>
#include <mixed_glm/inference/marginal_mode.hpp>
#include <mixed_glm/linalg/symmetric_eigen.hpp>
#include <set>
#include <vector>

namespace mixed_glm {

// Nats below the highest point from which on it does not matter how well a point is evaluated: what
// lies beyond holds 0.2, 0.7 and 1.9 percent of a Gaussian in one, two and three dimensions.
constexpr double negligible_drop = 5.0;

class WhitenedPsi {
 public:
  WhitenedPsi(const Vector& mode, const Matrix& precision) : mode_(mode) {
    if (mode.size() == 0) return;
    const SymmetricEigen eigen(precision);
    axes_ = eigen.vectors() * eigen.values().cwiseSqrt().cwiseInverse().asDiagonal();
    log_jacobian_ = -0.5 * eigen.values().array().log().sum();
  }
  Vector psi(const Vector& z) const {
    return mode_.size() == 0 ? mode_ : Vector(mode_ + axes_ * z);
  }
  const Matrix& axes() const { return axes_; }  // V Lambda^{-1/2}
  double log_jacobian() const { return log_jacobian_; }

 private:
  Vector mode_;
  Matrix axes_;
  double log_jacobian_ = 0.0;
};

// Visits the points: visit(psi, log volume of the point's cell) evaluates and keeps what it needs,
// and returns the log density there, minus infinity where the evaluation failed.
class GridWalk {
 public:
  GridWalk(const WhitenedPsi& whitened, Index dimension, GridSettings settings)
      : whitened_(&whitened), dimension_(dimension), settings_(settings) {}

  // False if the grid would have more than max_points.
  template <class Visit>
  bool run(Visit&& visit) {
    const double log_volume =
        double(dimension_) * std::log(settings_.step) + whitened_->log_jacobian();
    std::vector<Waiting> waiting = {{Cell(size_t(dimension_), 0), infinity}};
    seen_.insert(waiting.front().cell);
    double highest = -std::numeric_limits<double>::infinity();
    Index points = 0;
    while (!waiting.empty()) {
      const auto [cell, neighbour] = waiting.back();
      waiting.pop_back();
      if (++points > settings_.max_points) return false;
      const double value = visit(whitened_->psi(position(cell)), log_volume);
      if (value == -infinity && neighbour > highest - negligible_drop) ++left_out_;
      highest = std::max(highest, value);
      if (value > highest - settings_.drop) add_neighbours(cell, value, waiting);
    }
    return true;
  }

  // Points without a value that may matter: the density was not yet low on the way to them.
  int left_out() const { return left_out_; }

 private:
  using Cell = std::vector<int>;
  struct Waiting {
    Cell cell;
    double neighbour;  // log density of the point that it was reached from
  };

  static constexpr double infinity = std::numeric_limits<double>::infinity();

  Vector position(const Cell& cell) const {
    Vector z(dimension_);
    for (Index k = 0; k < dimension_; ++k) z[k] = settings_.step * cell[size_t(k)];
    return z;
  }

  // The last one pushed is visited next, so that the walk goes on to a neighbour.
  void add_neighbours(const Cell& cell, double value, std::vector<Waiting>& waiting) {
    for (Index k = 0; k < dimension_; ++k) {
      for (const int side : {-1, 1}) {
        Cell next = cell;
        next[size_t(k)] += side;
        if (seen_.insert(next).second) waiting.push_back({std::move(next), value});
      }
    }
  }

  const WhitenedPsi* whitened_;
  Index dimension_;
  GridSettings settings_;
  std::set<Cell> seen_;
  int left_out_ = 0;
};

// Fractional factorial of resolution V or better in k factors of two levels: rows of +-1, as the
// characters of a set of generators no product of at most four of which is trivial (greedy code).
inline Matrix fractional_factorial(Index k) {
  std::vector<unsigned> columns;
  unsigned bits = 0;
  const auto independent = [&](unsigned candidate) {
    for (size_t a = 0; a < columns.size(); ++a) {
      if (candidate == columns[a]) return false;
      for (size_t b = a + 1; b < columns.size(); ++b) {
        if (candidate == (columns[a] ^ columns[b])) return false;
        for (size_t c = b + 1; c < columns.size(); ++c) {
          if (candidate == (columns[a] ^ columns[b] ^ columns[c])) return false;
        }
      }
    }
    return true;
  };
  for (unsigned candidate = 1; Index(columns.size()) < k; ++candidate) {
    if (!independent(candidate)) continue;
    columns.push_back(candidate);
    while ((candidate >> bits) != 0) ++bits;
  }
  Matrix design(Index(1) << bits, k);
  for (Index row = 0; row < design.rows(); ++row) {
    for (Index c = 0; c < k; ++c) {
      unsigned parity = unsigned(row) & columns[size_t(c)], ones = 0;
      for (; parity != 0; parity &= parity - 1) ++ones;
      design(row, c) = ones % 2 == 0 ? 1.0 : -1.0;
    }
  }
  return design;
}

class CentralComposite {
 public:
  CentralComposite(const WhitenedPsi& whitened, Index dimension)
      : whitened_(&whitened), dimension_(dimension) {}

  template <class Visit>
  void run(Visit&& visit) const {
    const double k = double(dimension_), squared = radius_factor * radius_factor;
    const Matrix corners = fractional_factorial(dimension_);
    const double outer = double(corners.rows() + 2 * dimension_);
    const double normal = 0.5 * k * log_two_pi + whitened_->log_jacobian();
    const double centre_volume = normal + std::log1p(-1.0 / squared);
    const double outer_volume = normal + 0.5 * k * squared - std::log(outer * squared);
    const double axial = radius_factor * std::sqrt(k);
    const double top = visit(whitened_->psi(Vector::Zero(dimension_)), centre_volume);

    // Distance on each side of each axis at which the density has fallen as a Gaussian's does.
    Matrix stretch = Matrix::Ones(dimension_, 2);
    const auto stretched = [&](Vector z) {
      for (Index c = 0; c < dimension_; ++c) z[c] *= stretch(c, z[c] > 0.0);
      return whitened_->psi(z);
    };
    const auto log_stretch = [&](const Vector& z) {
      double sum = 0.0;
      for (Index c = 0; c < dimension_; ++c) {
        sum += std::log(z[c] == 0.0 ? stretch.row(c).mean() : stretch(c, z[c] > 0.0));
      }
      return sum;
    };
    for (Index c = 0; c < dimension_; ++c) {
      for (const int side : {0, 1}) {
        const Vector z = Vector::Unit(dimension_, c) * (side == 1 ? probe : -probe);
        const double fall =
            top - visit(whitened_->psi(z), -std::numeric_limits<double>::infinity());
        stretch(c, side) = std::clamp(probe / std::sqrt(2.0 * std::max(fall, 1e-3)), 0.4, 2.5);
      }
    }
    const auto place = [&](const Vector& z) { visit(stretched(z), outer_volume + log_stretch(z)); };
    for (Index c = 0; c < dimension_; ++c) {
      place(axial * Vector::Unit(dimension_, c));
      place(-axial * Vector::Unit(dimension_, c));
    }
    for (Index row = 0; row < corners.rows(); ++row) {
      place(radius_factor * corners.row(row).transpose());
    }
  }

 private:
  static constexpr double radius_factor = 1.1;  // f
  static constexpr double probe = 1.4142135623730951;

  const WhitenedPsi* whitened_;
  Index dimension_;
};

}  // namespace mixed_glm
