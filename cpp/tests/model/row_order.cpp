// The order of rows, and the runs of entries that it makes.

#include <catch2/catch.hpp>
#include <mixed_glm/model/entry_runs.hpp>
#include <mixed_glm/model/row_order.hpp>
#include <set>

using namespace mixed_glm;

namespace {

// Intercepts of groups, and slopes of an indicator that is one in every other row: columns
// groups .. 2 groups - 1.
SparseRows intercepts_and_slopes(Index rows, Index groups) {
  std::vector<std::int64_t> indptr = {0};
  std::vector<Code> columns;
  for (Index i = 0; i < rows; ++i) {
    const Code group = Code(i * groups / rows);
    columns.push_back(group);
    if (i % 2 == 1) columns.push_back(group + Code(groups));
    indptr.push_back(std::int64_t(columns.size()));
  }
  return {rows, 2 * groups, indptr.data(), columns.data(), nullptr};
}

std::vector<Code> components(Index groups) {
  std::vector<Code> component(size_t(groups), 0);
  component.resize(size_t(2 * groups), 1);
  return component;
}

// Runs of all rows; checks that each entry is in one of them.
Index count_runs(const SparseRows& z) {
  std::set<Index> seen;
  Index runs = 0;
  for_each_run(z, 0, z.rows(), [&](const EntryRun& run) {
    ++runs;
    for (Index r = run.begin, e = run.entry; r < run.end; ++r, e += run.stride) {
      CHECK((e >= z.begin(r) && e < z.end(r)));
      CHECK(z.columns()[e] == run.effect);
      CHECK(seen.insert(e).second);
    }
  });
  CHECK(Index(seen.size()) == z.entries());
  return runs;
}

}  // namespace

TEST_CASE("rows of a group stand together by their number of entries") {
  const Index rows = 200, groups = 5;
  SparseRows z = intercepts_and_slopes(rows, groups);
  CHECK(count_runs(z) == z.entries());
  const std::vector<Index> order = sorted_row_order(z, components(groups), 0);
  REQUIRE(std::set<Index>(order.begin(), order.end()).size() == size_t(rows));
  z.select_rows(order);
  CHECK(count_runs(z) == 3 * groups);
  CHECK(sorted_row_order(z, components(groups), 0).empty());
}

TEST_CASE("sorting rows is stable and keeps what is in order") {
  const std::vector<std::int64_t> indptr = {0, 1, 2, 3, 4};
  const std::vector<Code> columns = {0, 1, 0, 1};
  CHECK(sorted_row_order({4, 2, indptr.data(), columns.data(), nullptr}, {0, 0}, 0).empty());
  const detail::RowKeys by{{1, 0, 1, 0}, 2};
  const auto as_they_are = [](Index r) { return r; };
  CHECK(detail::sorted_by(by, by.starts(), as_they_are) == std::vector<Index>{1, 3, 0, 2});
}
