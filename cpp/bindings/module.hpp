// The parts of the extension module, one function for each bind_<thing>.cpp.
//
// Several copies of the module, compiled for different instruction sets, can be in one process, so
// every class must be registered with py::module_local().
#pragma once

#include <pybind11/pybind11.h>

#include <mixed_glm/math/compiler.hpp>

#include "fit_status.hpp"  // here, so that no part can miss them
#include "opaque_family.hpp"

MIXED_GLM_COLD void bind_family(pybind11::module_& m);
MIXED_GLM_COLD void bind_status(pybind11::module_& m);
MIXED_GLM_COLD void bind_methods(pybind11::module_& m);
MIXED_GLM_COLD void bind_model(pybind11::module_& m);
MIXED_GLM_COLD void bind_map(pybind11::module_& m);
MIXED_GLM_COLD void bind_ridge(pybind11::module_& m);
MIXED_GLM_COLD void bind_lattice(pybind11::module_& m);
MIXED_GLM_COLD void bind_marginal(pybind11::module_& m);
MIXED_GLM_COLD void bind_mixture(pybind11::module_& m);
MIXED_GLM_COLD void bind_importance(pybind11::module_& m);
MIXED_GLM_COLD void bind_sampling(pybind11::module_& m);
MIXED_GLM_COLD void bind_variational(pybind11::module_& m);
MIXED_GLM_COLD void bind_many(pybind11::module_& m);
MIXED_GLM_COLD void bind_left_out(pybind11::module_& m);
MIXED_GLM_COLD void bind_defaults(pybind11::module_& m);
