// One design fitted to many responses.

#include <mixed_glm/many/many_fitter.hpp>

#include "bound_model.hpp"
#include "interpreter_lock.hpp"

namespace py = pybind11;

namespace bind_many_detail {

using bound_model::BoundModel;
using bound_model::Doubles;
using bound_model::FortranDoubles;
using mixed_glm::FitMethod;
using mixed_glm::ManyFitter;
using mixed_glm::ManyResults;
using mixed_glm::Matrix;
using mixed_glm::RowMatrix;
using mixed_glm::Vector;

std::unique_ptr<ManyFitter> make_fitter(const BoundModel& bound, const FitMethod& method,
                                        const Vector& levels, const Vector& normal_levels,
                                        const Matrix& way) {
  bound_model::check_length("normal_levels", normal_levels.size(), levels.size());
  if (way.size() > 0) {
    bound_model::check_length("way: columns", way.cols(), bound.design().fixed());
  }
  return std::make_unique<ManyFitter>(
      bound.design(), bound.model().family(), bound.model().prior(), method,
      mixed_glm::KeptQuantiles{{levels, normal_levels}, way}, bound.ordinal());
}

Eigen::Map<const Matrix> columns(const char* name, const FortranDoubles& array) {
  if (array.ndim() != 2) {
    throw std::invalid_argument(std::string(name) + ": expected two dimensions");
  }
  return {array.data(), array.shape(0), array.shape(1)};
}

// One row for each response; a vector has one number for each.
Matrix shifts(const Doubles& array) {
  if (array.size() == 0) return Matrix();
  const py::ssize_t width = array.ndim() == 2 ? array.shape(1) : 1;
  return Eigen::Map<const mixed_glm::RowMatrix>(array.data(), array.shape(0), width);
}

ManyResults fit(ManyFitter& fitter, const FortranDoubles& endog, const FortranDoubles& trials,
                const FortranDoubles& offset, const Doubles& weights, const Doubles& shift,
                int n_jobs, bool keep_random_effects, bool keep_covariances) {
  const auto y = columns("endog", endog), n = columns("trials", trials),
             o = columns("offset", offset);
  const mixed_glm::ResponseBatch batch{y, n, o, bound_model::view(weights), shifts(shift)};
  return interpreter_lock::until_signalled([&](const mixed_glm::ShouldStop& signalled) {
    return fitter.fit(batch, {n_jobs, keep_random_effects, keep_covariances, signalled});
  });
}

const RowMatrix& fe_quantiles(const ManyResults& results) { return results.quantiles.fe(); }
const RowMatrix& hyper_quantiles(const ManyResults& results) { return results.quantiles.theta(); }
const RowMatrix& vc_quantiles(const ManyResults& results) { return results.quantiles.u(); }

// A fit that knows its density of psi alone, or None, for each response; empty for one
// hyperparameter.
py::list psi_densities(const ManyResults& results) {
  py::list all;
  for (const auto& density : results.quantiles.densities()) {
    if (density == nullptr) {
      all.append(py::none());
    } else {
      all.append(*density);
    }
  }
  return all;
}

template <class Number, class Stored>
py::array_t<Number> numbers(const std::vector<Stored>& values) {
  py::array_t<Number> result(static_cast<py::ssize_t>(values.size()));
  std::transform(values.begin(), values.end(), result.mutable_data(),
                 [](Stored value) { return static_cast<Number>(value); });
  return result;
}

}  // namespace bind_many_detail

void bind_many(py::module_& m) {
  using namespace bind_many_detail;
  py::class_<ManyResults>(m, "ManyResults", py::module_local())
      .def_readonly("fe_mean", &ManyResults::fe_mean)
      .def_readonly("fe_sd", &ManyResults::fe_sd)
      .def_readonly("vcp_mean", &ManyResults::vcp_mean)
      .def_readonly("vcp_sd", &ManyResults::vcp_sd)
      .def_readonly("cor_mean", &ManyResults::cor_mean)
      .def_readonly("cor_sd", &ManyResults::cor_sd)
      .def_readonly("family_mean", &ManyResults::family_mean)
      .def_readonly("family_sd", &ManyResults::family_sd)
      .def_readonly("vc_mean", &ManyResults::vc_mean)
      .def_readonly("vc_sd", &ManyResults::vc_sd)
      .def_readonly("fe_cov", &ManyResults::fe_cov)
      .def_property_readonly("fe_quantiles", &fe_quantiles)
      .def_property_readonly("hyper_quantiles", &hyper_quantiles)
      .def_property_readonly("vc_quantiles", &vc_quantiles)
      .def_property_readonly("psi_densities", &psi_densities)
      .def_readonly("log_evidence", &ManyResults::log_evidence)
      .def_property_readonly("status",
                             [](const ManyResults& r) { return numbers<std::int8_t>(r.status); })
      .def_property_readonly(
          "n_iter", [](const ManyResults& r) { return numbers<std::int32_t>(r.iterations); });

  py::class_<ManyFitter>(m, "ManyFitter", py::module_local())
      .def(py::init(&make_fitter), py::arg("model"), py::arg("method"), py::kw_only(),
           py::arg("levels") = Vector(), py::arg("normal_levels") = Vector(),
           py::arg("way") = Matrix(), py::keep_alive<1, 2>())
      .def("fit", &fit, py::kw_only(), py::arg("endog"), py::arg("trials"), py::arg("offset"),
           py::arg("weights"), py::arg("shift") = Doubles(0), py::arg("n_jobs") = -1,
           py::arg("keep_random_effects") = false, py::arg("keep_covariances") = false);
  m.def("thread_count", &mixed_glm::thread_count, py::arg("n_jobs"));
}
