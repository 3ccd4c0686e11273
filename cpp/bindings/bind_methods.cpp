// What a fit is to do, as structs with names: an approximation, and the methods with their
// settings.

#include <mixed_glm/fit/fit_driver.hpp>

#include "keywords.hpp"
#include "module.hpp"

namespace py = pybind11;

namespace bind_methods_detail {

using keywords::Keywords;
using mixed_glm::Approximation;
using mixed_glm::GridSettings;
using mixed_glm::MapMethod;
using mixed_glm::MarginalMethod;
using mixed_glm::VariationalMethod;

MIXED_GLM_COLD Approximation approximation(const py::kwargs& given) {
  Approximation result;
  std::vector<mixed_glm::Index> leaf;
  Keywords("Approximation", given)
      .named("name", result.name, mixed_glm::approximation_named)
      .optional("leaf", leaf)
      .optional("n_quad", result.n_quad)
      .optional("mean_correction", result.mean_correction)
      .finish();
  result.leaf = leaf;
  return result;
}

MIXED_GLM_COLD MapMethod map_method(const py::kwargs& given) {
  MapMethod method;
  Keywords("MapMethod", given)
      .optional("tolerance", method.settings.gradient_tolerance)
      .optional("max_iterations", method.settings.max_iterations)
      .finish();
  return method;
}

MIXED_GLM_COLD VariationalMethod variational_method(const py::kwargs& given) {
  VariationalMethod method;
  Keywords("VariationalMethod", given)
      .optional("full", method.full)
      .optional("n_quad", method.settings.nodes)
      .optional("mean", method.start.mean)
      .optional("sd", method.start.sd)
      .optional("tolerance", method.settings.ascent.tolerance)
      .optional("max_iterations", method.settings.ascent.max_iterations)
      .finish();
  return method;
}

MIXED_GLM_COLD MarginalMethod marginal_method(const py::kwargs& given) {
  MarginalMethod method;
  GridSettings grid;
  grid.step = 0.0;
  Keywords("MarginalMethod", given)
      .optional("approximation", method.approximation)
      .optional("start", method.start)
      .named("integrate", method.settings.integrate, mixed_glm::integrate_named)
      .optional("grid_step", grid.step)
      .optional("grid_drop", grid.drop)
      .optional("tolerance", method.settings.mode.tolerance)
      .optional("max_iterations", method.settings.mode.max_iterations)
      .finish();
  if (grid.step > 0.0) method.settings.grid = grid;
  return method;
}

}  // namespace bind_methods_detail

void bind_methods(py::module_& m) {
  using namespace bind_methods_detail;
  py::class_<Approximation>(m, "Approximation", py::module_local())
      .def(py::init(&approximation))
      .def_property_readonly("name", [](const Approximation& a) { return to_string(a.name); })
      .def_property_readonly("leaf", [](const Approximation& a) { return a.leaf.components(); })
      .def_readonly("n_quad", &Approximation::n_quad)
      .def_readonly("mean_correction", &Approximation::mean_correction);
  py::class_<MapMethod>(m, "MapMethod", py::module_local()).def(py::init(&map_method));
  py::class_<VariationalMethod>(m, "VariationalMethod", py::module_local())
      .def(py::init(&variational_method));
  py::class_<MarginalMethod>(m, "MarginalMethod", py::module_local())
      .def(py::init(&marginal_method));
}
