// Rows know how many from each of them on touch the same columns.

#include <catch2/catch.hpp>
#include <mixed_glm/linalg/sparse_rows.hpp>

using namespace mixed_glm;

TEST_CASE("runs of rows that touch one column are counted, also after rows were selected") {
  const std::vector<Code> columns = {2, 2, 2, 0, 1, 1, 0};
  std::vector<std::int64_t> start;
  for (std::int64_t i = 0; i <= 7; ++i) start.push_back(i);
  SparseRows rows(7, 3, start.data(), columns.data(), nullptr);
  const auto runs = [&] {
    std::vector<Index> result;
    for (Index i = 0; i < rows.rows(); ++i) result.push_back(rows.run_length(i));
    return result;
  };
  CHECK(runs() == std::vector<Index>{3, 2, 1, 1, 2, 1, 1});
  rows.select_rows({0, 3, 6, 4});
  CHECK(runs() == std::vector<Index>{1, 2, 1, 1});
}

TEST_CASE("long runs come in parts that make up all rows") {
  constexpr Index count = 1000;
  const std::vector<Code> columns(size_t(count), 0);
  std::vector<std::int64_t> start;
  for (std::int64_t i = 0; i <= count; ++i) start.push_back(i);
  const SparseRows rows(count, 1, start.data(), columns.data(), nullptr);
  Index row = 0, parts = 0;
  for (; row < count; row += rows.run_length(row)) ++parts;
  CHECK(row == count);
  CHECK(parts < 6);
}

TEST_CASE(
    "rows of several columns are alike where they touch all of them, and mostly lie together") {
  const std::vector<std::int64_t> start = {0, 2, 4, 6, 7, 8, 10, 10, 10};
  std::vector<Code> columns = {0, 1, 0, 1, 0, 1, 0, 0, 0, 2};
  const auto rows_of = [&] { return SparseRows(8, 3, start.data(), columns.data(), nullptr); };
  const SparseRows alike = rows_of();
  const std::vector<Index> lengths = {3, 2, 1, 2, 1, 1, 2, 1};
  for (Index i = 0; i < 8; ++i) CHECK(alike.run_length(i) == lengths[size_t(i)]);
  CHECK(alike.has_groups());
  columns[5] = columns[3] = 2;
  CHECK_FALSE(rows_of().has_groups());
}
