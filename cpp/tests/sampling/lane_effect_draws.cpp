// Draws of effects in lanes: those of leaf_effect_draws.hpp, from the same normals.

#include <catch2/catch.hpp>
#include <mixed_glm/sampling/lane_effect_draws.hpp>
#include <mixed_glm/sampling/leaf_effect_draws.hpp>
#include <numeric>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

TEST_CASE("effects drawn in lanes are those drawn one by one") {
  for (const Family& family :
       {Family(BinomialLogit()), Family(PoissonLog()), Family(BinomialCloglog())}) {
    for (const Shape shape : {Shape::one_factor, Shape::few_groups}) {  // and groups of some blocks
      const auto source = random_design(shape, 400, 2, 5);
      const Design design = source.design();
      const Model model = random_model(design, source, family, 5);
      const Index q = design.effects();
      const Vector beta = Vector::LinSpaced(design.fixed(), -0.2, 0.3);
      const LeafDesign leaf(model, 0);
      LeafEffectDraws one_by_one(leaf);
      const GroupLanes lanes(model);
      const FamilyAt at(model);
      LaneEffectDraws together(lanes, at);
      for (const double sd : {0.05, 0.8, 6.0}) {
        const Vector normals = 2.0 * Vector::LinSpaced(q, -1.0, 1.2);
        const Model& reduced = leaf.reduced();
        const Vector eta = reduced.offset() + reduced.design().x() * beta;
        Matrix expected(1, leaf.groups());
        for (Index g = 0; g < leaf.groups(); ++g) {
          const Index j = leaf.group_effect(g);
          expected(0, g) = j < 0 ? 0.0 : normals[j];
        }
        double log_density = 0.0;
        for (const LeafBatch& batch : leaf.batches()) {
          log_density += one_by_one.draw(eta, sd, batch, expected);
        }
        std::vector<Index> batches(lanes.batches().size());
        std::iota(batches.begin(), batches.end(), Index(0));
        Vector drawn = Vector::Zero(Index(batches.size()) * lane_count), by_effect(q);
        for (Index b = 0; b < Index(batches.size()); ++b) {
          for (Index l = 0; l < lane_count; ++l) {
            const Index j = lanes.effect(b, l);
            if (j >= 0) drawn[b * lane_count + l] = normals[j];
          }
        }
        CAPTURE(family_name(family), int(shape), sd);
        CHECK(together.draw(beta, sd, batches, drawn) ==
              Approx(log_density).margin(0.01 * double(q)));
        for (Index b = 0; b < Index(batches.size()); ++b) {
          for (Index l = 0; l < lane_count; ++l) {
            const Index j = lanes.effect(b, l);
            if (j >= 0) by_effect[j] = drawn[b * lane_count + l];
          }
        }
        for (Index g = 0; g < leaf.groups(); ++g) {
          const Index j = leaf.group_effect(g);
          if (j >= 0) CHECK(by_effect[j] == Approx(expected(0, g)).margin(0.003 * sd));
        }
      }
    }
  }
}
