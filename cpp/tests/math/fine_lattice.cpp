// A density on a lattice: interpolated, extrapolated, and its margins.

#include <catch2/catch.hpp>
#include <mixed_glm/math/fine_lattice.hpp>

using namespace mixed_glm;

namespace {

constexpr double spacing = 1.2;

// Points of a lattice turned by an angle, in a disc, and a normal log density there.
struct Disc {
  explicit Disc(double angle) : cell(2, 2) {
    cell << std::cos(angle), -std::sin(angle), std::sin(angle), std::cos(angle);
    cell *= spacing;
    std::vector<Vector> kept;
    for (int i = -4; i <= 4; ++i) {
      for (int j = -4; j <= 4; ++j) {
        if (i * i + j * j <= 17) kept.push_back(cell * Vector(Eigen::Vector2d(i, j)));
      }
    }
    points.resize(Index(kept.size()), 2);
    for (size_t i = 0; i < kept.size(); ++i) points.row(Index(i)) = kept[i].transpose();
    log_density = -0.5 * points.rowwise().squaredNorm().array() + 7.0;
  }
  math::FineLattice fine() const {
    return math::fine_lattice(points, log_density, cell, spacing * spacing, 16'000.0);
  }

  Matrix cell, points;
  Vector log_density;
};

}  // namespace

TEST_CASE("what a lattice lacks is extrapolated, and a parabola is a parabola in between") {
  Disc disc(0.4);
  for (Index i = 0; i < disc.points.rows(); ++i) {  // two holes, one beside the mode
    if (disc.points.row(i).norm() > 0.1 && disc.points.row(i).norm() < spacing * 1.1) {
      disc.log_density[i] = -std::numeric_limits<double>::infinity();
      break;
    }
  }
  const math::FineLattice fine = disc.fine();
  const math::BoxOfValues& box = fine.log_density;
  REQUIRE(box.values.size() == box.shape[0] * box.shape[1]);
  double worst = 0.0;
  for (Index i = 0; i < box.shape[0]; ++i) {
    for (Index j = 0; j < box.shape[1]; ++j) {
      const double a = double(fine.begin[0]) + (double(i) + 0.5) / double(fine.parts);
      const double b = double(fine.begin[1]) + (double(j) + 0.5) / double(fine.parts);
      const Vector x = disc.points.row(0).transpose() + disc.cell * Vector(Eigen::Vector2d(a, b));
      const double exact = 7.0 - 0.5 * x.squaredNorm();
      worst = std::max(worst, std::abs(box.values[i * box.shape[1] + j] - exact));
    }
  }
  CHECK(worst < 1e-9);
}

TEST_CASE("margins of a normal density on a lattice, parallel to the axes or not") {
  for (const double angle : {0.0, 1e-3, 0.3, 0.785398}) {
    const Disc disc(angle);
    const auto margins = math::lattice_margins(disc.fine(), disc.points.row(0), disc.cell);
    REQUIRE(margins.size() == 2);
    for (const math::Margin& margin : margins) {
      CAPTURE(angle);
      double worst = 0.0;
      for (Index i = 0; i < margin.knots.size(); ++i) {
        const double exact = 0.5 * std::erfc(-margin.knots[i] / std::sqrt(2.0));
        worst = std::max(worst, std::abs(margin.below[i] - exact));
      }
      CHECK(worst < 1e-3);
    }
  }
}

TEST_CASE("a single point is a lattice, too") {
  const Matrix cell = Matrix::Identity(2, 2);
  const auto fine = math::fine_lattice(Matrix::Zero(1, 2), Vector::Zero(1), cell, 1.0, 400.0);
  CHECK(fine.log_density.values.allFinite());
  const auto margins = math::lattice_margins(fine, Vector::Zero(2), cell);
  CHECK(margins[0].below.allFinite());
}
