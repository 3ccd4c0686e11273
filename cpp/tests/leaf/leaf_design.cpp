// Which components can be the leaf, and the design as it looks from there.

#include <catch2/catch.hpp>
#include <mixed_glm/leaf/leaf_design.hpp>
#include <set>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_shapes;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

TEST_CASE("a component is a candidate if each row touches at most one of its effects") {
  for (const auto shape : all_shapes()) {
    const auto source = random_design(shape, 80, 2, 3);
    const Design design = source.design();
    const std::vector<bool> candidates = design.single_components();
    REQUIRE(Index(candidates.size()) == source.components);
    Index most = -1, best = -1;
    for (Index k = 0; k < source.components; ++k) {
      bool expected = true;
      Index size = 0;
      for (Index j = 0; j < source.z.cols(); ++j) size += source.ident[size_t(j)] == k;
      for (Index i = 0; i < source.z.rows(); ++i) {
        Index touched = 0;
        for (Index j = 0; j < source.z.cols(); ++j) {
          touched += source.ident[size_t(j)] == k && source.z(i, j) != 0.0;
        }
        expected = expected && touched <= 1;
      }
      CAPTURE(int(shape), k);
      CHECK(candidates[size_t(k)] == expected);
      if (expected && size > most) {
        most = size;
        best = k;
      }
    }
    CHECK(design.largest_single() == best);
  }
}

TEST_CASE("no leaf where every row touches several effects of a component") {
  const auto source = random_design(Shape::ragged, 80, 2, 3);
  const Design design = source.design();
  CHECK(design.largest_single() == -1);
  const Model model = random_model(design, source, PoissonLog(), 1);
  CHECK_THROWS_AS(LeafDesign(model, 0), std::invalid_argument);
  CHECK_THROWS_AS(LeafDesign(model, 1), std::invalid_argument);
  CHECK_THROWS_AS(LeafDesign(model, -1), std::invalid_argument);
}

TEST_CASE("rows by group, with the linear predictor that the full design has") {
  for (const auto shape : all_shapes()) {
    const auto source = random_design(shape, 90, 2, 5);
    const Design design = source.design();
    const Model model = random_model(design, source, PoissonLog(), 1);
    for (Index k = 0; k < design.components(); ++k) {
      if (!design.single_components()[size_t(k)]) continue;
      CAPTURE(int(shape), k);
      const LeafDesign leaf(model, k);
      const Design& reduced = leaf.reduced().design();
      CHECK(reduced.rows() == design.rows());
      CHECK(double(reduced.effects()) == double(design.effects()) - design.component_size()[k]);
      const Vector full = test_support::Random(3).normal_matrix(design.coefficients(), 1);
      Vector rest(reduced.coefficients());
      rest.tail(design.fixed()) = full.tail(design.fixed());
      std::set<Index> seen;
      for (Index j = 0; j < reduced.effects(); ++j) {
        CHECK(design.component(leaf.full_effect(j)) == reduced.component(j));
        rest[j] = full[leaf.full_effect(j)];
        seen.insert(leaf.full_effect(j));
      }
      // Rows as pairs (linear predictor, response), in any order.
      std::multiset<std::pair<long, double>> expected, got;
      const auto key = [](double eta) { return std::lround(1e9 * eta); };
      for (Index i = 0; i < design.rows(); ++i) {
        double eta = model.offset()[i] + design.x().row(i).dot(full.tail(design.fixed()));
        for (Index e = design.z().begin(i); e < design.z().end(i); ++e) {
          eta += design.z().value(e) * full[design.z().columns()[e]];
        }
        expected.insert({key(eta), model.response().a[i]});
      }
      for (Index g = 0; g < leaf.groups(); ++g) {
        const Index effect = leaf.group_effect(g);
        if (effect >= 0) CHECK(seen.insert(effect).second);
        for (Index r = leaf.group_begin(g); r < leaf.group_end(g); ++r) {
          CHECK(leaf.row_group()[size_t(r)] == g);
          double eta =
              leaf.reduced().offset()[r] + reduced.x().row(r).dot(rest.tail(design.fixed()));
          if (effect >= 0) eta += leaf.factor()[size_t(r)] * full[effect];
          for (Index e = reduced.z().begin(r); e < reduced.z().end(r); ++e) {
            eta += reduced.z().value(e) * rest[reduced.z().columns()[e]];
          }
          got.insert({key(eta), leaf.reduced().response().a[r]});
        }
      }
      CHECK(Index(seen.size()) == design.effects());
      CHECK(got == expected);
    }
  }
}
