// mixed_glm::Family as a Python class of its own. pybind11/stl.h would convert the std::variant
// from and to its alternatives instead, so every file that binds a function of a Family needs this.
#pragma once

#include <pybind11/pybind11.h>

#include <mixed_glm/families/family.hpp>

PYBIND11_MAKE_OPAQUE(mixed_glm::Family)
