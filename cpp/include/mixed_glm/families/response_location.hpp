// Where a response lies, and how far it spreads: the constant linear predictor (beside the offset)
// under which its mean is the one observed. Half a success is added, and to trials a whole one, so
// that it is finite.
#pragma once

#include <cmath>
#include <limits>
#include <mixed_glm/families/family.hpp>
#include <mixed_glm/typedefs.hpp>
#include <string_view>
#include <type_traits>
#include <variant>

namespace mixed_glm {

namespace detail {

// Between low and high, where is_below turns from true to false.
template <class IsBelow>
double bisect(double low, double high, IsBelow&& is_below) {
  for (int i = 0; i < 64; ++i) {
    const double middle = 0.5 * (low + high);
    (is_below(middle) ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

// A family of the user's may call anything "log", and objects of one class may differ.
template <class Kernel>
constexpr bool has_link(std::string_view name) {
  if constexpr (std::is_member_pointer_v<decltype(&Kernel::link_name)>) {
    return false;
  } else {
    return std::string_view(Kernel::link_name) == name;
  }
}

// The link: the linear predictor of a mean; NaN where there is none.
template <class Kernel>
double predictor(const Kernel& kernel, double mean) {
  if constexpr (has_link<Kernel>("log")) return std::log(mean);
  if constexpr (has_link<Kernel>("identity")) return mean;
  const auto is_below = [&](double eta) { return kernel.mean(eta) < mean; };
  double reach = 1.0;
  while (reach < 1e12 && !(is_below(-reach) && kernel.mean(reach) >= mean)) reach *= 2.0;
  return reach < 1e12 ? bisect(-reach, reach, is_below) : std::numeric_limits<double>::quiet_NaN();
}

// Whether responses are numbers of successes in a number of trials.
template <class Kernel>
bool has_trials(const Kernel& kernel) {
  return kernel.supports(2.0, 2.0) && !kernel.supports(2.0, 1.0);
}

// Of one trial. sum: of the responses of so many trials or rows.
template <class Kernel>
double mean_response(const Kernel& kernel, double sum, double total) {
  if (has_trials(kernel)) return (sum + 0.5) / (total + 1.0);
  const bool continuous = kernel.supports(0.5, 1.0);
  if (!continuous) return (sum + 0.5) / total;
  return (sum > 0.0 || kernel.supports(-1.0, 1.0) ? sum : 0.5) / total;
}

// eta: the location without the offset. rows: how much each counts, their sum is 1.
template <class Kernel>
double beside_offset(const Kernel& kernel, double eta, double mean, const Vector& rows,
                     const ConstVectorRef& offset) {
  const double most = offset.maxCoeff();
  if constexpr (has_link<Kernel>("identity")) return eta - rows.dot(offset);
  if constexpr (has_link<Kernel>("log")) {
    return eta - most - std::log((rows.array() * (offset.array() - most).exp()).sum());
  }
  Vector means(rows.size());
  const auto is_below = [&](double location) {  // as the mean rises with it
    for (Index i = 0; i < rows.size(); ++i) means[i] = kernel.mean(location + offset[i]);
    return means.cwiseProduct(rows).sum() < mean;
  };
  return bisect(eta - most, eta - offset.minCoeff(), is_below);
}

template <class Kernel>
double response_location(const Kernel& kernel, const ConstVectorRef& y,
                         const ConstVectorRef& trials, const ConstVectorRef& weights,
                         const ConstVectorRef& offset) {
  Vector rows = weights.size() > 0 ? Vector(weights) : Vector(Vector::Ones(y.size()));
  const double sum = rows.cwiseProduct(y).sum();
  if (trials.size() > 0 && has_trials(kernel)) rows.array() *= trials.array();
  const double total = rows.sum();
  if (!(total > 0.0)) return 0.0;
  const double mean = mean_response(kernel, sum, total);
  double location = predictor(kernel, mean);
  if (offset.size() > 0 && !offset.isZero(0.0) && std::isfinite(location)) {
    location = beside_offset(kernel, location, mean, rows / total, offset);
  }
  return std::isfinite(location) ? location : 0.0;
}

// Of y - offset.
inline double standard_deviation(const ConstVectorRef& y, const ConstVectorRef& weights,
                                 const ConstVectorRef& offset) {
  const Vector rows = weights.size() > 0 ? Vector(weights) : Vector(Vector::Ones(y.size()));
  Vector beside = y;
  if (offset.size() > 0) beside -= offset;
  const double total = rows.sum(), rounding = 1e-14 * beside.cwiseAbs().maxCoeff();
  const double mean = rows.dot(beside) / total;
  const double sd = std::sqrt(rows.dot((beside.array() - mean).square().matrix()) / total);
  return sd > rounding && std::isfinite(sd) ? sd : 1.0;
}

}  // namespace detail

// The unit of the linear predictor that a response suggests: its standard deviation where the link
// is the identity (one of a constant response), else one. weights, offset: n, or empty.
inline double response_scale(const Family& family, const ConstVectorRef& y,
                             const ConstVectorRef& weights, const ConstVectorRef& offset) {
  const auto scale = [&](const auto& kernel) {
    if constexpr (detail::has_link<std::decay_t<decltype(kernel)>>("identity")) {
      return y.size() > 0 ? detail::standard_deviation(y, weights, offset) : 1.0;
    }
    return 1.0;
  };
  return std::visit(scale, family);
}

// trials (ignored unless the family has some), weights, offset: n, or empty. Zero where there is no
// such location, as of no rows.
inline double response_location(const Family& family, const ConstVectorRef& y,
                                const ConstVectorRef& trials, const ConstVectorRef& weights,
                                const ConstVectorRef& offset) {
  return std::visit(
      [&](const auto& kernel) {
        return detail::response_location(kernel, y, trials, weights, offset);
      },
      family);
}

}  // namespace mixed_glm
