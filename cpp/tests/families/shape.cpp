// Families with a hyperparameter: values and derivatives against 50-digit ones (mpmath), slopes
// against differences, and the limits of what they are.

#include <catch2/catch.hpp>
#include <mixed_glm/families/named_family.hpp>
#include <mixed_glm/families/shape.hpp>
#include <mixed_glm/model/shape_constants.hpp>
#include <vector>

using namespace mixed_glm;

namespace shape_cases {

struct Row {
  double value, d1, d2, d3;      // of log p(y | eta, phi), with all constants
  double slope, slope1, slope2;  // d/dphi of value, d1, d2
};

Row evaluate(const Family& family, double phi, double eta, double y, double weight = 1.0) {
  Row result{};
  std::visit(
      [&](const auto& kernel) {
        if constexpr (has_shape_v<std::decay_t<decltype(kernel)>>) {
          const auto at = kernel.with_shape(phi);
          const RowCode row = at.encode(y, 1.0, weight);
          const RowDerivatives d = at.evaluate(eta, row.a, row.b);
          const ShapeSlopes s = at.shape_slopes(eta, row.a, row.b);
          const ShapeTerm constant = at.shape_constant(y);
          result = {d.value + row.constant + weight * constant.value,
                    d.d1,
                    d.d2,
                    d.d3,
                    s.value + weight * constant.slope,
                    s.d1,
                    s.d2};
        }
      },
      family);
  return result;
}

struct Case {
  Family family;
  double phi, y, eta;
  Row exact;
};

// clang-format off
const std::vector<Case>& cases() {
  static const std::vector<Case> table = {
#include "shape_cases.inc"
  };
  return table;
}
// clang-format on

void check_close(double got, double exact, double scale) {
  CHECK(std::fabs(got - exact) <= 1e-12 * (std::fabs(exact) + scale));
}

}  // namespace shape_cases

using shape_cases::cases;

TEST_CASE("kernels with a shape agree with 50-digit values") {
  for (const shape_cases::Case& c : cases()) {
    CAPTURE(family_name(c.family), c.phi, c.y, c.eta);
    const shape_cases::Row got = shape_cases::evaluate(c.family, c.phi, c.eta, c.y);
    const double scale = c.y > 40.0 ? 0.01 * c.y : 0.0;  // differences of large counts
    shape_cases::check_close(got.value, c.exact.value, scale);
    shape_cases::check_close(got.d1, c.exact.d1, scale);
    shape_cases::check_close(got.d2, c.exact.d2, scale);
    shape_cases::check_close(got.d3, c.exact.d3, scale);
    shape_cases::check_close(got.slope, c.exact.slope, scale);
    shape_cases::check_close(got.slope1, c.exact.slope1, scale);
    shape_cases::check_close(got.slope2, c.exact.slope2, scale);
  }
}

TEST_CASE("a shape is found by name, and kernels without one have none") {
  CHECK(std::string(shape_name(GaussianIdentity())) == "sigma");
  CHECK(std::string(shape_name(make_family("negative_binomial", "log"))) == "alpha");
  CHECK(std::string(shape_name(make_family("gamma", "log"))) == "dispersion");
  CHECK(shape_name(make_family("negative_binomial", "log", 0.5)) == nullptr);
  CHECK(shape_name(PoissonLog()) == nullptr);
  CHECK(is_quadratic(GaussianIdentity()));
  CHECK_FALSE(is_quadratic(PoissonLog()));
}

TEST_CASE("a negative binomial at alpha is the one with that alpha given") {
  for (const double alpha : {1e-6, 0.3, 40.0}) {
    for (const double y : {0.0, 3.0, 250.0}) {
      const NegativeBinomialLog given(alpha);
      const RowCode row = given.encode(y, 1.0, 2.0);
      for (const double eta : {-3.0, 0.4, 6.0}) {
        CAPTURE(alpha, y, eta);
        const RowDerivatives exact = given.evaluate(eta, row.a, row.b);
        const shape_cases::Row got =
            shape_cases::evaluate(EstimatedNegativeBinomialLog(), std::log(alpha), eta, y, 2.0);
        shape_cases::check_close(got.value, exact.value + row.constant, 10.0 * y);
        shape_cases::check_close(got.d1, exact.d1, y);
        shape_cases::check_close(got.d2, exact.d2, y);
        shape_cases::check_close(got.d3, exact.d3, y);
      }
    }
  }
}

TEST_CASE("merged rows lose what the family says") {
  const Vector y = (Vector(4) << 0.5, 2.0, 3.0, 8.0).finished();
  const Vector weights = (Vector(4) << 1.0, 2.0, 1.0, 0.0).finished();
  for (const char* name : {"gaussian", "gamma", "negative_binomial"}) {
    const Family family = make_family(name, std::string(name) == "gaussian" ? "identity" : "log");
    const Vector own = std::string(name) == "negative_binomial" ? Vector(y.array().round()) : y;
    Response rows;
    encode_response(family, own, Vector::Ones(4), weights, rows);
    const double a = rows.a.sum(), b = rows.b.sum();
    ShapeConstants constants;
    constants.set(family, rows.a, rows.b, Vector::Constant(4, a), Vector::Constant(4, b));
    for (const double phi : {-2.0, 0.0, 1.5}) {
      for (const double eta : {-0.5, 1.0}) {
        double sum = 0.0, slope = 0.0;
        for (Index i = 0; i < 4; ++i) {
          const shape_cases::Row row = shape_cases::evaluate(family, phi, eta, own[i], weights[i]);
          sum += row.value;
          slope += row.slope;
        }
        const ShapeTerm constant = constants.at(with_shape(family, phi));
        double value = rows.constant.sum() + constant.value, of_phi = constant.slope;
        std::visit(
            [&](const auto& kernel) {
              if constexpr (has_shape_v<std::decay_t<decltype(kernel)>>) {
                value += kernel.evaluate(eta, a, b).value;
                of_phi += kernel.shape_slopes(eta, a, b).value;
              }
            },
            with_shape(family, phi));
        CAPTURE(name, phi, eta);
        CHECK(value == Approx(sum).epsilon(1e-13));
        CHECK(of_phi == Approx(slope).epsilon(1e-13).margin(1e-13));
      }
    }
  }
}

TEST_CASE("kernels with a shape are finite and concave everywhere") {
  for (const double phi : {-1e300, -700.0, -40.0, -2.0, 0.0, 3.0, 60.0, 1e300}) {
    for (const double y : {1e-300, 1.0, 7.0, 1e9}) {
      for (const double eta : {-1e300, -800.0, -30.0, 0.0, 1.0, 30.0, 800.0, 1e300}) {
        for (const Family& family : {Family(GaussianIdentity()),
                                     Family(EstimatedNegativeBinomialLog()), Family(GammaLog())}) {
          CAPTURE(family_name(family), phi, y, eta);
          const shape_cases::Row row = shape_cases::evaluate(family, phi, eta, y);
          CHECK(std::isfinite(row.value));
          CHECK(std::isfinite(row.d1));
          CHECK(std::isfinite(row.d3));
          CHECK(row.d2 <= 0.0);
        }
      }
    }
  }
}
