// work(member, k) for k = 0 .. count - 1, dealt out among the members of a team. Pieces that depend
// on nothing but k, and write to memory of their own, give the same bits for any number of threads.
#pragma once

#include <atomic>
#include <mixed_glm/parallel/team.hpp>

namespace mixed_glm {

// No team: the calling thread does it all.
template <class Work>
void for_each_piece(Team* team, Index count, Work&& work) {
  if (team == nullptr || team->size() == 1 || count < 2) {
    for (Index k = 0; k < count; ++k) work(0, k);
    return;
  }
  std::atomic<Index> next{0};
  team->run([&](int member) {
    for (Index k = next++; k < count; k = next++) work(member, k);
  });
}

// A range cut into pieces of equal size.
struct EqualPieces {
  Index size, count;
  EqualPieces(Index total, Index about)
      : size(total), count(std::max<Index>(1, (total + about / 2) / about)) {}
  Index begin(Index k) const { return size * k / count; }
  Index length(Index k) const { return begin(k + 1) - begin(k); }
};

}  // namespace mixed_glm
