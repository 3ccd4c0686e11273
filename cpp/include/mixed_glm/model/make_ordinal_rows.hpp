// The rows of an ordinal model, whatever its link.
#pragma once

#include <memory>
#include <mixed_glm/model/interval_rows.hpp>
#include <mixed_glm/model/split_rows.hpp>

namespace mixed_glm {

// For a response y alone, or for whatever response of so many observations. family: ordinal.
template <class Response>
std::unique_ptr<OrdinalRows> make_ordinal_rows(const Family& family, const Response& response) {
  if (const auto* kernel = std::get_if<CumulativeInterval>(&family)) {
    return std::make_unique<IntervalRows>(*kernel, response);
  }
  return std::make_unique<SplitRows>(std::get<CumulativeLogit>(family), response);
}

}  // namespace mixed_glm
