// A family of your own as an alternative of Family: any kernel with the members described in
// family.hpp, and in shape.hpp if it has a hyperparameter, behind one virtual call for each block
// of rows (row by row in the variational methods).
#pragma once

#include <memory>
#include <mixed_glm/families/evaluate_rows.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <type_traits>
#include <utility>

namespace mixed_glm {

namespace detail {

template <class Kernel>
using KernelMembers =
    std::void_t<decltype(RowDerivatives(std::declval<const Kernel&>().evaluate(0.0, 0.0, 0.0))),
                decltype(bool(std::declval<const Kernel&>().supports(0.0, 0.0))),
                decltype(RowCode(std::declval<const Kernel&>().encode(0.0, 0.0, 0.0))),
                decltype(double(std::declval<const Kernel&>().initial_eta(0.0, 0.0))),
                decltype(double(std::declval<const Kernel&>().mean(0.0))),
                decltype(static_cast<const char*>(std::declval<const Kernel&>().family_name)),
                decltype(static_cast<const char*>(std::declval<const Kernel&>().link_name))>;

}  // namespace detail

// Whether a class has all members of a kernel.
template <class Kernel, class = void>
struct is_kernel : std::false_type {};
template <class Kernel>
struct is_kernel<Kernel, detail::KernelMembers<Kernel>> : std::true_type {};

// Whether it has those of one with a hyperparameter (shape.hpp). A CustomFamily has them, and no
// shape_name where its kernel has not.
template <class Kernel, class = void>
struct has_shape_members : std::false_type {};
template <class Kernel>
struct has_shape_members<
    Kernel,
    std::void_t<decltype(static_cast<const char*>(std::declval<const Kernel&>().shape_name)),
                decltype(std::declval<const Kernel&>().with_shape(0.0))>> : std::true_type {};
template <class Kernel>
constexpr bool has_shape_v = has_shape_members<Kernel>::value;

class CustomFamily {
  struct Rows;

 public:
  template <class Kernel>
  explicit CustomFamily(Kernel kernel)
      : family_name(kernel.family_name),
        link_name(kernel.link_name),
        shape_name(name_of_shape(kernel)),
        rows_(std::make_shared<const RowsOf<Kernel>>(std::move(kernel))) {
    static_assert(is_kernel<Kernel>::value,
                  "a kernel has evaluate, supports, encode, initial_eta, mean, family_name and "
                  "link_name: see "
                  "mixed_glm/families/family.hpp");
  }

  const char* family_name;
  const char* link_name;
  const char* shape_name;  // null: it has none, and the functions of shape.hpp are not for it

  CustomFamily with_shape(double phi) const { return {*this, rows_->with_shape(phi)}; }
  ShapeSlopes shape_slopes(double eta, double a, double b) const noexcept {
    return rows_->shape_slopes(eta, a, b);
  }
  ShapeTerm shape_constant(double y) const { return rows_->shape_constant(y); }
  static constexpr bool constant_depends_on_response = true;
  double merging_loss(double y, double mean) const { return rows_->merging_loss(y, mean); }
  ShapeTerm loss_rate() const { return rows_->loss_rate(); }

  RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    return rows_->evaluate(eta, a, b);
  }
  bool supports(double y, double trials) const noexcept { return rows_->supports(y, trials); }
  RowCode encode(double y, double trials, double weight) const {
    return rows_->encode(y, trials, weight);
  }
  double initial_eta(double a, double b) const noexcept { return rows_->initial_eta(a, b); }
  double mean(double eta) const noexcept { return rows_->mean(eta); }

  // As the function of the same name.
  void evaluate_rows(int order, Index n, const double* eta, const double* a, const double* b,
                     double* value, double* d1, double* d2, double* d3) const noexcept {
    rows_->evaluate_rows(order, n, eta, a, b, value, d1, d2, d3);
  }

 private:
  CustomFamily(const CustomFamily& other, std::shared_ptr<const Rows> rows)
      : family_name(other.family_name),
        link_name(other.link_name),
        shape_name(other.shape_name),
        rows_(std::move(rows)) {}

