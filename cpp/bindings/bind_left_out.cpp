// What remains of log p(y, theta) where some rows are left out.

#include <mixed_glm/many/left_out.hpp>

#include "bound_model.hpp"
#include "interpreter_lock.hpp"

namespace py = pybind11;

namespace bind_left_out_detail {

using bound_model::BoundModel;
using bound_model::Doubles;
using mixed_glm::Approximation;
using mixed_glm::Index;
using mixed_glm::LeftOutProblem;
using mixed_glm::Matrix;
using mixed_glm::ResponseBatch;
using mixed_glm::RowMatrix;
using Rows = py::array_t<std::int64_t, py::array::c_style>;
using Sets = std::vector<std::vector<Index>>;

Sets make_sets(const std::vector<Rows>& given, Index rows) {
  Sets sets;
  for (const Rows& set : given) {
    sets.emplace_back(set.data(), set.data() + set.size());
    for (const Index i : sets.back()) {
      if (i < 0 || i >= rows) throw std::invalid_argument("rows: there is no " + std::to_string(i));
    }
  }
  return sets;
}

RowMatrix log_ratios_without(const BoundModel& bound, const Approximation& approximation,
                             const RowMatrix& points, const std::vector<Rows>& rows,
                             const Doubles& endog, const Doubles& trials, const Doubles& weights,
                             const Doubles& offset, const Doubles& thresholds, int n_jobs) {
  bound_model::check_length("points: columns", points.cols(), bound.hyper());
  const auto y = bound_model::view(endog), n = bound_model::view(trials),
             w = bound_model::view(weights), o = bound_model::view(offset);
  const mixed_glm::ResponseBatch all{y, n, o, w, bound_model::view(thresholds).transpose()};
  const Index observations =
      bound.ordinal() != nullptr ? bound.ordinal()->observations() : bound.design().user_rows();
  all.check(observations, thresholds.size());
  const Sets sets = make_sets(rows, observations);
  const Matrix columns = points.transpose();
  const LeftOutProblem problem{bound.design(),  bound.model().family(), bound.model().prior(),
                               bound.ordinal(), approximation,          all,
                               columns};
  const Matrix found =
      interpreter_lock::until_signalled([&](const mixed_glm::ShouldStop& signalled) {
        return mixed_glm::log_ratios_without(problem, sets, n_jobs, signalled);
      });
  return found.transpose();
}

}  // namespace bind_left_out_detail

void bind_left_out(py::module_& m) {
  m.def("log_ratios_without", &bind_left_out_detail::log_ratios_without, py::arg("model"),
        py::arg("approximation"), py::arg("points"), py::arg("rows"), py::kw_only(),
        py::arg("endog"), py::arg("trials"), py::arg("weights"), py::arg("offset"),
        py::arg("thresholds"), py::arg("n_jobs"));
}
