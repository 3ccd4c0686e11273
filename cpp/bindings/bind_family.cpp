// _core.Family: a family and link by name, its inverse link and its derivatives.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <mixed_glm/families/evaluate_rows.hpp>
#include <mixed_glm/families/named_family.hpp>
#include <mixed_glm/families/response.hpp>
#include <mixed_glm/families/shape.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "interpreter_lock.hpp"
#include "module.hpp"
#include "opaque_family.hpp"

namespace py = pybind11;

namespace {

using mixed_glm::Family;
using mixed_glm::Index;
using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;
using ConstVectorMap = Eigen::Map<const mixed_glm::Vector>;

ConstVectorMap as_vector(const Array& array, const char* name, Index length) {
  if (array.ndim() != 1 || array.size() != length) {
    throw py::value_error(std::string(name) + ": expected one dimension and length " +
                          std::to_string(length) + ", got " + std::to_string(array.ndim()) +
                          " dimensions and " + std::to_string(array.size()) + " elements");
  }
  return {array.data(), length};
}

// What the rows' log densities have of the family's hyperparameter alone (families/shape.hpp), each
// distinct response evaluated once.
class Constants {
 public:
  Constants(const Family& family, const ConstVectorMap& y, const ConstVectorMap& weights)
      : weights_(weights.data(), weights.size()) {
    if (!mixed_glm::has_shape(family)) return;
    std::map<double, size_t> numbers;
    for (const double value : y) {
      const auto [found, is_new] = numbers.emplace(value, distinct_.size());
      if (is_new) distinct_.push_back(value);
      number_.push_back(found->second);
    }
  }

  mixed_glm::Vector at(const Family& family) const {
    mixed_glm::Vector result = mixed_glm::Vector::Zero(weights_.size());
    const auto fill = [&](const auto& kernel) {
      if constexpr (mixed_glm::has_shape_v<std::decay_t<decltype(kernel)>>) {
        std::vector<double> values;
        for (const double y : distinct_) values.push_back(kernel.shape_constant(y).value);
        for (size_t i = 0; i < number_.size(); ++i) {
          result[Index(i)] = weights_[Index(i)] * values[number_[i]];
        }
      }
    };
    std::visit(fill, family);
    return result;
  }

