// How far what multiplies the effects of each component spreads: 1 for intercepts and indicators.
//
// For a slope it is the standard deviation where another component is the intercept of the same
// groups. Where there is none, moving the origin of its covariate is another model, and it is the
// root of the mean square.
#pragma once

#include <algorithm>
#include <cmath>
#include <mixed_glm/linalg/sparse_rows.hpp>
#include <mixed_glm/model/column_spread.hpp>
#include <vector>

namespace mixed_glm {

namespace detail {

// visit(row, entry) for all entries of a component.
template <class Visit>
void for_entries(const SparseRows& z, const std::vector<Code>& ident, Index component,
                 Visit&& visit) {
  for (Index i = 0; i < z.rows(); ++i) {
    for (Index e = z.begin(i), end = z.end(i); e < end; ++e) {
      if (ident[size_t(z.columns()[e])] == component) visit(i, e);
    }
  }
}

// The one effect of each row, -1 where it has none; empty if a row has several.
inline std::vector<Code> groups_of(const SparseRows& z, const std::vector<Code>& ident,
                                   Index component) {
  std::vector<Code> group(size_t(z.rows()), -1);
  bool single = true;
  for_entries(z, ident, component, [&](Index row, Index entry) {
    single = single && group[size_t(row)] < 0;
    group[size_t(row)] = z.columns()[entry];
  });
  if (!single) group.clear();
  return group;
}

// Whether rows of one group by the first are of one group by the second, and the other way round.
inline bool same_groups(const std::vector<Code>& slope, const std::vector<Code>& intercept,
                        Index effects) {
  std::vector<Code> there(size_t(effects), -1), back(size_t(effects), -1);
  for (size_t i = 0; i < std::min(slope.size(), intercept.size()); ++i) {
    if (slope[i] < 0) continue;
    if (intercept[i] < 0) return false;
    Code& to = there[size_t(slope[i])];
    Code& from = back[size_t(intercept[i])];
    if (to < 0 && from < 0) {
      to = intercept[i];
      from = slope[i];
    }
    if (to != intercept[i] || from != slope[i]) return false;
  }
  return !slope.empty() && !intercept.empty();
}

inline double slope_spread(const SparseRows& z, const std::vector<Code>& ident, Index component,
                           const Vector& weights, bool has_intercept) {
  Vector values = Vector::Zero(z.rows()), squares = Vector::Zero(z.rows());
  for_entries(z, ident, component, [&](Index row, Index entry) {
    values[row] += z.value(entry);
    squares[row] += z.value(entry) * z.value(entry);
  });
  const double size = values.size() > 0 ? values.cwiseAbs().maxCoeff() : 0.0;
  const double sd = has_intercept ? take_mean(values, weights).sd : 0.0;
  const double spread =
      sd > constant_share * size ? sd : std::sqrt(take_mean(squares, weights).mean);
  return spread > smallest_number ? spread : 1.0;
}

}  // namespace detail

// K numbers. ident: component of each column of z.
inline Vector component_spreads(const SparseRows& z, const std::vector<Code>& ident,
                                Index components, const Vector& weights) {
  Vector spread = Vector::Ones(components);
  if (z.is_indicator()) return spread;
  std::vector<bool> has_slope(size_t(components), false);
  for (Index e = 0; e < z.entries(); ++e) {
    if (z.value(e) != 1.0) has_slope[size_t(ident[size_t(z.columns()[e])])] = true;
  }
  std::vector<std::vector<Code>> intercepts;
  for (Index k = 0; k < components; ++k) {
    if (!has_slope[size_t(k)]) intercepts.push_back(detail::groups_of(z, ident, k));
  }
  for (Index k = 0; k < components; ++k) {
    if (!has_slope[size_t(k)]) continue;
    const std::vector<Code> groups = detail::groups_of(z, ident, k);
    const auto is_of_slope = [&](const std::vector<Code>& intercept) {
      return detail::same_groups(groups, intercept, z.cols());
    };
    const bool has_intercept = std::any_of(intercepts.begin(), intercepts.end(), is_of_slope);
    spread[k] = detail::slope_spread(z, ident, k, weights, has_intercept);
  }
  return spread;
}

}  // namespace mixed_glm
