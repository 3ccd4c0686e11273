// A model over numpy arrays, which it keeps alive.
#pragma once

#include <pybind11/eigen.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <memory>
#include <mixed_glm/model/model.hpp>
#include <string>
#include <utility>
#include <vector>

#include "module.hpp"

namespace bound_model {

namespace py = pybind11;

using mixed_glm::Code;
using mixed_glm::Index;
using mixed_glm::Matrix;
using mixed_glm::Vector;
using Doubles = py::array_t<double, py::array::c_style>;
using FortranDoubles = py::array_t<double, py::array::f_style>;

inline Eigen::Map<const Vector> view(const Doubles& array) { return {array.data(), array.size()}; }

inline void check_length(const char* name, Index got, Index expected) {
  if (got == expected) return;
  throw std::invalid_argument(std::string(name) + ": expected length " + std::to_string(expected) +
                              ", got " + std::to_string(got));
}

inline mixed_glm::SparseRows sparse_rows(const py::array_t<std::int64_t>& indptr,
                                         const py::array_t<Code>& indices, const Doubles& data,
                                         Index effects) {
  if (indptr.size() < 1) throw std::invalid_argument("exog_vc: indptr is empty");
  check_length("exog_vc indices", indices.size(), indptr.data()[indptr.size() - 1]);
  check_length("exog_vc data", data.size(), indices.size());
  return {indptr.size() - 1, effects, indptr.data(), indices.data(), data.data()};
}

// The arrays that design and model view, and the two themselves.
class BoundModel {
 public:
  BoundModel(const Doubles& endog, FortranDoubles exog, const py::array_t<std::int64_t>& indptr,
             const py::array_t<Code>& indices, const Doubles& data, const py::array_t<Code>& ident,
             Index k_vcp, const mixed_glm::Family& family, const Doubles& trials,
             const Doubles& weights, const Doubles& offset, const Doubles& fe_p,
             const Doubles& vcp_p, bool merge_rows)
      : exog_(std::move(exog)) {
    if (exog_.ndim() != 2) throw std::invalid_argument("exog: expected two dimensions");
    const Index n = exog_.shape(0);
    check_length("endog", endog.size(), n);
    check_length("trials", trials.size(), n);
    check_length("weights", weights.size(), n);
    const std::vector<Code> components(ident.data(), ident.data() + ident.size());
    const Eigen::Map<const Matrix> x(exog_.data(), n, exog_.shape(1));
    const mixed_glm::SparseRows z = sparse_rows(indptr, indices, data, ident.size());
    design_ = merge_rows ? mixed_glm::Design::merged(x, z, components, k_vcp, view(offset))
                         : std::make_unique<mixed_glm::Design>(x, z, components, k_vcp);
    model_ = std::make_unique<mixed_glm::Model>(
        *design_, family,
        mixed_glm::encode_response(family, view(endog), view(trials), view(weights)),
        mixed_glm::Prior{view(fe_p), view(vcp_p)}, view(offset));
  }

  const mixed_glm::Design& design() const { return *design_; }
  const mixed_glm::Model& model() const { return *model_; }
  void check_params(const mixed_glm::ConstVectorRef& params) const {
    check_length("params", params.size(), model_->layout().size());
  }

 private:
  FortranDoubles exog_;
  std::unique_ptr<mixed_glm::Design> design_;
  std::unique_ptr<mixed_glm::Model> model_;
};

}  // namespace bound_model
