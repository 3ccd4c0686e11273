// Which designs keep an exact factor, and how the effects of the others are put in order.

#include <catch2/catch.hpp>
#include <mixed_glm/model/elimination.hpp>
#include <random>

using namespace mixed_glm;

namespace {

// Rows that touch one level of each factor at random.
struct CrossedFactors {
  // again: after so many rows they begin anew.
  CrossedFactors(Index rows, const std::vector<Index>& levels, Index again = 0)
      : size(Index(levels.size())) {
    std::mt19937 generator(1);
    Code first = 0;
    for (size_t k = 0; k < levels.size(); ++k) {
      size[Index(k)] = double(levels[k]);
      component.insert(component.end(), size_t(levels[k]), Code(k));
    }
    for (Index i = 0; i < rows; ++i, first = 0) {
      if (again > 0 && i % again == 0) generator.seed(1);
      for (const Index q : levels) {
        columns.push_back(first + Code(std::uniform_int_distribution<Index>(0, q - 1)(generator)));
        first += Code(q);
      }
      starts.push_back(std::int64_t(columns.size()));
    }
  }

  // Two factors of so many levels, of which ten of each meet one another.
  static CrossedFactors communities(Index rows, Index levels, double leaving) {
    CrossedFactors factors(rows, {levels, levels});
    std::mt19937 generator(2);
    std::uniform_real_distribution<double> uniform;
    for (size_t e = 0; e < factors.columns.size(); e += 2) {
      if (uniform(generator) < leaving) continue;
      const Code place = (factors.columns[e + 1] - Code(levels)) % 10;
      factors.columns[e + 1] = Code(levels) + factors.columns[e] / 10 * 10 + place;
    }
    return factors;
  }

  Elimination eliminate(Factorization factorization = Factorization::automatic) const {
    const SparseRows z(Index(starts.size()) - 1, Index(component.size()), starts.data(),
                       columns.data(), nullptr);
    return choose_elimination(effect_neighbours(z), component, size,
                              std::vector<bool>(size_t(size.size()), true), 2, factorization);
  }

  Vector size;
  std::vector<Code> component, columns;
  std::vector<std::int64_t> starts = {0};
};

}  // namespace

TEST_CASE("factors with many crossed levels are left unfilled") {
  CHECK(CrossedFactors(3000, {100, 90}).eliminate().pattern.is_filled());
  CHECK(CrossedFactors(20000, {20000}).eliminate().pattern.is_filled());
  const CrossedFactors large(45000, {1500, 1400});
  const Elimination iterative = large.eliminate();
  REQUIRE_FALSE(iterative.pattern.is_filled());
  CHECK(iterative.pattern.unfilled().eliminated == 1500);
  CHECK(large.eliminate(Factorization::exact).pattern.is_filled());
}

TEST_CASE("what meets again and again is a coupling once; what is cheap is exact") {
  CHECK_FALSE(CrossedFactors(16000, {800, 800}).eliminate().pattern.is_filled());
  CHECK_FALSE(CrossedFactors(60000, {1500, 1000}, 20000).eliminate().pattern.is_filled());
  CHECK(CrossedFactors(1500, {500, 500}).eliminate().pattern.is_filled());
  CHECK(CrossedFactors(120000, {700, 700}).eliminate().pattern.is_filled());
}

TEST_CASE("the dense block is small in any order of the factors") {
  const auto tail = [](const CrossedFactors& factors) {
    return factors.eliminate(Factorization::exact).pattern.tail();
  };
  CHECK(tail({20000, {300, 800}}) == tail({20000, {800, 300}}));
  CHECK(tail({20000, {300, 800}}) <= 300);
  // Communities of ten by ten levels, of which one row in a hundred leaves its own.
  CHECK(tail(CrossedFactors::communities(15000, 500, 0.01)) < 150);
  CHECK(CrossedFactors::communities(60000, 2000, 0.01).eliminate().pattern.is_filled());
}

TEST_CASE("entries of an unfilled pattern are pairs that meet, not squares") {
  const CrossedFactors huge(600000, {80000, 70000});
  const Elimination elimination = huge.eliminate();
  CHECK(elimination.pattern.size() < 2000000);
  CHECK_THROWS_AS(huge.eliminate(Factorization::exact), std::length_error);
}

TEST_CASE("the largest factor is eliminated first, and small ones join the border") {
  const CrossedFactors factors(2000, {10, 55, 60, 7});
  const Elimination elimination = factors.eliminate(Factorization::iterative);
  const BorderedPattern& pattern = elimination.pattern;
  CHECK(pattern.unfilled().eliminated == 60);
  CHECK(pattern.tail() == 17);
  const std::vector<Code>& part = pattern.unfilled().part;
  CHECK(std::count(part.begin(), part.begin() + 60, 2) == 60);
  CHECK(std::count(part.begin() + 60, part.begin() + 115, 1) == 55);
  for (size_t k = 0; k < part.size(); ++k) {
    CHECK(factors.component[size_t(elimination.order[k])] == part[k]);
  }
}
