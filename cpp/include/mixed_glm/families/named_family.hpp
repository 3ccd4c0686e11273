// Families by name: binomial (logit, probit, cloglog, loglog), poisson (log), negative_binomial
// (log; with alpha, or with one that is estimated), exponential (log), gaussian (identity), gamma
// (log).
#pragma once

#include <mixed_glm/families/family.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

namespace mixed_glm {

inline std::string family_name(const Family& family) {
  return std::visit([](const auto& kernel) { return std::string(kernel.family_name); }, family);
}

inline std::string link_name(const Family& family) {
  return std::visit([](const auto& kernel) { return std::string(kernel.link_name); }, family);
}

inline std::optional<double> family_alpha(const Family& family) {
  const auto* kernel = std::get_if<NegativeBinomialLog>(&family);
  return kernel == nullptr ? std::nullopt : std::optional<double>(kernel->alpha());
}

// Throws std::invalid_argument for an unknown pair, or if alpha is out of place.
inline Family make_family(std::string_view name, std::string_view link,
                          std::optional<double> alpha = std::nullopt) {
  const bool negative_binomial = name == NegativeBinomialLog::family_name;
  if (alpha.has_value() && !negative_binomial) {
    throw std::invalid_argument("alpha: expected for negative_binomial and for no other family");
  }
  if (name == "binomial" && link == "logit") return BinomialLogit();
  if (name == "binomial" && link == "probit") return BinomialProbit();
  if (name == "binomial" && link == "cloglog") return BinomialCloglog();
  if (name == "binomial" && link == "loglog") return BinomialLoglog();
  if (name == "poisson" && link == "log") return PoissonLog();
  if (negative_binomial && link == "log") {
    if (alpha.has_value()) return NegativeBinomialLog(*alpha);
    return EstimatedNegativeBinomialLog();
  }
  if (name == "exponential" && link == "log") return ExponentialLog();
  if (name == "gaussian" && link == "identity") return GaussianIdentity();
  if (name == "gamma" && link == "log") return GammaLog();
  throw std::invalid_argument(
      "family and link: expected binomial with logit, probit, cloglog or loglog, gaussian with "
      "identity, or poisson, negative_binomial, exponential or gamma with log, got " +
      std::string(name) + " with " + std::string(link));
}

}  // namespace mixed_glm
