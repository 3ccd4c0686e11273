// Runs of consecutive rows that touch the same effect: rows usually come sorted by some grouping
// factor, and then the sums of a group over a block are sums over contiguous memory.
#pragma once

#include <mixed_glm/linalg/sparse_rows.hpp>

namespace mixed_glm {

// Entries of rows begin .. end - 1 (relative to the first row of the block) that touch one effect.
struct EntryRun {
  Code effect;
  Index begin, end;
  Index entry, stride;  // entry + k * stride is that of row begin + k

  Index length() const { return end - begin; }
};

// Sums and increments over a run of a few rows, as plain loops: Eigen's would spend more on the
// alignment of their ends.
inline double sum_of_run(const double* values, const EntryRun& run) {
  double sums[4] = {0.0, 0.0, 0.0, 0.0};
  Index r = run.begin;
  for (; r + 4 <= run.end; r += 4) {
    for (Index k = 0; k < 4; ++k) sums[k] += values[r + k];
  }
  for (; r < run.end; ++r) sums[0] += values[r];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}
inline void add_to_run(double* values, const EntryRun& run, double increment) {
  for (Index r = run.begin; r < run.end; ++r) values[r] += increment;
}

// Where a run of equal columns ends that begins at r, of rows with one entry each.
inline Index end_of_run(const Code* columns, Index r, Index count) {
  const Code effect = columns[r];
  Index end = r + 1;
  if (end < count && columns[end] == effect) {
    for (; end + 4 <= count; end += 4) {  // of long runs, four at a time
      Code differs = 0;
      for (Index k = 0; k < 4; ++k) differs |= columns[end + k] ^ effect;
      if (differs != 0) break;
    }
  }
  while (end < count && columns[end] == effect) ++end;
  return end;
}

// Visits all entries of rows first .. first + count - 1, as runs: within one place of the rows'
// lists where all rows are equally long, otherwise entry by entry.
template <class Visit>
void for_each_run(const SparseRows& z, Index first, Index count, Visit&& visit) {
  const Code* const columns = z.columns();
  const Index width = z.width();
  if (width < 0) {
    for (Index r = 0; r < count; ++r) {
      for (Index e = z.begin(first + r); e < z.end(first + r); ++e) {
        visit(EntryRun{columns[e], r, r + 1, e, 1});
      }
    }
    return;
  }
  if (width == 1) {
    for (Index r = 0; r < count;) {
      const Index end = end_of_run(columns + first, r, count);
      visit(EntryRun{columns[first + r], r, end, first + r, 1});
      r = end;
    }
    return;
  }
  for (Index place = 0; place < width; ++place) {
    const Index offset = first * width + place;
    for (Index r = 0; r < count;) {
      const Code effect = columns[offset + r * width];
      Index end = r + 1;
      while (end < count && columns[offset + end * width] == effect) ++end;
      visit(EntryRun{effect, r, end, offset + r * width, width});
      r = end;
    }
  }
}

}  // namespace mixed_glm
