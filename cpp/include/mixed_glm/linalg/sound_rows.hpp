// Arrays from outside that claim to be compressed sparse rows.
#pragma once

#include <cmath>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

// Whether they fit each other, the columns of each row increase, and all values are other than zero
// and at most `largest` in absolute value: then they can be taken as they are. indptr: rows + 1.
template <class Start, class Column>
bool are_sound_rows(Index rows, Index cols, const Start* indptr, const Column* indices,
                    const double* values, Index entries, double largest) {
  if (indptr[0] != 0 || Index(indptr[rows]) != entries) return false;
  for (Index i = 0; i < rows; ++i) {
    if (indptr[i] > indptr[i + 1]) return false;
  }
  for (Index i = 0; i < rows; ++i) {
    for (Index e = Index(indptr[i]); e < Index(indptr[i + 1]); ++e) {
      const bool rises = e == Index(indptr[i]) ? indices[e] >= 0 : indices[e] > indices[e - 1];
      if (!rises || Index(indices[e]) >= cols) return false;
    }
  }
  bool good = true;  // NaN is not
  for (Index e = 0; e < entries; ++e) {
    const double size = std::abs(values[e]);
    good &= size > 0.0 && size <= largest;
  }
  return good;
}

}  // namespace mixed_glm
