// The parts of the extension module, one function for each bind_<thing>.cpp.
//
// Several copies of the module, compiled for different instruction sets, can be in one process, so
// every class must be registered with py::module_local().
#pragma once

#include <pybind11/pybind11.h>

#include "opaque_family.hpp"  // here, so that no part can miss it

void bind_family(pybind11::module_& m);
void bind_model(pybind11::module_& m);
void bind_marginal(pybind11::module_& m);
void bind_sampling(pybind11::module_& m);
void bind_variational(pybind11::module_& m);
void bind_many(pybind11::module_& m);
