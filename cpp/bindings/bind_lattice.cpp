// The density of hyperparameters on a lattice, and its margins.

#include <pybind11/eigen.h>
#include <pybind11/stl.h>

#include <mixed_glm/math/fine_lattice.hpp>

#include "bound_model.hpp"
#include "interpreter_lock.hpp"

namespace py = pybind11;

namespace bind_lattice_detail {

using bound_model::check_length;
using mixed_glm::Index;
using mixed_glm::Matrix;
using mixed_glm::Vector;
using mixed_glm::math::FineLattice;

void check_cell(const Matrix& cell, Index dimension) {
  check_length("cell: rows", cell.rows(), dimension);
  check_length("cell: columns", cell.cols(), dimension);
}

// Returns where the box begins, parts of a cell, the shape of the box and the logarithms in it.
py::tuple fine_lattice(const Matrix& points, const Vector& log_density, const Matrix& cell,
                       double curvature, double most) {
  check_length("log_density", log_density.size(), points.rows());
  check_cell(cell, points.cols());
  if (points.size() == 0) throw std::invalid_argument("points: expected one or more");
  FineLattice found;
  {
    const interpreter_lock::Released released;
    found = mixed_glm::math::fine_lattice(points, log_density, cell, curvature, most);
  }
  return py::make_tuple(found.begin, found.parts, found.log_density.shape,
                        std::move(found.log_density.values));
}

// The first four as it returns them. Returns knots and probabilities of each margin.
std::vector<std::pair<Vector, Vector>> lattice_margins(const std::vector<Index>& begin, Index parts,
                                                       const std::vector<Index>& shape,
                                                       const Vector& log_density,
                                                       const Vector& origin, const Matrix& cell) {
  check_cell(cell, origin.size());
  check_length("begin", Index(begin.size()), origin.size());
  check_length("shape", Index(shape.size()), origin.size());
  Index size = 1;
  for (const Index n : shape) size *= n;
  check_length("log_density", log_density.size(), size);
  const interpreter_lock::Released released;
  const FineLattice lattice{begin, parts, {shape, log_density}};
  std::vector<std::pair<Vector, Vector>> found;
  for (mixed_glm::math::Margin& margin : mixed_glm::math::lattice_margins(lattice, origin, cell)) {
    found.emplace_back(std::move(margin.knots), std::move(margin.below));
  }
  return found;
}

}  // namespace bind_lattice_detail

void bind_lattice(py::module_& m) {
  using namespace bind_lattice_detail;
  m.def("fine_lattice", &fine_lattice, py::arg("points"), py::arg("log_density"), py::arg("cell"),
        py::arg("curvature"), py::arg("most"));
  m.def("lattice_margins", &lattice_margins, py::arg("begin"), py::arg("parts"), py::arg("shape"),
        py::arg("log_density"), py::arg("origin"), py::arg("cell"));
}
