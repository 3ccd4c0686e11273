// Sobol' points are those of Joe and Kuo, shifted digit by digit.

#include <catch2/catch.hpp>
#include <cmath>
#include <mixed_glm/math/sobol_points.hpp>
#include <set>

using namespace mixed_glm;

namespace {

std::uint32_t leading_digits(double x) { return std::uint32_t(x * 4294967296.0); }

}  // namespace

TEST_CASE("directions are those of Joe and Kuo") {
  // The points that 2^5 and 2^9 stand for, by scipy.stats.qmc.Sobol, in units of their last digit.
  const std::vector<std::uint32_t> fifth = {1,  51, 23, 29, 55, 9,  37, 9,  53, 37, 27, 43, 35, 49,
                                            21, 49, 5,  25, 61, 15, 15, 35, 25, 35, 61, 41, 13, 19,
                                            19, 29, 1,  59, 53, 33, 61, 61, 55, 13, 59, 11};
  const std::vector<std::uint32_t> ninth = {1,   771, 627, 149, 191, 449, 143, 633,  353, 871,
                                            695, 37,  133, 681, 371, 475, 321, 897,  599, 327,
                                            887, 19,  813, 201, 245, 385, 521, 779,  861, 445,
                                            951, 629, 463, 895, 341, 885, 965, 1011, 923, 715};
  const SobolPoints points(40);
  const Vector shift = points.point(0), five = points.point(32), nine = points.point(512);
  for (Index k = 0; k < 40; ++k) {
    const std::uint32_t at = leading_digits(shift[k]);
    CAPTURE(k);
    CHECK((leading_digits(five[k]) ^ at) >> (32 - 6) == fifth[size_t(k)]);
    CHECK((leading_digits(nine[k]) ^ at) >> (32 - 10) == ninth[size_t(k)]);
  }
}

TEST_CASE("every power of two of them has one in each interval") {
  const SobolPoints points(12);
  for (const std::uint32_t count : {2U, 16U, 128U}) {
    for (Index k = 0; k < 12; ++k) {
      std::set<int> intervals;
      for (std::uint32_t i = 0; i < count; ++i) {
        const double x = points.point(i)[k];
        REQUIRE((x > 0.0 && x < 1.0));
        intervals.insert(int(x * count));
      }
      CHECK(intervals.size() == count);
    }
  }
}

TEST_CASE("dimensions beyond the table are filled too") {
  const SobolPoints points(60);
  constexpr int count = 512;
  Vector mean = Vector::Zero(60), square = Vector::Zero(60);
  for (int i = 0; i < count; ++i) {
    const Vector x = points.point(std::uint32_t(i));
    mean += x / count;
    square += x.cwiseAbs2() / count;
  }
  const Vector variance = square - mean.cwiseAbs2();
  CHECK((mean.array() - 0.5).abs().maxCoeff() < 0.05);
  CHECK((variance.array() - 1.0 / 12.0).abs().maxCoeff() < 0.015);
  CHECK(points.point(3)[58] != points.point(3)[59]);
}
