// Encoding of responses, and families by name.

#include <catch2/catch.hpp>
#include <cmath>
#include <mixed_glm/families/named_family.hpp>
#include <mixed_glm/families/response.hpp>

using namespace mixed_glm;

TEST_CASE("binomial rows", "[response]") {
  Vector y(3), trials(3), weights(3);
  y << 0, 2, 5;
  trials << 1, 4, 5;
  weights << 1, 3, 0.5;
  const Response rows = encode_response(Family(BinomialProbit()), y, trials, weights);
  CHECK(rows.a[1] == 6.0);
  CHECK(rows.b[1] == 6.0);
  CHECK(rows.b[2] == 0.0);
  CHECK(rows.constant[0] == 0.0);
  CHECK(rows.constant[1] == Approx(3.0 * std::log(6.0)).epsilon(1e-14));
  CHECK(rows.constant[2] == 0.0);
}

TEST_CASE("counts and waiting times", "[response]") {
  const Vector y = Vector::Constant(2, 3.0), one = Vector::Ones(2);
  const Vector weights = Vector::Constant(2, 2.0);
  const Response poisson = encode_response(PoissonLog(), y, one, weights);
  CHECK(poisson.a[0] == 6.0);
  CHECK(poisson.b[0] == 2.0);
  CHECK(poisson.constant[0] == Approx(-2.0 * std::log(6.0)).epsilon(1e-15));
  const Response exponential = encode_response(ExponentialLog(), y, one, weights);
  CHECK(exponential.constant[0] == 0.0);
  const Response negative = encode_response(NegativeBinomialLog(0.5), y, one, weights);
  CHECK(negative.b[0] == 2.0);
  // log C(y + r - 1, y) with r = 2: C(4, 3) = 4
  CHECK(negative.constant[0] == Approx(2.0 * std::log(4.0)).epsilon(1e-14));
}

TEST_CASE("lengths must agree", "[response]") {
  const Vector y = Vector::Ones(3), two = Vector::Ones(2);
  CHECK_THROWS_AS(encode_response(Family(PoissonLog()), y, two, y), std::invalid_argument);
  CHECK_THROWS_AS(encode_response(Family(PoissonLog()), y, y, two), std::invalid_argument);
}

TEST_CASE("families by name", "[named_family]") {
  for (const char* link : {"logit", "probit", "cloglog", "loglog"}) {
    const Family family = make_family("binomial", link);
    CHECK(family_name(family) == "binomial");
    CHECK(link_name(family) == link);
    CHECK(!family_alpha(family).has_value());
  }
  CHECK(family_name(make_family("poisson", "log")) == "poisson");
  CHECK(family_name(make_family("exponential", "log")) == "exponential");
  CHECK(family_alpha(make_family("negative_binomial", "log", 0.25)) == 0.25);
  CHECK_THROWS_AS(make_family("binomial", "log"), std::invalid_argument);
  CHECK_THROWS_AS(make_family("gaussian", "log"), std::invalid_argument);
  CHECK_THROWS_AS(make_family("poisson", "log", 1.0), std::invalid_argument);
  CHECK_THROWS_AS(make_family("negative_binomial", "identity"), std::invalid_argument);
  for (const double alpha : {0.0, -1.0, std::nan(""), 1e200}) {
    CHECK_THROWS_AS(NegativeBinomialLog(alpha), std::invalid_argument);
  }
}
