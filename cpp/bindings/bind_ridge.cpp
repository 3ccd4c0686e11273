// _core.RidgeShape: the shape of the density of psi around its mode, to sample from.

#include <pybind11/eigen.h>

#include <mixed_glm/inference/integration_report.hpp>
#include <mixed_glm/math/sobol_points.hpp>
#include <mixed_glm/ridge/ridge_proposal.hpp>

#include "module.hpp"

namespace py = pybind11;

namespace bind_ridge_detail {

using mixed_glm::AxisProfile;
using mixed_glm::ConstMatrixRef;
using mixed_glm::ConstVectorRef;
using mixed_glm::Index;
using mixed_glm::IntegrationReport;
using mixed_glm::Matrix;
using mixed_glm::RidgeProposal;
using mixed_glm::RidgeShape;
using mixed_glm::SobolPoints;
using mixed_glm::Vector;

constexpr Index leading = 4;  // columns of `profiles` before the ridge: axis, z, value, slope

// All profiles in one array, one row for each node.
Matrix profiles_of(const RidgeShape& shape) {
  Index nodes = 0;
  for (const AxisProfile& profile : shape.profiles) nodes += profile.z.size();
  Matrix rows(nodes, leading + shape.dimension());
  Index first = 0, axis = 0;
  for (const AxisProfile& profile : shape.profiles) {
    const Index n = profile.z.size();
    rows.middleRows(first, n) << Vector::Constant(n, double(axis)), profile.z, profile.value,
        profile.slope, profile.ridge;
    first += n;
    ++axis;
  }
  return rows;
}

MIXED_GLM_COLD void refuse(const char* what) {
  throw std::invalid_argument(std::string("RidgeShape: ") + what);
}

AxisProfile profile_at(const Matrix& rows) {
  const Index n = rows.rows();
  const Vector z = rows.col(1);
  if (n < 2 || !((z.tail(n - 1) - z.head(n - 1)).array() > 0.0).all()) {
    refuse("expected two nodes or more of each axis, increasing");
  }
  return {z, rows.col(2), rows.col(3), rows.rightCols(rows.cols() - leading)};
}

RidgeShape shape_of(const ConstVectorRef& mode, const ConstMatrixRef& axes,
                    const ConstMatrixRef& profiles) {
  const Index k = mode.size();
  if (axes.rows() != k || axes.cols() != k || profiles.cols() != leading + k) {
    refuse("shapes do not match");
  }
  if (!mode.allFinite() || !axes.allFinite() || !profiles.allFinite()) refuse("not finite");
  RidgeShape shape{mode, axes, {}};
  Index first = 0;
  for (Index axis = 0; axis < k; ++axis) {
    Index last = first;
    while (last < profiles.rows() && profiles(last, 0) == double(axis)) ++last;
    shape.profiles.push_back(profile_at(profiles.middleRows(first, last - first)));
    first = last;
  }
  if (first != profiles.rows()) refuse("nodes are not in the order of the axes");
  return shape;
}

// Points, one row for each, and their log densities.
template <class Uniform>
py::tuple sample(const RidgeShape& shape, Index n, const Uniform& uniform) {
  const RidgeProposal proposal(shape);
  Matrix points(n, shape.dimension());
  Vector log_density(n);
  for (Index i = 0; i < n; ++i) {
    const RidgeProposal::Point point = proposal.at(uniform(i));
    points.row(i) = point.x.transpose();
    log_density[i] = point.log_density;
  }
  return py::make_tuple(points, log_density);
}

// uniform: one row for each point, in the open unit cube.
py::tuple at(const RidgeShape& shape, const ConstMatrixRef& uniform) {
  if (uniform.cols() != shape.dimension()) refuse("expected one uniform number for each axis");
  return sample(shape, uniform.rows(), [&](Index i) -> Vector { return uniform.row(i); });
}

// The same points for every n: those of a smaller one come first.
py::tuple spread(const RidgeShape& shape, Index n) {
  const SobolPoints uniform(shape.dimension());
  return sample(shape, n, [&](Index i) { return uniform.point(std::uint32_t(i)); });
}

}  // namespace bind_ridge_detail

void bind_ridge(py::module_& m) {
  using namespace bind_ridge_detail;
  py::class_<RidgeShape>(m, "RidgeShape", py::module_local())
      .def(py::init(&shape_of), py::arg("mode"), py::arg("axes"), py::arg("profiles"))
      .def_readonly("mode", &RidgeShape::mode)
      .def_readonly("axes", &RidgeShape::axes)
      .def_property_readonly("profiles", &profiles_of)
      .def("at", &at, py::arg("uniform"))
      .def("spread", &spread, py::arg("n"));
  py::class_<IntegrationReport>(m, "IntegrationReport", py::module_local())
      .def_property_readonly("rule", [](const IntegrationReport& r) { return to_string(r.rule); })
      .def_readonly("evaluations", &IntegrationReport::evaluations)
      .def_readonly("k_hat", &IntegrationReport::k_hat)
      .def_readonly("ess_share", &IntegrationReport::ess_share)
      .def_property_readonly("probes", [](const IntegrationReport& r) { return r.probes.probes; })
      .def_property_readonly("psi_error",
                             [](const IntegrationReport& r) { return r.probes.psi_error; })
      .def_property_readonly("sd_error",
                             [](const IntegrationReport& r) { return r.probes.sd_error; })
      .def_property_readonly("log_density_error",
                             [](const IntegrationReport& r) { return r.probes.log_density_error; })
      .def_property_readonly("fell_back",
                             [](const IntegrationReport& r) { return r.probes.fell_back; });
}
