// mixed_glm._cpu: compiled for the plainest processor, it tells which of the _core_* modules this one can run.

#include <pybind11/pybind11.h>

#include "cpu_features.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_cpu, m, py::mod_gil_not_used()) {
  m.def("x86_64_level", &mixed_glm_cpu::x86_64_level,
        "Highest x86-64 level (1 to 4) of this processor; 0 on other architectures.");
}
