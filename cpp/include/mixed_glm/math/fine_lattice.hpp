// A density in K dimensions that is known at points of a lattice, on a finer one.
//
// Its logarithm is interpolated by cubic splines along one axis of the lattice after the other.
// Points that the lattice lacks, beyond where the density matters, are extrapolated: by parabolas
// through the next three, or two, points along each axis, which do not rise where nothing follows.
#pragma once

#include <Eigen/LU>
#include <cmath>
#include <limits>
#include <mixed_glm/math/cubic_spline.hpp>
#include <mixed_glm/math/exp.hpp>
#include <vector>

namespace mixed_glm::math {

// Values at all places of a box, the last index moving fastest.
struct BoxOfValues {
  std::vector<Index> shape;
  Vector values;

  Index stride(size_t axis) const {
    Index product = 1;
    for (size_t a = axis + 1; a < shape.size(); ++a) product *= shape[a];
    return product;
  }
  // visit(first place) for all lines along an axis, whose places are a stride apart.
  template <class Visit>
  void for_lines(size_t axis, Visit&& visit) const {
    const Index step = stride(axis), length = step * shape[axis];
    for (Index begin = 0; begin < values.size(); begin += length) {
      for (Index i = 0; i < step; ++i) visit(begin + i);
    }
  }
};

struct FineLattice {
  std::vector<Index> begin;  // of the box, in steps of the lattice from its first point
  Index parts = 1;           // of a cell along each axis
  BoxOfValues log_density;   // in the middle of the fine cells, up to a constant
};

namespace detail {

// Values of one more round of places that are not known (NaN); false if there are none.
inline bool extrapolate_once(BoxOfValues& box, double curvature) {
  Vector total = Vector::Zero(box.values.size()), count = total;
  for (size_t axis = 0; axis < box.shape.size(); ++axis) {
    const Index n = box.shape[axis];
    box.for_lines(axis, [&](Index first) {
      for (const Index step : {box.stride(axis), -box.stride(axis)}) {
        const Index start = step > 0 ? first : first - step * (n - 1);
        const auto at = [&](Index i) { return box.values[start + i * step]; };
        Index last_known = -1;
        for (Index i = 0; i < n; ++i) {
          if (!std::isnan(at(i))) last_known = i;
        }
        for (Index i = 2; i < n; ++i) {
          if (!std::isnan(at(i)) || std::isnan(at(i - 1)) || std::isnan(at(i - 2))) continue;
          const double slope = at(i - 1) - at(i - 2);
          const double before = i > 2 ? at(i - 3) : std::numeric_limits<double>::quiet_NaN();
          double bend = slope - (at(i - 2) - before);
          bend = std::isnan(bend) ? -curvature : std::min(bend, 0.0);
          const bool goes_on = i < last_known;
          const double move = goes_on ? slope + bend : std::min(slope + bend, 0.0);
          total[start + i * step] += at(i - 1) + move;
          count[start + i * step] += 1.0;
        }
      }
    });
  }
  if (!(count.maxCoeff() > 0.0)) return false;
  for (Index i = 0; i < count.size(); ++i) {
    if (count[i] > 0.0) box.values[i] = total[i] / count[i];
  }
  return true;
}

inline void extrapolate(BoxOfValues& box, double curvature) {
  while (box.values.hasNaN() && extrapolate_once(box, curvature)) {
  }
  if (!box.values.hasNaN()) return;  // else no two neighbours are known
  double lowest = std::numeric_limits<double>::infinity();
  for (const double value : box.values) lowest = value < lowest ? value : lowest;
  for (double& value : box.values) value = std::isnan(value) ? lowest - curvature : value;
}

// In the middle of the parts of the pieces along an axis.
inline BoxOfValues refine(const BoxOfValues& box, size_t axis, Index parts) {
  BoxOfValues fine{box.shape, {}};
  const Index n = box.shape[axis], count = (n - 1) * parts;
  fine.shape[axis] = count;
  fine.values.resize(box.values.size() / n * count);
  const Index step = box.stride(axis);
  const Vector knots = Vector::LinSpaced(n, 0.0, double(n - 1));
  Vector line(n);
  box.for_lines(axis, [&](Index first) {
    for (Index i = 0; i < n; ++i) line[i] = box.values[first + i * step];
    const CubicSpline spline(knots, line);
    double* const to = fine.values.data() + (first / (n * step)) * (count * step) + first % step;
    for (Index i = 0; i < count; ++i) to[i * step] = spline((double(i) + 0.5) / double(parts));
  });
  return fine;
}

// Means of a distribution function over intervals of a width around its equally spaced knots.
inline void average(double spacing, double width, Vector& below) {
  const Index n = below.size();
  Vector integral(n);
  integral[0] = 0.0;
  for (Index i = 1; i < n; ++i) {
    integral[i] = integral[i - 1] + 0.5 * spacing * (below[i - 1] + below[i]);
  }
  const double last = below[n - 1];
  const auto integral_to = [&](double place) {  // in units of the spacing
    if (place <= 0.0) return 0.0;
    if (place >= double(n - 1)) return integral[n - 1] + (place - double(n - 1)) * spacing * last;
    const auto i = Index(place);
    return integral[i] + (place - double(i)) * (integral[i + 1] - integral[i]);
  };
  const double half = 0.5 * width / spacing;
  for (Index i = 0; i < n; ++i) {
    below[i] = (integral_to(double(i) + half) - integral_to(double(i) - half)) / width;
  }
}

}  // namespace detail

// points: M x K; log_density: M, -infinity where it is not known; cell: K x K, the edges of a cell
// of the lattice in its columns; curvature: minus the second derivative along each axis, per cell
// squared, where the lattice does not tell. most: points of the fine lattice, about.
inline FineLattice fine_lattice(const Matrix& points, const Vector& log_density, const Matrix& cell,
                                double curvature, double most) {
  const Index k = points.cols();
  const Matrix off = (points.rowwise() - points.row(0)).transpose();
  const Matrix steps = cell.partialPivLu().solve(off).array().round();
  FineLattice lattice;
  BoxOfValues box;
  for (Index a = 0; a < k; ++a) {
    lattice.begin.push_back(Index(steps.row(a).minCoeff()) - 1);
    box.shape.push_back(Index(steps.row(a).maxCoeff()) - lattice.begin.back() + 2);
  }
  Index size = 1;
  for (const Index n : box.shape) size *= n;
  box.values.setConstant(size, std::numeric_limits<double>::quiet_NaN());
  for (Index i = 0; i < points.rows(); ++i) {
    if (!std::isfinite(log_density[i])) continue;
    Index place = 0;
    for (Index a = 0; a < k; ++a) {
      place = place * box.shape[size_t(a)] + Index(steps(a, i)) - lattice.begin[size_t(a)];
    }
    box.values[place] = log_density[i];
  }
  detail::extrapolate(box, curvature);
  lattice.parts = std::max<Index>(1, Index(std::pow(most / double(size), 1.0 / double(k))));
  for (size_t a = 0; a < size_t(k); ++a) box = detail::refine(box, a, lattice.parts);
  lattice.log_density = std::move(box);
  return lattice;
}

// A distribution function that is straight between its knots.
struct Margin {
  Vector knots, below;
};

// Of weighted points, each spread evenly over a cell with edges of these widths. What that adds to
// the variance is taken off by drawing all to the mean.
inline Margin margin_of(const Vector& values, const Vector& weights, const Vector& widths) {
  constexpr Index knots = 400;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (Index i = 0; i < values.size(); ++i) {
    if (weights[i] == 0.0) continue;
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  low -= widths.sum();
  high += widths.sum();
  const double spacing = (high - low) / double(knots - 1), total = weights.sum();
  Vector mass = Vector::Zero(knots);
  for (Index i = 0; i < values.size(); ++i) {
    if (weights[i] == 0.0) continue;
    const double place = (values[i] - low) / spacing;
    const Index left = std::min(Index(place), knots - 2);
    mass[left] += weights[i] * (1.0 - (place - double(left)));
    mass[left + 1] += weights[i] * (place - double(left));
  }
  const double mean = weights.dot(values) / total;
  const double variance = weights.dot((values.array() - mean).square().matrix()) / total;
  const double shrinkage = std::sqrt(variance / (variance + widths.squaredNorm() / 12.0));
  Margin margin{Vector::LinSpaced(knots, low, high), Vector(knots)};
  double sum = 0.0;
  for (Index i = 0; i < knots; ++i) {
    margin.below[i] = sum + 0.5 * mass[i];
    sum += mass[i];
  }
  for (const double width : widths) {
    if (width > spacing) detail::average(spacing, width, margin.below);
  }
  margin.below = (margin.below / total).cwiseMax(0.0).cwiseMin(1.0);
  margin.knots = (mean + shrinkage * (margin.knots.array() - mean)).matrix();
  return margin;
}

// One for each coordinate. origin: the first point of the lattice. Points are spread over cells:
// where the lattice is parallel to the axes, many of them have the same value.
inline std::vector<Margin> lattice_margins(const FineLattice& lattice, const Vector& origin,
                                           const Matrix& cell) {
  constexpr double negligible = 1e-10;
  const BoxOfValues& box = lattice.log_density;
  const double parts = double(lattice.parts), highest = box.values.maxCoeff();
  Vector weights(box.values.size()), values(box.values.size());
  for (Index i = 0; i < weights.size(); ++i) weights[i] = exp(box.values[i] - highest);
  weights = (weights.array() > negligible).select(weights, 0.0);
  std::vector<Margin> margins;
  for (Index j = 0; j < origin.size(); ++j) {
    values.setConstant(origin[j]);
    for (size_t a = 0; a < box.shape.size(); ++a) {
      const double edge = cell(j, Index(a)) / parts;
      const double first = cell(j, Index(a)) * double(lattice.begin[a]) + 0.5 * edge;
      const Index stride = box.stride(a), n = box.shape[a];
      box.for_lines(a, [&](Index line) {
        for (Index i = 0; i < n; ++i) values[line + i * stride] += first + double(i) * edge;
      });
    }
    margins.push_back(margin_of(values, weights, cell.row(j).cwiseAbs().transpose() / parts));
  }
  return margins;
}

}  // namespace mixed_glm::math
