// _core.ResponseStatus: how a fit ended.

#include <algorithm>
#include <cctype>
#include <string>

#include "module.hpp"

namespace py = pybind11;

namespace bind_status_detail {

using mixed_glm::FitStatus;

constexpr const char* doc = R"(How the fit of one response ended.

Attributes
----------
CONVERGED
    As it should.
FELL_BACK
    Converged; at some points expectation propagation did not, and Laplace took its place.
POINTS_LEFT_OUT
    The density could not be evaluated at some points of the integration, which were left out.
COLLAPSED
    ``method="map"``: all effects of a component went to zero, whatever the data (`VarianceCollapseWarning`).
NOT_A_MAXIMUM
    ``method="map"``: the point found is no maximum, and has no standard deviations.
NOT_CONVERGED
    Estimates are the last point of the search.
FAILED
    Nothing could be evaluated; estimates are NaN.
INVALID_RESPONSE
    Response, trials or offset are missing, infinite, or not what the family can give; estimates are NaN.
ROUGH_INTEGRATION
    Converged; the importance weights of the integration over the log standard deviations say that it may be inaccurate,
    or probes leave too large a Monte Carlo error.
)";

FitStatus status_of(const py::handle& member) { return static_cast<FitStatus>(member.cast<int>()); }

// "not converged" as NOT_CONVERGED.
std::string member_name(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return c == ' ' ? '_' : static_cast<char>(std::toupper(c));
  });
  return text;
}

MIXED_GLM_COLD py::object make_class() {
  py::dict members;
  for (const auto& [status, text] : mixed_glm::fit_status_names) {
    members[py::str(member_name(text))] = static_cast<int>(status);
  }
  py::object result = py::module_::import("enum").attr("IntEnum")(
      "ResponseStatus", members, py::arg("module") = "mixed_glm._core");
  result.attr("__doc__") = doc;
  const auto property = py::reinterpret_borrow<py::object>((PyObject*)&PyProperty_Type);
  const auto add = [&](const char* name, const char* says, auto get) {
    result.attr(name) = property(py::cpp_function(get), py::none(), py::none(), says);
  };
  add("label", "The status in words, as `MixedGLMResults.status` has it.",
      [](const py::object& self) { return to_string(status_of(self)); });
  add("converged", "Whether the search ended at what it was for.",
      [](const py::object& self) { return is_converged(status_of(self)); });
  return result;
}

}  // namespace bind_status_detail

const py::object& fit_status::python_class() {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> made;
  return made.call_once_and_store_result(&bind_status_detail::make_class).get_stored();
}

void bind_status(py::module_& m) { m.attr("ResponseStatus") = fit_status::python_class(); }
