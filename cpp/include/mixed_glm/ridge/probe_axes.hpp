// The shape of a density around its mode from few evaluations, each of value and gradient.
//
// On both sides of each axis nodes go outwards until the density has fallen by enough nats, about
// eight for an axis. At each of them the gradient in z tells the slope along the axis, and by its
// other entries h the ridge: a Newton step of the other coordinates, whose curvature is one, leads
// there and gains h'h / 2. The next node starts from it.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <mixed_glm/ridge/ridge_shape.hpp>

namespace mixed_glm {

struct Evaluation {
  double value = -std::numeric_limits<double>::infinity();  // the log density; not finite: failed
  Vector gradient;
};
using LogDensity = std::function<Evaluation(const Vector&)>;

namespace detail {

constexpr std::array<double, 7> probe_places = {1.0, 2.0, 3.3, 5.0, 7.5, 11.0, 16.0};
constexpr double probe_drop = 7.0;    // nats below the mode at which an axis ends
constexpr double longest_step = 1.5;  // towards the ridge, in standard deviations

struct Probe {
  double z, value, slope;
  Vector ridge;
};

inline void probe_side(const LogDensity& density, const RidgeShape& shape, double top, Index axis,
                       double side, std::vector<Probe>& probes) {
  Vector ridge = Vector::Zero(shape.dimension());
  double last = 0.0;
  for (const double place : probe_places) {
    if (last > 0.0) ridge *= place / last;
    Vector z = ridge;
    z[axis] = side * place;
    const Evaluation found = density(shape.mode + shape.axes * z);
    if (!std::isfinite(found.value) || !found.gradient.allFinite()) return;
    Vector step = shape.axes * found.gradient;  // the axes are symmetric
    const double slope = step[axis];
    step[axis] = 0.0;
    step *= std::min(1.0, longest_step / std::max(step.cwiseAbs().maxCoeff(), 1e-9));
    ridge += step;
    last = place;
    probes.push_back({side * place, found.value - top + 0.5 * step.squaredNorm(), slope, ridge});
    if (probes.back().value < -probe_drop) return;
  }
}

inline AxisProfile profile_of(std::vector<Probe> probes, Index dimension) {
  std::sort(probes.begin(), probes.end(), [](const Probe& a, const Probe& b) { return a.z < b.z; });
  const Index n = Index(probes.size());
  AxisProfile profile{Vector(n), Vector(n), Vector(n), Matrix(n, dimension)};
  for (Index i = 0; i < n; ++i) {
    const Probe& probe = probes[size_t(i)];
    profile.z[i] = probe.z;
    profile.value[i] = probe.value;
    profile.slope[i] = probe.slope;
    profile.ridge.row(i) = probe.ridge.transpose();
  }
  return profile;
}

}  // namespace detail

// top: the log density at the mode; precision: minus its Hessian there. An axis on which nothing
// can be evaluated has that of a normal density.
inline RidgeShape probe_axes(const LogDensity& density, const Vector& mode, double top,
                             const Matrix& precision) {
  const Index dimension = mode.size();
  RidgeShape shape{mode, symmetric_axes(precision), {}};
  for (Index axis = 0; axis < dimension; ++axis) {
    const Vector nowhere = Vector::Zero(dimension);
    std::vector<detail::Probe> probes = {{0.0, 0.0, 0.0, nowhere}};
    detail::probe_side(density, shape, top, axis, -1.0, probes);
    detail::probe_side(density, shape, top, axis, 1.0, probes);
    if (probes.size() == 1) probes = {{-1.0, -0.5, 1.0, nowhere}, {1.0, -0.5, -1.0, nowhere}};
    shape.profiles.push_back(detail::profile_of(std::move(probes), dimension));
  }
  return shape;
}

}  // namespace mixed_glm