 private:
  ConstVectorMap weights_;
  std::vector<double> distinct_;
  std::vector<size_t> number_;  // of each row's among the distinct
};

Array mean(const Family& family, const Array& eta) {
  Array result(std::vector<py::ssize_t>(eta.shape(), eta.shape() + eta.ndim()));
  const double* from = eta.data();
  double* to = result.mutable_data();
  const Index n = eta.size();
  std::visit(
      [&](const auto& kernel) {
        for (Index i = 0; i < n; ++i) to[i] = kernel.mean(from[i]);
      },
      family);
  return result;
}

py::tuple derivatives(const Family& family, const Array& eta, const Array& endog,
                      const Array& trials, const Array& weights) {
  const Index n = eta.size();
  const ConstVectorMap predictor = as_vector(eta, "eta", n);
  const ConstVectorMap y = as_vector(endog, "endog", n);
  const ConstVectorMap counts = as_vector(trials, "trials", n);
  const ConstVectorMap w = as_vector(weights, "weights", n);
  Array value(n), d1(n), d2(n), d3(n);
  double* const out[] = {value.mutable_data(), d1.mutable_data(), d2.mutable_data(),
                         d3.mutable_data()};
  {
    const interpreter_lock::Released released;
    const mixed_glm::Response rows = mixed_glm::encode_response(family, y, counts, w);
    std::visit(
        [&](const auto& kernel) {
          mixed_glm::evaluate_rows<3>(kernel, n, predictor.data(), rows.a.data(), rows.b.data(),
                                      out[0], out[1], out[2], out[3]);
        },
        family);
    Eigen::Map<mixed_glm::Vector>(out[0], n) += rows.constant + Constants(family, y, w).at(family);
  }
  return py::make_tuple(value, d1, d2, d3);
}

using Table = Eigen::Map<mixed_glm::RowMatrix>;
using ConstTable = Eigen::Map<const mixed_glm::RowMatrix>;

// Rows one after the other, all draws of a row at once.
void fill_by_row(const Family& family, const mixed_glm::Response& response,
                 const mixed_glm::Vector& constant, const ConstTable& eta, Table& values) {
  mixed_glm::Vector a(eta.cols()), b(eta.cols());
  const auto evaluate = [&](const auto& kernel) {
    for (Index i = 0; i < eta.rows(); ++i) {
      a.setConstant(response.a[i]);
      b.setConstant(response.b[i]);
      mixed_glm::evaluate_rows<0>(kernel, eta.cols(), eta.row(i).data(), a.data(), b.data(),
                                  values.row(i).data(), nullptr, nullptr, nullptr);
    }
  };
  std::visit(evaluate, family);
  values.colwise() += constant;
}

// One draw after the other, each with a shape of its own.
void fill_by_draw(const Family& family, const ConstVectorMap& shape,
                  const mixed_glm::Response& response, const Constants& constants,
                  const ConstTable& eta, Table& values) {
  mixed_glm::Vector draw(eta.rows()), value(eta.rows());
  for (Index c = 0; c < eta.cols(); ++c) {
    const Family at = mixed_glm::with_shape(family, shape[c]);
    draw = eta.col(c);
    std::visit(
        [&](const auto& kernel) {
          mixed_glm::evaluate_rows<0>(kernel, eta.rows(), draw.data(), response.a.data(),
                                      response.b.data(), value.data(), nullptr, nullptr, nullptr);
        },
        at);
    values.col(c) = value + response.constant + constants.at(at);
  }
}

// eta: one row of linear predictors for each response, of all draws side by side; shape: the
// family's hyperparameter with each of them, or empty.
Array log_likelihood(const Family& family, const Array& eta, const Array& endog,
                     const Array& trials, const Array& weights, const Array& shape) {
  const Index n = endog.size();
  if (eta.ndim() != 2 || eta.shape(0) != n) {
    throw py::value_error("eta: expected " + std::to_string(n) + " rows");
  }
  const ConstVectorMap y = as_vector(endog, "endog", n);
  const ConstVectorMap counts = as_vector(trials, "trials", n);
  const ConstVectorMap w = as_vector(weights, "weights", n);
  const Index m = eta.shape(1);
  const ConstVectorMap phi = as_vector(shape, "shape", shape.size() == 0 ? 0 : m);
  Array result({n, m});
  const ConstTable predictors(eta.data(), n, m);
  Table values(result.mutable_data(), n, m);
  const interpreter_lock::Released released;
  const mixed_glm::Response rows = mixed_glm::encode_response(family, y, counts, w);
  const Constants constants(family, y, w);
  if (phi.size() > 0) {
    fill_by_draw(family, phi, rows, constants, predictors, values);
  } else {
    fill_by_row(family, rows, rows.constant + constants.at(family), predictors, values);
  }
  return result;
}

}  // namespace

void bind_family(py::module_& m) {
  py::class_<Family>(m, "Family", py::module_local(),
                     "A family and link, with the dispersion alpha if it has one.")
      .def(py::init([](const std::string& name, const std::string& link,
                       std::optional<double> alpha, std::optional<int> categories) {
             return mixed_glm::make_family(name, link, alpha, categories);
           }),
           py::arg("name"), py::arg("link"), py::arg("alpha") = py::none(),
           py::arg("categories") = py::none())
      .def_property_readonly("name",
                             [](const Family& self) { return mixed_glm::family_name(self); })
      .def_property_readonly("link", [](const Family& self) { return mixed_glm::link_name(self); })
      .def_property_readonly("alpha",
                             [](const Family& self) { return mixed_glm::family_alpha(self); })
      .def_property_readonly("categories",
                             [](const Family& self) { return mixed_glm::family_categories(self); })
      .def_property_readonly(
          "shape",
          [](const Family& self) -> std::optional<std::string> {
            if (const char* name = mixed_glm::shape_name(self)) return name;
            return std::nullopt;
          },
          "The name of exp(phi), phi the hyperparameter that the data estimate; None: there is "
          "none.")
      .def(
          "with_shape",
          [](const Family& self, double phi) { return mixed_glm::with_shape(self, phi); },
          py::arg("phi"))
      .def("mean", &mean, py::arg("eta"), "Inverse link of each element; per trial for a binomial.")
      .def("derivatives", &derivatives, py::arg("eta"), py::arg("endog"), py::arg("trials"),
           py::arg("weights"),
           "Normalized log probability of each row and its first three derivatives in eta.")
      .def("log_likelihood", &log_likelihood, py::arg("eta"), py::arg("endog"), py::arg("trials"),
           py::arg("weights"), py::arg("shape") = Array(0),
           "Normalized log probability of each response at every one of its linear predictors.");
}
