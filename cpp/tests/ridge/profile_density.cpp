// A density that is known by few values and slopes of its logarithm.

#include <catch2/catch.hpp>
#include <mixed_glm/ridge/profile_density.hpp>

using namespace mixed_glm;

namespace {

const Vector& normal_nodes() {
  static const Vector nodes = (Vector(9) << -5, -3.3, -2, -1, 0, 1, 2, 3.3, 5).finished();
  return nodes;
}

ProfileDensity normal_profile(double temper) {
  const Vector& z = normal_nodes();
  return {z, -0.5 * z.cwiseAbs2(), -z, temper};
}

}  // namespace

TEST_CASE("a normal density is found from its values and slopes") {
  for (const double temper : {1.0, 1.5}) {
    const ProfileDensity density = normal_profile(temper);
    const double sd = std::sqrt(temper);
    CHECK(density.mean() == Approx(0.0).margin(1e-12));
    CHECK(density.mean_square() == Approx(temper).epsilon(1e-3));
    CHECK(density.kurtosis() == Approx(3.0).epsilon(0.01));
    CHECK(density.quantile(0.975).z == Approx(1.959964 * sd).epsilon(1e-3));
    CHECK(density.quantile(0.5).z == Approx(0.0).margin(1e-12));
    CHECK(density.quantile(0.2).log_density ==
          Approx(-0.5 * 0.841621 * 0.841621 - 0.9189385 - std::log(sd)).epsilon(1e-3));
  }
}

TEST_CASE("quantiles and density belong together to the last digits") {
  // log x, x ~ Gamma(1/2): tail exp(psi / 2) on the left.
  Vector z(10);
  z << -16, -11, -7.5, -5, -3.3, -2, -1, 0, 1, 2;
  const Vector value = 0.5 * z.array() - 0.5 * z.array().exp(), slope = 0.5 - 0.5 * z.array().exp();
  const ProfileDensity density(z, value, slope, 1.0);
  CHECK(density.mean() == Approx(-1.270363).epsilon(0.02));  // digamma(1/2) + log 2
  CHECK(density.mean_square() - density.mean() * density.mean() == Approx(4.934802).epsilon(0.03));
  double last = density.quantile(1e-12).z;
  for (double level = 1e-4; level < 1.0; level += 0.0137) {
    const auto place = density.quantile(level);
    CHECK(place.z > last);
    last = place.z;
    const double h = 1e-7;
    const double width = density.quantile(level + h).z - density.quantile(level - h).z;
    CHECK(std::log(2.0 * h / width) == Approx(place.log_density).margin(1e-4));
  }
}
