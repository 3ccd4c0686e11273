// A model over numpy arrays, which it keeps alive.
#pragma once

#include <pybind11/eigen.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <mixed_glm/fit/mixed_model.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "module.hpp"

namespace bound_model {

namespace py = pybind11;

using mixed_glm::check_length;
using mixed_glm::Code;
using mixed_glm::Index;
using mixed_glm::Matrix;
using mixed_glm::Vector;
using Doubles = py::array_t<double, py::array::c_style>;
using FortranDoubles = py::array_t<double, py::array::f_style>;
using Codes = py::array_t<Code>;

// visit() of a pointer to whole numbers, which may be of either width: none are copied.
template <class Visit>
auto visit_codes(const py::array& numbers, Visit&& visit) {
  using Narrow = py::array_t<std::int32_t, py::array::c_style>;
  using Wide = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;
  if (py::isinstance<Narrow>(numbers)) return visit(py::cast<Narrow>(numbers).data());
  return visit(py::cast<Wide>(numbers).data());
}

// Compressed rows.
mixed_glm::SparseRows sparse_rows(const py::array& indptr, const py::array& indices,
                                  const Doubles& data, Index cols);

inline Eigen::Map<const Vector> view(const Doubles& array) { return {array.data(), array.size()}; }

// mixed_glm::ModelData in numpy arrays, by the names that Python has for them.
struct ModelArrays {
  Doubles endog;
  FortranDoubles exog;
  py::array vc_indptr, vc_indices;  // of the random effects' design, as compressed rows
  Doubles vc_data;
  Codes ident;
  mixed_glm::Family family;
  Doubles trials, weights, offset, fe_p;
  Doubles thresholds;  // C - 1 prior means of those of an ordinal model; empty: zeros
  std::vector<std::tuple<std::string, double, double>> sd_priors;  // named_prior.hpp
  // Terms of correlated effects: their columns, level by level, and how many there are of a level.
  std::vector<std::pair<std::vector<Code>, Index>> correlated;
  std::vector<double> cor_priors;  // LKJ's shape for each of them
  std::vector<std::tuple<std::string, double, double>> family_priors;  // likewise
  bool merge_rows = true, any_response = false;
  bool own_exog = false;                    // whether exog is nobody else's, and may be overwritten
  std::string factorization = "automatic";  // model/elimination.hpp

  MIXED_GLM_COLD explicit ModelArrays(const py::kwargs& given);

  MIXED_GLM_COLD mixed_glm::ModelData data();  // views the arrays

 private:
  MIXED_GLM_COLD mixed_glm::RandomEffects random_effects() const;
  MIXED_GLM_COLD std::vector<mixed_glm::CorrelatedColumns> correlated_columns() const;
};

class BoundModel {
 public:
  explicit BoundModel(ModelArrays arrays) : exog_(arrays.exog), model_(arrays.data()) {
    if (design().x().data() != exog_.data()) exog_ = {};  // it has its own, in another order
  }

  const mixed_glm::Design& design() const { return model_.design(); }
  const mixed_glm::Model& model() const { return model_.model(); }
  const mixed_glm::OrdinalRows* ordinal() const { return model_.ordinal(); }
  Index hyper() const { return model().hyperparameters().size(); }  // d
  void check_params(const mixed_glm::ConstVectorRef& params) const {
    check_length("params", params.size(), model().layout().size());
  }

 private:
  FortranDoubles exog_;  // where it is viewed by the model
  mixed_glm::MixedModel model_;
};

std::unique_ptr<BoundModel> make_model(const py::kwargs& given);

}  // namespace bound_model