  template <class Kernel>
  static const char* name_of_shape(const Kernel& kernel) {
    if constexpr (has_shape_v<Kernel>) return kernel.shape_name;
    return nullptr;
  }

  struct Rows {
    virtual ~Rows() = default;
    virtual std::shared_ptr<const Rows> with_shape(double phi) const = 0;
    virtual ShapeSlopes shape_slopes(double eta, double a, double b) const noexcept = 0;
    virtual ShapeTerm shape_constant(double y) const = 0;
    virtual double merging_loss(double y, double mean) const = 0;
    virtual ShapeTerm loss_rate() const = 0;
    virtual RowDerivatives evaluate(double eta, double a, double b) const noexcept = 0;
    virtual bool supports(double y, double trials) const noexcept = 0;
    virtual RowCode encode(double y, double trials, double weight) const = 0;
    virtual double initial_eta(double a, double b) const noexcept = 0;
    virtual double mean(double eta) const noexcept = 0;
    virtual void evaluate_rows(int order, Index n, const double* eta, const double* a,
                               const double* b, double* value, double* d1, double* d2,
                               double* d3) const noexcept = 0;
  };

  template <class Kernel>
  struct RowsOf final : Rows {
    explicit RowsOf(Kernel k) : kernel(std::move(k)) {}
    std::shared_ptr<const Rows> with_shape([[maybe_unused]] double phi) const override {
      if constexpr (has_shape_v<Kernel>) {
        return std::make_shared<const RowsOf<Kernel>>(kernel.with_shape(phi));
      } else {
        return std::make_shared<const RowsOf<Kernel>>(kernel);
      }
    }
    ShapeSlopes shape_slopes([[maybe_unused]] double eta, [[maybe_unused]] double a,
                             [[maybe_unused]] double b) const noexcept override {
      if constexpr (has_shape_v<Kernel>) return kernel.shape_slopes(eta, a, b);
      return {0.0, 0.0, 0.0, 0.0};
    }
    ShapeTerm shape_constant([[maybe_unused]] double y) const override {
      if constexpr (has_shape_v<Kernel>) return kernel.shape_constant(y);
      return {0.0, 0.0};
    }
    double merging_loss([[maybe_unused]] double y, [[maybe_unused]] double mean) const override {
      if constexpr (has_shape_v<Kernel>) return kernel.merging_loss(y, mean);
      return 0.0;
    }
    ShapeTerm loss_rate() const override {
      if constexpr (has_shape_v<Kernel>) return kernel.loss_rate();
      return {0.0, 0.0};
    }
    RowDerivatives evaluate(double eta, double a, double b) const noexcept override {
      return kernel.evaluate(eta, a, b);
    }
    bool supports(double y, double trials) const noexcept override {
      return kernel.supports(y, trials);
    }
    RowCode encode(double y, double trials, double weight) const override {
      return kernel.encode(y, trials, weight);
    }
    double initial_eta(double a, double b) const noexcept override {
      return kernel.initial_eta(a, b);
    }
    double mean(double eta) const noexcept override { return kernel.mean(eta); }
    void evaluate_rows(int order, Index n, const double* eta, const double* a, const double* b,
                       double* value, double* d1, double* d2, double* d3) const noexcept override {
      switch (order) {
        case 0:
          return mixed_glm::evaluate_rows<0>(kernel, n, eta, a, b, value, d1, d2, d3);
        case 1:
          return mixed_glm::evaluate_rows<1>(kernel, n, eta, a, b, value, d1, d2, d3);
        case 2:
          return mixed_glm::evaluate_rows<2>(kernel, n, eta, a, b, value, d1, d2, d3);
        default:
          return mixed_glm::evaluate_rows<3>(kernel, n, eta, a, b, value, d1, d2, d3);
      }
    }
    Kernel kernel;
  };

  std::shared_ptr<const Rows> rows_;
};

template <int Order>
void evaluate_rows(const CustomFamily& family, Index n, const double* eta, const double* a,
                   const double* b, double* value, double* d1, double* d2, double* d3) noexcept {
  family.evaluate_rows(Order, n, eta, a, b, value, d1, d2, d3);
}

}  // namespace mixed_glm
