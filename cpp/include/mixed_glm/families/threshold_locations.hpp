// Where the thresholds of an ordinal response lie: those of the constant linear predictor zero
// (beside the offset) under which the share of each category is the one observed, half an
// observation added: as the location of a response that is one above the threshold, and zero below.
#pragma once

#include <mixed_glm/families/named_family.hpp>
#include <mixed_glm/families/response_location.hpp>

namespace mixed_glm {

// Of whether a response is above a threshold, as a binary one.
inline Family above_threshold(const Family& family) {
  const std::string link = link_name(family);
  if (link == "probit") return BinomialProbit();
  if (link == "cloglog") return BinomialLoglog();
  return BinomialLogit();
}

// C - 1, none above the next. y: n categories 0 .. C - 1; weights, offset: n, or empty.
inline Vector threshold_locations(const Family& family, const ConstVectorRef& y,
                                  const ConstVectorRef& weights, const ConstVectorRef& offset) {
  Vector locations(family_categories(family).value_or(2) - 1);
  for (Index t = 0; t < locations.size(); ++t) {
    const Vector above = (y.array() > double(t)).cast<double>();
    locations[t] = -response_location(above_threshold(family), above, Vector(), weights, offset);
  }
  return locations;
}

}  // namespace mixed_glm
