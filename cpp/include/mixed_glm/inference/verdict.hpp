// How a fit ended, in one word, for every method.
#pragma once

#include <cstdint>

namespace mixed_glm {

enum class Verdict : std::int8_t {
  converged = 0,
  fell_back = 1,         // converged; a simpler approximation stood in at some points
  points_left_out = 2,   // the density could not be evaluated at some points of the integration
  collapsed = 3,         // joint mode: all effects of a component are at zero
  not_a_maximum = 4,     // joint mode: no standard deviations
  not_converged = 5,     // the result is the last point
  failed = 6,            // no result: nothing could be evaluated
  invalid_response = 7,  // no result: outside of the family's support, or not finite
};

constexpr const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::converged:
      return "converged";
    case Verdict::fell_back:
      return "fell back";
    case Verdict::points_left_out:
      return "points left out";
    case Verdict::collapsed:
      return "collapsed";
    case Verdict::not_a_maximum:
      return "not a maximum";
    case Verdict::not_converged:
      return "not converged";
    case Verdict::failed:
      return "failed";
    case Verdict::invalid_response:
      return "invalid response";
  }
  return "";
}

}  // namespace mixed_glm
