// The prior of one hyperparameter x: its log density on the scale without bounds on which the
// program moves x, the Jacobian of that scale included, with two derivatives:
//
//     log p(x) = value(x) + log_normalizer()
//     slope(x) = d log p / dx      curvature(x) = -d2 log p / dx2
//     mode(): where the slope is zero
//
// For x = psi = log sd and a density f of the standard deviation: log p(psi) = log f(e^psi) + psi.
//
// A new prior is a class with these five functions in a file of its own, and its name in the list.
#pragma once

#include <mixed_glm/priors/gamma.hpp>
#include <mixed_glm/priors/half_normal.hpp>
#include <mixed_glm/priors/half_t.hpp>
#include <mixed_glm/priors/inverse_gamma.hpp>
#include <mixed_glm/priors/lkj.hpp>
#include <mixed_glm/priors/normal.hpp>
#include <type_traits>
#include <variant>

namespace mixed_glm {

class HyperPrior {
 public:
  using List = std::variant<NormalPrior, HalfNormalPrior, HalfTPrior, GammaPrior, InverseGammaPrior,
                            LkjPrior>;

  // One of the list, for which it stands.
  template <class Kind, class = std::enable_if_t<std::is_constructible_v<List, Kind>>>
  HyperPrior(const Kind& prior) : prior_(prior) {}  // NOLINT(google-explicit-constructor)

  double log_normalizer() const {
    return std::visit([](const auto& prior) { return prior.log_normalizer(); }, prior_);
  }
  double value(double x) const {
    return std::visit([x](const auto& prior) { return prior.value(x); }, prior_);
  }
  double slope(double x) const {
    return std::visit([x](const auto& prior) { return prior.slope(x); }, prior_);
  }
  double curvature(double x) const {
    return std::visit([x](const auto& prior) { return prior.curvature(x); }, prior_);
  }
  double mode() const {
    return std::visit([](const auto& prior) { return prior.mode(); }, prior_);
  }

  // The normal prior that it is, or null: what has a closed form for that one only.
  const NormalPrior* normal() const { return std::get_if<NormalPrior>(&prior_); }

 private:
  List prior_;
};

}  // namespace mixed_glm
