// The extension module. It is compiled once for each instruction set under its own name, and
// appears to Python as mixed_glm._core whichever was chosen (see mixed_glm/_dispatch.py).

#include "module.hpp"

#include <mixed_glm/version.hpp>

namespace py = pybind11;

PYBIND11_MODULE(MIXED_GLM_MODULE, m, py::mod_gil_not_used()) {
  m.attr("__name__") = "mixed_glm._core";  // before the classes, whose __module__ it becomes
  m.attr("__doc__") = "The compiled core of mixed_glm.";
  m.attr("__version__") = MIXED_GLM_VERSION;
  m.attr("__isa__") = MIXED_GLM_ISA;
  m.attr("__eigen_version__") = MIXED_GLM_EIGEN_VERSION;
  bind_family(m);
  bind_status(m);
  bind_methods(m);
  bind_model(m);
  bind_map(m);
  bind_ridge(m);
  bind_lattice(m);
  bind_marginal(m);
  bind_mixture(m);
  bind_importance(m);
  bind_sampling(m);
  bind_variational(m);
  bind_many(m);
  bind_left_out(m);
  bind_defaults(m);
}
