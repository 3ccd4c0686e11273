// Blocks of vectors over the levels of factors: M numbers of each level next to one another, so
// that what is gathered for a level is gathered for all M vectors at once. Sums over levels are
// taken piece by piece, and the pieces in their order: the same bits for any number of threads.
#pragma once

#include <array>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/parallel/for_each_piece.hpp>
#include <vector>

namespace mixed_glm {

constexpr Index levels_together = 256;

// work(first, last) for pieces of 0 .. levels - 1.
template <class Work>
void for_levels(Team* team, Index levels, Work&& work) {
  if (levels == 0) return;
  const EqualPieces pieces(levels, levels_together);
  for_each_piece(team, pieces.count,
                 [&](int, Index k) { work(pieces.begin(k), pieces.begin(k + 1)); });
}

// The sum of what add(first, last, sums) makes of each piece; sums: `count` numbers, zero at first.
template <class T, class Add>
std::vector<double> sum_over_levels(Team* team, Index levels, Index count, Add&& add) {
  std::vector<double> total(size_t(count), 0.0);
  if (levels == 0) return total;
  const EqualPieces pieces(levels, levels_together);
  std::vector<T> sums(size_t(pieces.count * count), T(0));
  for_each_piece(team, pieces.count, [&](int, Index k) {
    add(pieces.begin(k), pieces.begin(k + 1), sums.data() + k * count);
  });
  for (Index k = 0; k < pieces.count; ++k) {
    for (Index c = 0; c < count; ++c) total[size_t(c)] += double(sums[size_t(k * count + c)]);
  }
  return total;
}

// Of each of the M vectors.
template <int M, class T>
std::array<double, M> dot_products(Team* team, const std::vector<T>& a, const std::vector<T>& b) {
  const T *const x = a.data(), *const y = b.data();
  const std::vector<double> sums =
      sum_over_levels<T>(team, Index(a.size()) / M, M, [&](Index first, Index last, T* sum) {
        std::array<T, M> own = {};
        for (Index j = first; j < last; ++j) {
          for (int c = 0; c < M; ++c) own[size_t(c)] += x[j * M + c] * y[j * M + c];
        }
        std::copy(own.begin(), own.end(), sum);
      });
  std::array<double, M> result;
  std::copy(sums.begin(), sums.end(), result.begin());
  return result;
}

}  // namespace mixed_glm
