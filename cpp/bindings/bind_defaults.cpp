// Priors in units of the data, and the coordinates of the fixed effects that they ask for. Arrays
// that are not given are empty.

#include <mixed_glm/families/threshold_locations.hpp>
#include <mixed_glm/fit/default_priors.hpp>
#include <mixed_glm/linalg/sound_rows.hpp>
#include <mixed_glm/model/component_spread.hpp>
#include <mixed_glm/model/independent_columns.hpp>
#include <mixed_glm/model/ordered_normals.hpp>
#include <mixed_glm/model/standardization.hpp>

#include "bound_model.hpp"

namespace py = pybind11;

namespace bind_defaults_detail {

using bound_model::Codes;
using bound_model::Doubles;
using bound_model::FortranDoubles;
using bound_model::view;
using bound_model::visit_codes;
using Codes32 = py::array_t<std::int32_t, py::array::c_style>;
using Codes64 = py::array_t<std::int64_t, py::array::c_style>;
using mixed_glm::Code;
using mixed_glm::ColumnSpreads;
using mixed_glm::Family;
using mixed_glm::Index;
using mixed_glm::Matrix;
using mixed_glm::NormalPrior;
using mixed_glm::RowMatrix;
using mixed_glm::Vector;

Eigen::Map<const Matrix> columns_of(const FortranDoubles& array) {
  if (array.ndim() != 2) throw std::invalid_argument("exog: expected two dimensions");
  return {array.data(), array.shape(0), array.shape(1)};
}

template <class Member>
Vector each(const std::vector<NormalPrior>& priors, Member member) {
  Vector result(Index(priors.size()));
  for (size_t j = 0; j < priors.size(); ++j) result[Index(j)] = (priors[j].*member)();
  return result;
}

// Whether arrays are compressed sparse rows that can be taken as they are; false, too, where they
// are of other types than those that are usual.
bool are_sound_rows(Index cols, const py::array& indptr, const py::array& indices,
                    const py::array& data, double largest) {
  const auto is_codes = [](const py::array& numbers) {
    return py::isinstance<Codes32>(numbers) || py::isinstance<Codes64>(numbers);
  };
  if (!is_codes(indptr) || !is_codes(indices) || !py::isinstance<Doubles>(data)) return false;
  const bool fit = indptr.ndim() == 1 && indices.ndim() == 1 && data.ndim() == 1 &&
                   indptr.size() > 0 && indices.size() == data.size();
  if (!fit) return false;
  const auto values = py::cast<Doubles>(data);
  return visit_codes(indptr, [&](const auto* starts) {
    return visit_codes(indices, [&](const auto* columns) {
      return mixed_glm::are_sound_rows(indptr.size() - 1, cols, starts, columns, values.data(),
                                       values.size(), largest);
    });
  });
}

bool are_clearly_independent(const FortranDoubles& exog) {
  return mixed_glm::are_clearly_independent(columns_of(exog));
}

// (center, scale, T, the constant's number); thresholds: how many stand before the columns'
// coefficients.
py::tuple standardization(const FortranDoubles& exog, const Doubles& weights, Index thresholds) {
  const mixed_glm::Standardization found(ColumnSpreads(columns_of(exog), view(weights)), {},
                                         thresholds);
  return py::make_tuple(found.center(), found.scale(), found.matrix(), found.constant());
}

// (means, sds, the constant's number) of the fixed effects. With offset and the like, the response
// is looked at where there is a constant.
py::tuple default_fe_priors(const FortranDoubles& exog, const Family& family, const Doubles& endog,
                            const Doubles& trials, const Doubles& weights, const Doubles& offset) {
  const ColumnSpreads columns(columns_of(exog), view(weights));
  const double location =
      columns.constant < 0
          ? 0.0
          : response_location(family, view(endog), view(trials), view(weights), view(offset));
  const double scale = response_scale(family, view(endog), view(weights), view(offset));
  const auto priors = mixed_glm::default_fe_priors(columns, location, scale);
  return py::make_tuple(each(priors, &NormalPrior::mean), each(priors, &NormalPrior::sd),
                        columns.constant);
}

// Of each column of endog, m x (C - 1); offset has as many, or one for all, or none.
RowMatrix threshold_locations(const Family& family, const FortranDoubles& endog,
                              const Doubles& weights, const FortranDoubles& offset) {
  const auto y = columns_of(endog), o = columns_of(offset);
  RowMatrix result(y.cols(), mixed_glm::family_categories(family).value_or(2) - 1);
  for (Index j = 0; j < y.cols(); ++j) {
    const Vector own = o.cols() == 0 ? Vector() : Vector(o.col(o.cols() == 1 ? 0 : j));
    result.row(j) =
        mixed_glm::threshold_locations(family, y.col(j), view(weights), own).transpose();
  }
  return result;
}

// Means of the log standard deviations.
Vector default_sd_priors(const py::array& indptr, const py::array& indices, const Doubles& data,
                         const Codes& ident, Index components, const Doubles& weights,
                         double scale) {
  const mixed_glm::SparseRows z = bound_model::sparse_rows(indptr, indices, data, ident.size());
  const std::vector<Code> component(ident.data(), ident.data() + ident.size());
  return each(mixed_glm::default_sd_priors(
                  mixed_glm::component_spreads(z, component, components, view(weights)), scale),
              &NormalPrior::mean);
}

// Unit of the linear predictor that each column of endog suggests; offset has as many, or one for
// all, or none.
Vector response_scales(const Family& family, const FortranDoubles& endog, const Doubles& weights,
                       const FortranDoubles& offset) {
  const auto y = columns_of(endog), o = columns_of(offset);
  Vector result(y.cols());
  for (Index j = 0; j < y.cols(); ++j) {
    const Vector own = o.cols() == 0 ? Vector() : Vector(o.col(o.cols() == 1 ? 0 : j));
    result[j] = mixed_glm::response_scale(family, y.col(j), view(weights), own);
  }
  return result;
}

// Of each column of endog; trials and offset have as many, or one for all, or none.
Vector response_locations(const Family& family, const FortranDoubles& endog,
                          const FortranDoubles& trials, const Doubles& weights,
                          const FortranDoubles& offset) {
  const auto y = columns_of(endog), t = columns_of(trials), o = columns_of(offset);
  const auto column = [](const Eigen::Map<const Matrix>& all, Index j) -> Vector {
    return all.cols() == 0 ? Vector() : Vector(all.col(all.cols() == 1 ? 0 : j));
  };
  Vector result(y.cols());
  for (Index j = 0; j < y.cols(); ++j) {
    result[j] = response_location(family, y.col(j), column(t, j), view(weights), column(o, j));
  }
  return result;
}

// b: one row for each vector of coefficients.
RowMatrix coefficients_back(const Matrix& way, const Vector& origin, const RowMatrix& b) {
  RowMatrix result(b.rows(), b.cols());
  for (Index r = 0; r < b.rows(); ++r) {
    result.row(r) = mixed_glm::coefficients_back(way, origin, b.row(r).transpose()).transpose();
  }
  return result;
}

}  // namespace bind_defaults_detail

