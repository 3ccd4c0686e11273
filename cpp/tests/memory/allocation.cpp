// The inner loop allocates nothing: after a first search has sized every buffer, further searches
// for the conditional mode, at other psi and from other starts, leave the heap alone.

// clang-format off
#include "allocation_count.hpp"  // before all of Eigen
// clang-format on

#include <catch2/catch.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>
#include <mixed_glm/leaf/leaf_marginal.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_families;
using test_support::all_shapes;
using test_support::random_design;
using test_support::random_model;

namespace {

// Searches at several psi, each from the last mode and once from the family's own start.
void search(ConditionalMode& mode, const std::vector<Vector>& psi, const Vector& far) {
  for (const Vector& at : psi) {
    mode.find(at);
    mode.set_start(far);
    mode.find(at);
  }
}

template <class Likelihood>
void check_search(Likelihood& likelihood, const Model& model) {
  ConditionalMode mode(likelihood, model.prior());
  std::vector<Vector> psi;
  for (const double level : {-1.0, 0.2, 0.9}) {
    psi.push_back(Vector::Constant(model.design().components(), level));
  }
  const Vector far = Vector::Constant(likelihood.design().coefficients(), 3.0);
  search(mode, psi, far);
  const int passes = mode.iterations();
  {
    const Watch watch;
    search(mode, psi, far);
  }
  CHECK(mode.iterations() > passes + 12);
  CHECK(allocation_count::eigen == 0);
  CHECK(allocation_count::others == 0);
}

}  // namespace

TEST_CASE("the counters count") {
  {
    const Watch watch;
    const Vector vector = Vector::Ones(100);
    ::operator delete(::operator new(sizeof(double)));  // which no compiler may leave out
    CHECK(vector.sum() == 100.0);
  }
  CHECK(allocation_count::eigen > 0);
  CHECK(allocation_count::others > 0);
}

TEST_CASE("the search for the conditional mode allocates nothing") {
  for (const auto shape : all_shapes()) {
    for (const Family& family : all_families()) {
      CAPTURE(int(shape), family_name(family), link_name(family));
      const auto source = random_design(shape, 300, 3, 3);
      const Design design = source.design();
      const Model model = random_model(design, source, family, 3);
      RowLikelihood likelihood(model);
      check_search(likelihood, model);
    }
  }
}

TEST_CASE("the search on several threads allocates nothing") {
  Team team(3, 0);
  for (const auto shape : all_shapes()) {
    CAPTURE(int(shape));
    const auto source = random_design(shape, 2500, 3, 3);
    const Design design = source.design();
    const Model model = random_model(design, source, PoissonLog(), 3);
    RowLikelihood likelihood(model, &team);
    REQUIRE(likelihood.rows().members() == 3);
    check_search(likelihood, model);
  }
}

TEST_CASE("the search with leaf quadrature allocates nothing") {
  Team one(1), three(3, 0);
  for (const auto shape : all_shapes()) {
    for (Team* team : {&one, &three}) {
      CAPTURE(int(shape), team->size());
      const auto source = random_design(shape, 700, 3, 3);
      const Design design = source.design();
      if (design.largest_single() < 0) continue;
      const Model model = random_model(design, source, BinomialLogit(), 3);
      for (const LeafBlock& block : {LeafBlock(design.largest_single()), default_leaf(design)}) {
        const LeafDesign leaf(model, block);
        LeafLikelihood likelihood(leaf, block.size() == 1 ? 15 : 7, team);
        REQUIRE(likelihood.nodes().members() == team->size());
        TinyVector sd(block.size());
        for (Index c = 0; c < sd.size(); ++c) sd[c] = 0.8;
        likelihood.set_prior(LeafPrior::of_sds(sd));
        check_search(likelihood, model);
      }
    }
  }
}
