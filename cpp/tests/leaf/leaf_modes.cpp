// Conditional modes of the leaf's effects: found from wherever the last search ended.

#include <catch2/catch.hpp>
#include <mixed_glm/leaf/leaf_modes.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_families;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

namespace {

// h_g'(u), by the definition.
double slope_of(const LeafDesign& leaf, Index g, const Vector& eta, double u, double sd) {
  double sum = -u / (sd * sd);
  for (Index r = leaf.group_begin(g); r < leaf.group_end(g); ++r) {
    const double factor = leaf.factor()[size_t(r)];
    const Response& response = leaf.reduced().response();
    const auto row = [&](const auto& kernel) {
      return kernel.evaluate(eta[r] + factor * u, response.a[r], response.b[r]);
    };
    sum += factor * std::visit(row, leaf.reduced().family()).d1;
  }
  return sum;
}

}  // namespace

TEST_CASE("modes are found after jumps of the linear predictor and of the standard deviation") {
  for (const Family& family : all_families()) {
    const auto source = random_design(Shape::scaled, 80, 0, 3);
    const Design design = source.design();
    const Model model = random_model(design, source, family, 3);
    const LeafDesign leaf(model, 0);
    LeafModes modes(leaf);
    for (const double sd : {0.01, 1.0, 10.0, 100.0}) {
      for (const double shift : {0.0, -40.0, 40.0, 0.0, 100.0, -100.0}) {
        const Vector eta = leaf.reduced().offset().array() + shift;
        modes.find(eta, sd);
        for (Index g = 0; g < leaf.groups(); ++g) {
          const double u = modes.mode()[g], off = 0.02 * modes.scale()[g];
          CAPTURE(family_name(family), link_name(family), sd, shift, g, u, off);
          CHECK(std::isfinite(u));
          CHECK(off > 0.0);
          // h' changes its sign within a fiftieth of the scale.
          CHECK(slope_of(leaf, g, eta, u - off, sd) > 0.0);
          CHECK(slope_of(leaf, g, eta, u + off, sd) < 0.0);
        }
      }
    }
  }
}
