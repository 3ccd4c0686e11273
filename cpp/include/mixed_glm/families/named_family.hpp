// Families by name: binomial (logit, probit, cloglog, loglog), poisson (log), negative_binomial
// (log; with alpha, or with one that is estimated), exponential (log), gaussian (identity), gamma
// (log), cumulative (logit, probit, cloglog, with categories).
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
  return kernel == nullptr ? std::nullopt : kernel->alpha();
}

// Of an ordinal response.
inline std::optional<int> family_categories(const Family& family) {
  if (const auto* kernel = std::get_if<CumulativeLogit>(&family)) return kernel->categories();
  if (const auto* kernel = std::get_if<CumulativeInterval>(&family)) return kernel->categories();
  return std::nullopt;
}

// Throws std::invalid_argument for an unknown pair, or if alpha is out of place, or categories are
// missing or out of place.
inline Family make_family(std::string_view name, std::string_view link,
                          std::optional<double> alpha = std::nullopt,
                          std::optional<int> categories = std::nullopt) {
  const bool negative_binomial = name == NegativeBinomialLog::family_name;
  if (alpha.has_value() && !negative_binomial) {
    throw std::invalid_argument("alpha: expected for negative_binomial and for no other family");
  }
  const bool cumulative = name == CumulativeLogit::family_name;
  if (categories.has_value() != cumulative) {
    throw std::invalid_argument("categories: expected for cumulative and for no other family");
  }
  if (name == "binomial" && link == "logit") return BinomialLogit();
  if (name == "binomial" && link == "probit") return BinomialProbit();
  if (name == "binomial" && link == "cloglog") return BinomialCloglog();
  if (name == "binomial" && link == "loglog") return BinomialLoglog();
  if (name == "poisson" && link == "log") return PoissonLog();
  if (negative_binomial && link == "log") {
    if (alpha.has_value()) return NegativeBinomialLog(*alpha);
    return NegativeBinomialLog();
  }
  if (name == "exponential" && link == "log") return ExponentialLog();
  if (name == "gaussian" && link == "identity") return GaussianIdentity();
  if (name == "gamma" && link == "log") return GammaLog();
  if (cumulative && link == "logit") return CumulativeLogit(*categories);
  if (cumulative && link == "probit") return CumulativeInterval::probit(*categories);
  if (cumulative && link == "cloglog") return CumulativeInterval::cloglog(*categories);
  throw std::invalid_argument(
      "family and link: expected binomial with logit, probit, cloglog or loglog, gaussian with "
      "identity, poisson, negative_binomial, exponential or gamma with log, or cumulative with "
      "logit, probit or cloglog, got " +
      std::string(name) + " with " + std::string(link));
}

}  // namespace mixed_glm
