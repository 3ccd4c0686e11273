// Families with a hyperparameter phi, their shape, that the data estimate: sigma of the Gaussian,
// alpha of the negative binomial, ... each on a scale without bounds. A kernel with a shape
// (family.hpp) has besides
//
//     const char* shape_name = "sigma";  // of what exp(phi) is; null: this one has none after all
//     MyKernel with_shape(double phi) const;              // the same at phi
//     ShapeSlopes shape_slopes(double eta, double a, double b) const noexcept;
//     ShapeTerm shape_constant(double y) const;           // of a row of weight one
//     static constexpr bool constant_depends_on_response = true;
//     double merging_loss(double y, double mean) const;   // of weight one, y merged to mean
//     ShapeTerm loss_rate() const;
//
// Its a and b (row_derivatives.hpp) and the constant of encode() do not depend on phi, a is weight
// times y and b the weight, and
//
//     log p(y | eta, phi) = evaluate(eta, a, b).value + constant + b shape_constant(y)
//
// Where the value is not linear in a and b, rows that are merged into one with the mean of theirs
// (model/merged_rows.hpp) lose the same at every eta: loss_rate() sum_i b_i merging_loss(y_i,
// mean).
#pragma once

#include <mixed_glm/families/family.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <variant>

namespace mixed_glm {

// Whether the log density is a quadratic function of eta: Kernel::is_quadratic, where there is one.
template <class Kernel, class = void>
struct has_quadratic_rows : std::false_type {};
template <class Kernel>
struct has_quadratic_rows<Kernel, std::void_t<decltype(Kernel::is_quadratic)>>
    : std::bool_constant<Kernel::is_quadratic> {};

inline bool is_quadratic(const Family& family) {
  return std::visit(
      [](const auto& kernel) { return has_quadratic_rows<std::decay_t<decltype(kernel)>>::value; },
      family);
}

// How many rows of the design, next to each other, are evaluated together
// (cumulative_interval.hpp).
inline Index rows_together(const Family& family) {
  return std::holds_alternative<CumulativeInterval>(family) ? CumulativeInterval::rows_together : 1;
}

// Whether the density of a single row is none.
inline bool has_joint_rows(const Family& family) {
  const auto* kernel = std::get_if<CumulativeInterval>(&family);
  return kernel != nullptr && kernel->categories() > 2;
}

// Throws std::invalid_argument where the density of a single row is none.
inline void refuse_joint_rows(const Family& family, const std::string& what) {
  if (!has_joint_rows(family)) return;
  throw std::invalid_argument(what +
                              " is not available for ordered categories with another link than "
                              "the logit; use fit(), laplace or leaf");
}

// The name of what exp(phi) is; null: the family has no shape.
inline const char* shape_name(const Family& family) {
  return std::visit(
      [](const auto& kernel) -> const char* {
        if constexpr (has_shape_v<std::decay_t<decltype(kernel)>>) return kernel.shape_name;
        return nullptr;
      },
      family);
}
inline bool has_shape(const Family& family) { return shape_name(family) != nullptr; }

// Throws std::invalid_argument for a family with a shape.
inline void refuse_shape(const Family& family, const std::string& what) {
  if (!has_shape(family)) return;
  throw std::invalid_argument(what + " is not available where " + shape_name(family) +
                              " is estimated; use fit() or fit_laplace()");
}

// The same family at phi; one without a shape as it is.
inline Family with_shape(const Family& family, double phi) {
  return std::visit(
      [&](const auto& kernel) -> Family {
        if constexpr (has_shape_v<std::decay_t<decltype(kernel)>>) {
          return kernel.with_shape(phi);
        } else {
          return kernel;
        }
      },
      family);
}

}  // namespace mixed_glm
