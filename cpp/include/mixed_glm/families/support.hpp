// Whether a response is one that the family can give: whole numbers, not negative, at most as many
// as trials, ... as each kernel's supports() says. NaN and infinity never are.
#pragma once

#include <mixed_glm/families/family.hpp>
#include <mixed_glm/typedefs.hpp>
#include <variant>

namespace mixed_glm {

// y: response, trials: per row, ignored unless binomial; empty: ones.
inline bool supports(const Family& family, ConstVectorRef y, ConstVectorRef trials) {
  const auto all_rows = [&](const auto& kernel) {
    bool good = true;
    const bool once = trials.size() == 0;
    for (Index i = 0; i < y.size(); ++i) {
      good = good && kernel.supports(y[i], once ? 1.0 : trials[i]);
    }
    return good;
  };
  return std::visit(all_rows, family);
}

}  // namespace mixed_glm
