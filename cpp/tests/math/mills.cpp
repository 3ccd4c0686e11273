// Mills' ratio and the normal density against 20-digit values (mpmath) and identities.

#include <catch2/catch.hpp>
#include <cmath>
#include <mixed_glm/math/mills.hpp>

namespace math = mixed_glm::math;

namespace {

struct MillsCase {
  double t;
  double ratio;
  double excess;
  double asymmetry;
};

}  // namespace

TEST_CASE("Mills' ratio, its excess and its asymmetry", "[mills]") {
  const MillsCase cases[] = {
      {0.0, 1.2533141373155003, 0.7978845608028654, 0.2732395447351627},
      {0.001, 1.252314763639392, 0.7975212895629114, 0.2728779359017412},
      {0.3, 1.0018374009921558, 0.6981659688584834, 0.18432123080175442},
      {1.0, 0.6556795424187984, 0.5251352761609812, 0.07666939269832121},
      {2.5, 0.35426511132979366, 0.32274479766390723, 0.015190402998000988},
      {5.0, 0.19280810471531576, 0.1865039671258421, 0.0020872951365649714},
      {9.0, 0.10978728257830829, 0.1085231050028688, 0.0002624736647465534},
      {20.0, 0.04987592598183679, 0.049753068527850546, 1.210621288482852e-05},
      {37.0, 0.027007327965128336, 0.026987686126990096, 1.0571036114203465e-06},
      {100.0, 0.009999000299850106, 0.009998000999260705, 1.9974032954609038e-08},
      {700.0, 0.0014285685131373831, 0.0014285655977271366, 8.32964156663848e-12},
      {100000.0, 9.999999999e-06, 9.999999998e-06, 1.9999999974e-20},
  };
  for (const MillsCase& c : cases) {
    const math::MillsRatio got = math::mills_ratio(c.t);
    INFO("t = " << c.t);
    CHECK(std::fabs(got.ratio / c.ratio - 1.0) < 2e-15);
    CHECK(std::fabs(got.excess / c.excess - 1.0) < 2e-15);
    CHECK(std::fabs(got.asymmetry / c.asymmetry - 1.0) < 1e-14);
  }
}

TEST_CASE("Mills' ratio satisfies R' = t R - 1", "[mills]") {
  for (double t = 0.1; t < 30.0; t *= 1.3) {
    const double h = 1e-4 * t;
    const double slope =
        (math::mills_ratio(t + h).ratio - math::mills_ratio(t - h).ratio) / (2.0 * h);
    CHECK(slope == Approx(t * math::mills_ratio(t).ratio - 1.0).epsilon(1e-6));
  }
}

TEST_CASE("Mills' ratio stays finite", "[mills]") {
  for (const double t : {0.0, 1e-300, 1e7, 1e9, 1e100, 1e300}) {
    const math::MillsRatio got = math::mills_ratio(t);
    CHECK(got.ratio > 0.0);
    CHECK(got.excess > 0.0);
    CHECK(std::isfinite(got.asymmetry));
  }
}

TEST_CASE("normal density to the last digits far out", "[mills]") {
  struct Pair {
    double t;
    double density;
  };
  const Pair pairs[] = {
      {0.0, 0.3989422804014327},
      {0.1, 0.39695254747701175},
      {1.7, 0.09404907737688693},
      {8.3, 4.3816394355093325e-16},
      {20.123456789, 4.638440329695326e-89},
      {33.3333, 2.121682755353753e-242},
      {37.4, 7.31198534550511e-305},
  };
  for (const Pair& c : pairs) {
    const double got = math::scaled_normal_density(c.t) * math::undo_scaling;
    CHECK(std::fabs(got / c.density - 1.0) < 1e-15);
  }
  CHECK(math::scaled_normal_density(40.0) == 0.0);
}