void bind_defaults(py::module_& m) {
  using namespace bind_defaults_detail;
  m.def("are_sound_rows", &are_sound_rows, py::arg("cols"), py::arg("indptr"), py::arg("indices"),
        py::arg("data"), py::arg("largest"));
  m.def("are_clearly_independent", &are_clearly_independent, py::arg("exog"));
  m.def("standardization", &standardization, py::arg("exog"), py::arg("weights"),
        py::arg("thresholds") = 0);
  m.def("threshold_locations", &threshold_locations, py::kw_only(), py::arg("family"),
        py::arg("endog"), py::arg("weights"), py::arg("offset"));
  m.def("log_ordered_probability", &mixed_glm::log_ordered_probability, py::arg("mean"),
        py::arg("sd"));
  m.attr("DEFAULT_PRIOR_SCALE") = mixed_glm::default_prior_scale;
  m.def("default_fe_priors", &default_fe_priors, py::kw_only(), py::arg("exog"), py::arg("family"),
        py::arg("endog"), py::arg("trials"), py::arg("weights"), py::arg("offset"));
  m.def("default_sd_priors", &default_sd_priors, py::kw_only(), py::arg("indptr"),
        py::arg("indices"), py::arg("data"), py::arg("ident"), py::arg("components"),
        py::arg("weights"), py::arg("scale") = 1.0);
  m.def("response_scales", &response_scales, py::kw_only(), py::arg("family"), py::arg("endog"),
        py::arg("weights"), py::arg("offset"));
  m.def(
      "default_family_prior",
      [](double scale) {
        const NormalPrior prior = mixed_glm::default_family_prior(scale);
        return py::make_tuple(prior.mean(), prior.sd());
      },
      py::arg("scale"));
  m.def("response_locations", &response_locations, py::kw_only(), py::arg("family"),
        py::arg("endog"), py::arg("trials"), py::arg("weights"), py::arg("offset"));
  m.def("coefficients_back", &coefficients_back, py::arg("way"), py::arg("origin"), py::arg("b"));
  m.def("coefficient_sds_back", &mixed_glm::coefficient_sds_back, py::arg("way"),
        py::arg("covariance"));
}
