// A family of one's own: kernels written as a user would, with the standard library's functions,
// against those of the library they restate, in every method.

#include <catch2/catch.hpp>
#include <cmath>
#include <mixed_glm/fit/fit.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::random_design;
using test_support::Shape;

namespace {

class PlainLogit {
 public:
  static constexpr const char* family_name = "plain";
  static constexpr const char* link_name = "logit";
  RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const double p = 1.0 / (1.0 + std::exp(-eta)), w = (a + b) * p * (1.0 - p);
    return {a * std::log(p) + b * std::log1p(-p), a - (a + b) * p, -w, -w * (1.0 - 2.0 * p)};
  }
  bool supports(double y, double trials) const noexcept { return y >= 0.0 && y <= trials; }
  RowCode encode(double y, double trials, double weight) const {
    const double constant =
        std::lgamma(trials + 1.0) - std::lgamma(y + 1.0) - std::lgamma(trials - y + 1.0);
    return {weight * y, weight * (trials - y), weight * constant};
  }
  double initial_eta(double a, double b) const noexcept { return std::log((a + 0.5) / (b + 0.5)); }
  double mean(double eta) const noexcept { return 1.0 / (1.0 + std::exp(-eta)); }
};

// Gamma with known shape, log link: as exponential rows that count `shape` times, but for the
// constant. Its state shows that kernels may have parameters.
class GammaKernel {
 public:
  explicit GammaKernel(double shape) : shape_(shape) {}
  static constexpr const char* family_name = "gamma";
  static constexpr const char* link_name = "log";
  RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const double ratio = a * std::exp(-eta);
    return {-b * eta - ratio, ratio - b, -ratio, ratio};
  }
  bool supports(double y, double) const noexcept { return y > 0.0 && std::isfinite(y); }
  RowCode encode(double y, double, double weight) const {
    const double constant =
        shape_ * std::log(shape_) - std::lgamma(shape_) + (shape_ - 1.0) * std::log(y);
    return {weight * shape_ * y, weight * shape_, weight * constant};
  }
  double initial_eta(double a, double b) const noexcept { return std::log(a / b); }
  double mean(double eta) const noexcept { return std::exp(eta); }

 private:
  double shape_;
};

struct NoKernel {
  RowDerivatives evaluate(double, double, double) const { return {}; }
};

void check_same(const FitResult& got, const FitResult& expected, double tolerance) {
  REQUIRE(got.status == expected.status);
  REQUIRE(expected.has_result());
  CHECK((got.mean - expected.mean).cwiseQuotient(expected.sd).cwiseAbs().maxCoeff() < tolerance);
  CHECK((got.sd - expected.sd).cwiseQuotient(expected.sd).cwiseAbs().maxCoeff() < tolerance);
}

}  // namespace

TEST_CASE("what is a kernel") {
  CHECK(is_kernel<PlainLogit>::value);
  CHECK(is_kernel<BinomialProbit>::value);
  CHECK_FALSE(is_kernel<NoKernel>::value);
}

TEST_CASE("a family of one's own fits as the built-in one, by every method") {
  const auto source = random_design(Shape::nested, 300, 2, 5);
  const Design design = source.design();
  const Model built_in = test_support::random_model(design, source, BinomialLogit(), 5, 3.0);
  const Response& rows = built_in.response();  // in the design's order
  const Response response = {design.to_user_rows(rows.a), design.to_user_rows(rows.b),
                             design.to_user_rows(rows.constant)};
  const Model own(design, CustomFamily(PlainLogit()), response, built_in.prior(), source.offset);
  for (const Method method : {Method::automatic, Method::map, Method::vb, Method::vb_full,
                              Method::laplace, Method::leaf, Method::ep}) {
    CAPTURE(to_string(method));
    FitOptions options;
    options.method = method;
    options.integrate = Integrate::mode;
    const FitResult expected = fit(built_in, options), got = fit(own, options);
    check_same(got, expected, 1e-5);
    CHECK(got.method == expected.method);
    if (method == Method::laplace) {
      CHECK(got.log_evidence == Approx(expected.log_evidence).epsilon(1e-10));
    }
  }
}

TEST_CASE("a kernel with a parameter, from the data on") {
  const double shape = 3.0;
  const auto source = random_design(Shape::crossed, 200, 2, 7);
  const Design design = source.design();
  Vector y(200);
  std::mt19937 generator(7);
  for (Index i = 0; i < 200; ++i) y[i] = 0.01 + std::gamma_distribution<>(shape, 0.4)(generator);
  ModelData data;
  data.endog = y;
  data.exog = source.x;
  data.random = RandomEffects(source.sparse_rows(), source.ident, source.components);
  data.family = CustomFamily(GammaKernel(shape));
  const MixedModel gamma(data);
  const Vector weights = Vector::Constant(200, shape);
  data.freq_weights = weights;
  data.family = ExponentialLog();
  const MixedModel exponential(data);
  const FitOptions laplace{Method::laplace};
  const FitResult got = fit(gamma, laplace), expected = fit(exponential, laplace);
  check_same(got, expected, 1e-5);
  double constants = 0.0;
  for (const double value : y) {
    constants += shape * std::log(shape) - std::lgamma(shape) + (shape - 1.0) * std::log(value);
  }
  CHECK(got.log_evidence == Approx(expected.log_evidence + constants).epsilon(1e-9));
}
