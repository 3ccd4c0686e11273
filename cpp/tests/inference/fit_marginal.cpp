// Which of the points of an integration over psi a fit is judged by.

#include <catch2/catch.hpp>
#include <mixed_glm/inference/fit_marginal.hpp>

using namespace mixed_glm;

TEST_CASE(
    "points that a simpler approximation stood in for count within five nats of the highest") {
  detail::StandIns points;
  points.visited(-3.0, true);
  points.visited(-7.9, true);
  points.visited(-8.1, true);
  points.visited(-3.5, false);
  CHECK(points.count() == 2);
  points.visited(0.0, false);
  CHECK(points.count() == 1);
  points.visited(9.0, true);
  CHECK(points.count() == 1);
}

TEST_CASE("points that only probe the density have no weight and never count") {
  detail::StandIns points;
  points.visited(-std::numeric_limits<double>::infinity(), true);
  CHECK(points.count() == 0);
  points.visited(2.0, false);
  points.visited(-std::numeric_limits<double>::infinity(), true);
  CHECK(points.count() == 0);
}
