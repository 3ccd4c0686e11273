// Columns in pieces: none reaches into another one, and there are pieces wherever there can be.

#include <catch2/catch.hpp>
#include <mixed_glm/linalg/column_pieces.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_shapes;
using test_support::random_design;
using test_support::Shape;

namespace {

void check(const BorderedPattern& pattern, const ColumnPieces& pieces) {
  CHECK(pieces.rest() <= pattern.sparse());
  Index at = 0;
  for (Index k = 0; k < pieces.count(); ++k) {
    CHECK(pieces.begin(k) == at);
    CHECK(pieces.end(k) > at);
    at = pieces.end(k);
    for (Index j = pieces.begin(k); j < pieces.end(k); ++j) {
      for (Index e = pattern.column_begin(j); e < pattern.column_end(j); ++e) {
        const Index row = pattern.rows()[e];
        CHECK((row < pieces.end(k) || row >= pieces.rest()));
      }
    }
  }
  CHECK(at == pieces.rest());
}

}  // namespace

TEST_CASE("pieces of columns are independent of one another") {
  for (const Shape shape : all_shapes()) {
    for (const Index n : {30, 700, 5000}) {
      CAPTURE(int(shape), n);
      const auto source = random_design(shape, n, 2, 3);
      const Design design = source.design();
      check(design.pattern(), ColumnPieces(design.pattern()));
    }
  }
}

TEST_CASE("large designs of common shapes are cut") {
  for (const Shape shape : {Shape::one_factor, Shape::nested, Shape::slopes}) {
    CAPTURE(int(shape));
    const auto source = random_design(shape, 5000, 2, 3);
    const Design design = source.design();
    const ColumnPieces pieces(design.pattern());
    CAPTURE(design.pattern().sparse(), pieces.rest());
    CHECK(pieces.count() > 1);
    CHECK(2 * pieces.rest() > design.pattern().sparse());
  }
}

TEST_CASE("nothing to cut") {
  const ColumnPieces pieces{BorderedPattern(Neighbours(), 3)};
  CHECK(pieces.count() == 0);
  CHECK(pieces.rest() == 0);
}
