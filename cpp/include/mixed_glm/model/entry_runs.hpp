// Runs of consecutive rows that touch the same effect: rows usually come sorted by some grouping
// factor, and then the sums of a group over a block are sums over contiguous memory. And groups of
// rows that touch the same effects, all of them: two effects of a term, a class and its school.
#pragma once

#include <mixed_glm/linalg/sparse_rows.hpp>
#include <type_traits>

namespace mixed_glm {

// Entries of rows begin .. end - 1 (relative to the first row of the block) that touch one effect.
struct EntryRun {
  Code effect;
  Index begin, end;
  Index entry, stride;  // entry + k * stride is that of row begin + k

  Index length() const { return end - begin; }
};

// The same of rows that touch one effect after another: a place of their lists, not sorted by it.
struct ScatteredRows {
  Index begin, end;
  Index entry, stride;
};

// Rows begin .. end - 1 (relative to the first row of the block) with the same `width` effects; the
// entries of the first of them begin with `entry`, those of the others follow.
struct RowGroup {
  Index begin, end;
  Index entry, width;

  Index length() const { return end - begin; }
};

// An increment over a run of a few rows, as a plain loop: Eigen's would spend more on the alignment
// of its ends.
template <class Run>
void add_to_run(double* values, const Run& run, double increment) {
  for (Index r = run.begin; r < run.end; ++r) values[r] += increment;
}

namespace detail {

// Stands for a visitor where all rows are to be visited as runs.
struct AsRuns {};

// Whether rows seem to touch one effect after another in a place: the first of them do.
inline bool are_scattered(const Code* columns, Index width, Index count) {
  return count > 2 && columns[0] != columns[width] && columns[width] != columns[2 * width];
}

// Of rows begin .. end - 1, all of which have `width` entries, from `entry` on: place by place in
// the rows' lists.
template <class Visit, class VisitScattered>
void for_each_run_of_width(const Code* columns, Index entry, Index width, Index begin, Index end,
                           Visit&& visit, VisitScattered&& visit_scattered) {
  for (Index place = entry; place < entry + width; ++place) {
    if constexpr (!std::is_same_v<std::decay_t<VisitScattered>, AsRuns>) {
      if (are_scattered(columns + place, width, end - begin)) {
        visit_scattered(ScatteredRows{begin, end, place, width});
        continue;
      }
    }
    for (Index r = begin, e = place; r < end;) {
      const Code effect = columns[e];
      EntryRun run{effect, r++, 0, e, width};
      for (e += width; r < end && columns[e] == effect; e += width) ++r;
      run.end = r;
      visit(run);
    }
  }
}

// Where the rows end that have as many entries as row r, relative to the first one.
inline Index end_of_width(const SparseRows& z, Index first, Index r, Index count) {
  if (z.width() >= 0) return count;
  const Index width = z.end(first + r) - z.begin(first + r);
  do ++r;
  while (r < count && z.end(first + r) - z.begin(first + r) == width);
  return r;
}

}  // namespace detail

// Visits all entries of rows first .. first + count - 1, as runs: of rows that have equally many
// entries, within one place of their lists. visit_scattered(rows): called for those for which runs
// would hardly be longer than a row.
template <class Visit, class VisitScattered = detail::AsRuns>
void for_each_run(const SparseRows& z, Index first, Index count, Visit&& visit,
                  VisitScattered&& visit_scattered = {}) {
  const Code* const columns = z.columns();
  if (z.width() == 1) {
    for (Index r = 0; r < count;) {
      const Index end = std::min(count, r + z.run_length(first + r));
      visit(EntryRun{columns[first + r], r, end, first + r, 1});
      r = end;
    }
    return;
  }
  for (Index r = 0; r < count;) {
    const Index entry = z.begin(first + r), width = z.end(first + r) - entry;
    const Index end = detail::end_of_width(z, first, r, count);
    detail::for_each_run_of_width(columns, entry, width, r, end, visit, visit_scattered);
    r = end;
  }
}

// Visits all rows first .. first + count - 1, group by group.
template <class Visit>
void for_each_group(const SparseRows& z, Index first, Index count, Visit&& visit) {
  for (Index r = 0; r < count;) {
    const Index row = first + r, end = std::min(count, r + z.run_length(row));
    visit(RowGroup{r, end, z.begin(row), z.end(row) - z.begin(row)});
    r = end;
  }
}

}  // namespace mixed_glm
