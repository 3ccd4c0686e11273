// A family as Python holds it: a class of its own, so that pybind11's casters for std::variant,
// which bind by conversion and not by identity, never come into it.
#pragma once

#include <mixed_glm/families/family.hpp>

struct FamilyHandle {
  mixed_glm::Family family;
};
