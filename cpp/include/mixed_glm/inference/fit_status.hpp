// How a fit ended, in one word, for every method.
#pragma once

#include <cstdint>
#include <mixed_glm/inference/enum_names.hpp>

namespace mixed_glm {

enum class FitStatus : std::int8_t {
  converged = 0,
  fell_back = 1,          // converged; a simpler approximation stood in at some points
  points_left_out = 2,    // the density could not be evaluated at some points of the integration
  collapsed = 3,          // joint mode: all effects of a component are at zero
  not_a_maximum = 4,      // joint mode: no standard deviations
  not_converged = 5,      // the result is the last point
  failed = 6,             // no result: nothing could be evaluated
  invalid_response = 7,   // no result: outside of the family's support, or not finite
  rough_integration = 8,  // converged; the weights of the integration, or fixed effects that no
                          // correction of their means reaches, say that it may be inaccurate
};

// In the order of their numbers.
inline constexpr EnumNames<FitStatus, 9> fit_status_names = {{
    {FitStatus::converged, "converged"},
    {FitStatus::fell_back, "fell back"},
    {FitStatus::points_left_out, "points left out"},
    {FitStatus::collapsed, "collapsed"},
    {FitStatus::not_a_maximum, "not a maximum"},
    {FitStatus::not_converged, "not converged"},
    {FitStatus::failed, "failed"},
    {FitStatus::invalid_response, "invalid response"},
    {FitStatus::rough_integration, "rough integration"},
}};

constexpr const char* to_string(FitStatus status) { return name_of(fit_status_names, status); }

// Whether the search ended at what it was for.
constexpr bool is_converged(FitStatus status) {
  return status == FitStatus::converged || status == FitStatus::fell_back ||
         status == FitStatus::collapsed || status == FitStatus::rough_integration;
}

}  // namespace mixed_glm
