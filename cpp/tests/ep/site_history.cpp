// What the sites of some thetas predict for another.

#include <catch2/catch.hpp>
#include <mixed_glm/ep/site_history.hpp>

namespace site_history_test {

using namespace mixed_glm;

// Smooth functions of theta, one for each of three rows.
Vector tau_at(const Vector& theta) {
  return (Vector(3) << 0.2, 0.2 + 0.03 * theta[0], 0.25 / (1.0 + std::exp(-theta.sum())))
      .finished();
}
Vector nu_at(const Vector& theta) {
  return (Vector(3) << 0.5, std::sin(0.4 * theta[0]), theta[1] * 0.1).finished();
}

void add(SiteHistory& history, double first, double second) {
  const Vector theta = (Vector(2) << first, second).finished();
  history.add(theta, tau_at(theta), nu_at(theta));
}

double error_at(const SiteHistory& history, double first, double second) {
  const Vector theta = (Vector(2) << first, second).finished();
  Vector tau(3), nu(3);
  history.predict(theta, tau, nu);
  return std::max((tau - tau_at(theta)).cwiseAbs().maxCoeff(),
                  (nu - nu_at(theta)).cwiseAbs().maxCoeff());
}

TEST_CASE("one point predicts itself, two predict the line through them") {
  SiteHistory history(3);
  CHECK(history.is_empty());
  add(history, -0.5, 0.2);
  CHECK(error_at(history, -0.5, 0.2) < 1e-12);
  const double before = error_at(history, -0.1, 0.2);
  add(history, -0.3, 0.2);
  CHECK(error_at(history, -0.3, 0.2) < 1e-5);
  CHECK(error_at(history, -0.1, 0.2) < 0.1 * before);
  history.clear();
  CHECK(history.is_empty());
}

TEST_CASE("the points around predict to second order, and far points do not matter") {
  SiteHistory history(3);
  for (const double x : {-0.2, 0.0, 0.2}) {
    for (const double y : {-0.2, 0.2}) add(history, x, y);
  }
  CHECK(error_at(history, 0.1, 0.05) < 1e-4);
  CHECK(error_at(history, 0.35, 0.3) < 3e-3);
}

TEST_CASE("of many points the last ones are kept, and noise is not extrapolated") {
  SiteHistory history(3);
  for (int k = 0; k < 40; ++k) add(history, -2.0 + 0.05 * k, 0.0);
  CHECK(error_at(history, 0.0, 0.0) < 1e-3);
  // Two points next to each other, which differ by more than a smooth function's would.
  SiteHistory close(1);
  const Vector here = Vector::Zero(1), there = Vector::Constant(1, 1e-4);
  close.add(here, Vector::Constant(1, 0.2), Vector::Constant(1, 1.0));
  close.add(there, Vector::Constant(1, 0.2), Vector::Constant(1, 1.001));
  Vector tau(1), nu(1);
  close.predict(Vector::Constant(1, 0.3), tau, nu);
  CHECK(nu[0] == Approx(1.0).margin(0.2));
  CHECK(tau[0] == Approx(0.2).epsilon(1e-6));
}

TEST_CASE("a precision is never predicted to be negative") {
  SiteHistory history(1);
  history.add(Vector::Constant(1, 0.0), Vector::Constant(1, 0.01), Vector::Zero(1));
  history.add(Vector::Constant(1, 0.5), Vector::Constant(1, 0.2), Vector::Zero(1));
  Vector tau(1), nu(1);
  history.predict(Vector::Constant(1, -0.5), tau, nu);
  CHECK(tau[0] >= 0.0);
}

}  // namespace site_history_test
