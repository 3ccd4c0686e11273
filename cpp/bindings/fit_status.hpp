// mixed_glm::FitStatus as an enum.IntEnum of Python's, _core.ResponseStatus. pybind11::native_enum
// makes one too, but registers the C++ type for the whole process, where a second core, compiled
// for another instruction set, would find it taken.
#pragma once

#include <pybind11/gil_safe_call_once.h>
#include <pybind11/pybind11.h>

#include <mixed_glm/inference/fit_status.hpp>

namespace fit_status {

// The class; made at the first call.
const pybind11::object& python_class();

}  // namespace fit_status

namespace pybind11::detail {

template <>
struct type_caster<mixed_glm::FitStatus> {
  PYBIND11_TYPE_CASTER(mixed_glm::FitStatus, const_name("mixed_glm._core.ResponseStatus"));

  bool load(handle source, bool) {
    if (!isinstance(source, fit_status::python_class())) return false;
    value = static_cast<mixed_glm::FitStatus>(source.attr("value").cast<int>());
    return true;
  }
  static handle cast(mixed_glm::FitStatus status, return_value_policy, handle) {
    return fit_status::python_class()(static_cast<int>(status)).release();
  }
};

}  // namespace pybind11::detail
