// Arrays that can be taken for compressed sparse rows, and those that cannot.

#include <catch2/catch.hpp>
#include <limits>
#include <mixed_glm/linalg/sound_rows.hpp>
#include <vector>

using namespace mixed_glm;

TEST_CASE("rows are sound where they are in order and their values of use") {
  using Codes = std::vector<Code>;
  using Values = std::vector<double>;
  const auto are_sound = [](const Codes& indptr, const Codes& indices, const Values& values) {
    const std::vector<std::int64_t> wide(indptr.begin(), indptr.end());
    const bool sound = are_sound_rows(Index(indptr.size()) - 1, 3, indptr.data(), indices.data(),
                                      values.data(), Index(values.size()), 1e50);
    CHECK(sound == are_sound_rows(Index(indptr.size()) - 1, 3, wide.data(), indices.data(),
                                  values.data(), Index(values.size()), 1e50));
    return sound;
  };
  CHECK(are_sound({0, 2, 2, 3}, {0, 2, 1}, {1.0, -2.0, 1e50}));
  CHECK(are_sound({0, 0}, {}, {}));
  CHECK_FALSE(are_sound({1, 2, 2, 3}, {0, 2, 1}, {1.0, 1.0, 1.0}));
  CHECK_FALSE(are_sound({0, 2, 2, 2}, {0, 2, 1}, {1.0, 1.0, 1.0}));
  CHECK_FALSE(are_sound({0, 2, 1, 3}, {0, 2, 1}, {1.0, 1.0, 1.0}));
  CHECK_FALSE(are_sound({0, 4, 2, 3}, {0, 1, 2}, {1.0, 1.0, 1.0}));  // no entry is looked at
  CHECK_FALSE(are_sound({0, 2, 2, 3}, {2, 0, 1}, {1.0, 1.0, 1.0}));
  CHECK_FALSE(are_sound({0, 2, 2, 3}, {0, 0, 1}, {1.0, 1.0, 1.0}));
  CHECK_FALSE(are_sound({0, 2, 2, 3}, {0, 3, 1}, {1.0, 1.0, 1.0}));
  CHECK_FALSE(are_sound({0, 2, 2, 3}, {-1, 2, 1}, {1.0, 1.0, 1.0}));
  for (const double bad : {0.0, -2e50, std::numeric_limits<double>::quiet_NaN(),
                           -std::numeric_limits<double>::infinity()}) {
    CHECK_FALSE(are_sound({0, 2, 2, 3}, {0, 2, 1}, {1.0, 1.0, bad}));
  }
}
