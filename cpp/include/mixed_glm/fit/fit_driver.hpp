// One driver for every fit, of a single response and of many: a method with its settings, made
// ready for a model once, fits whatever response the model holds.
//
//     const auto driver = make_driver(model, MarginalMethod());
//     const FitResult result = driver->fit();
#pragma once

#include <memory>
#include <mixed_glm/fit/fit_result.hpp>
#include <variant>

namespace mixed_glm {

using FitMethod = std::variant<MapMethod, VariationalMethod, MarginalMethod>;

class FitDriver {
 public:
  virtual ~FitDriver() = default;
  // Leaves nothing behind that the fit of the next response could see.
  virtual FitResult fit() = 0;
};

namespace detail {

template <class Driver>
class DriverOf final : public FitDriver {
 public:
  template <class Method>
  DriverOf(const Model& model, const Method& method, Monitor* monitor, Team* team)
      : model_(&model), driver_(model, method, monitor, team) {}

  FitResult fit() override { return result_of(*model_, driver_.fit()); }

 private:
  const Model* model_;
  Driver driver_;
};

}  // namespace detail

// The model is viewed and must outlive the driver. monitor: told of all work; team: of threads, for
// a marginal method; both may be null.
inline std::unique_ptr<FitDriver> make_driver(const Model& model, const FitMethod& method,
                                              Monitor* monitor = nullptr, Team* team = nullptr) {
  return std::visit(
      [&](const auto& chosen) -> std::unique_ptr<FitDriver> {
        using Driver = typename std::decay_t<decltype(chosen)>::Driver;
        return std::make_unique<detail::DriverOf<Driver>>(model, chosen, monitor, team);
      },
      method);
}

}  // namespace mixed_glm
