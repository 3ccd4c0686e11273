// A family of one's own: durations with a gamma distribution of known shape and log link,
//
//     log p(y | eta) = -shape eta - shape y exp(-eta) + constant(y).
//
// It needs no more than the density of one row and its three derivatives in eta.

#include <cmath>
#include <cstdio>
#include <mixed_glm/fit/mixed_model.hpp>
#include <mixed_glm/inference/fit_marginal.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>
#include <random>

namespace {

using namespace mixed_glm;

class GammaOfShape {
 public:
  static constexpr const char* family_name = "gamma";
  static constexpr const char* link_name = "log";

  explicit GammaOfShape(double shape) : shape_(shape) {}

  bool supports(double y, double /*trials*/) const noexcept { return y > 0.0 && std::isfinite(y); }
  // The row as two numbers and a constant: a = w shape y, b = w shape.
  RowCode encode(double y, double /*trials*/, double weight) const {
    const double constant =
        shape_ * std::log(shape_) - std::lgamma(shape_) + (shape_ - 1.0) * std::log(y);
    return {weight * shape_ * y, weight * shape_, weight * constant};
  }
  // Value and derivatives; finite for every finite eta.
  RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const double ratio = a * std::exp(std::min(-eta, 600.0));
    return {-b * eta - ratio, ratio - b, -ratio, ratio};
  }
  double initial_eta(double a, double b) const noexcept { return std::log(a / b); }
  double mean(double eta) const noexcept { return std::exp(eta); }

 private:
  double shape_;
};

}  // namespace

int main() {
  // 40 machines, 10 durations each: log means 1 + 0.5 N(0, 1).
  const Index machines = 40, rows = 400;
  const double shape = 2.0;
  std::mt19937 generator(1);
  std::normal_distribution<> normal;
  Vector effect(machines), duration(rows);
  for (double& u : effect) u = 0.5 * normal(generator);
  std::vector<Code> machine;
  for (Index i = 0; i < rows; ++i) {
    machine.push_back(Code(i % machines));
    const double mean = std::exp(1.0 + effect[i % machines]);
    duration[i] = std::gamma_distribution<>(shape, mean / shape)(generator);
  }
  const Matrix x = Matrix::Ones(rows, 1);

  ModelData data;
  data.endog = duration;
  data.exog = x;
  data.random = RandomEffects(rows);
  data.random.add_intercepts(machine, machines);
  data.family = CustomFamily(GammaOfShape(shape));
  const MixedModel model(data);

  LaplaceMarginal laplace(model.model());  // or fit(model), which compiles every method
  const MarginalFit fit = fit_marginal(laplace, Vector::Zero(1));
  const Vector mean = model.params_back(fit.posterior.mean);  // from the coordinates of the model
  const Vector& sd = fit.posterior.sd;                        // the same there: no column is scaled
  std::printf("log mean        %7.3f +- %.3f   (true: 1)\n", mean[0], sd[0]);
  std::printf("log sd(machine) %7.3f +- %.3f   (true: %.3f)\n", mean[1], sd[1], std::log(0.5));
  return fit.status == FitStatus::converged ? 0 : 1;
}
