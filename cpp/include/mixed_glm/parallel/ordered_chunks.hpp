// Pieces of one loop, worked on by all members of a team, with one step of each piece taken in
// their order:
//
//     prepare(member, chunk)   in any thread, at the same time as others
//     finish(member, chunk)    after that of the chunk before, in the thread that has prepared it
//
// so that sums have the same order of additions, and the same bits, for any number of threads.
// Chunks are dealt out in order: that of the next turn is always under way.
#pragma once

#include <atomic>
#include <mixed_glm/parallel/team.hpp>

namespace mixed_glm {

namespace detail {

class Turns {
 public:
  // False where another thread has failed: the turn will never come.
  bool wait_for(Index chunk) const {
    for (int looks = 0; turn_.load(std::memory_order_acquire) != chunk; ++looks) {
      if (failed_.load(std::memory_order_acquire)) return false;
      if (looks > 1000) std::this_thread::yield();
    }
    return true;
  }
  void pass_on() { turn_.fetch_add(1, std::memory_order_release); }
  void fail() { failed_.store(true, std::memory_order_release); }

 private:
  std::atomic<Index> turn_{0};
  std::atomic<bool> failed_{false};
};

}  // namespace detail

// For each chunk in 0 .. count - 1. What is thrown is thrown on, when all threads have stopped. No
// team: the calling thread does it all.
template <class Prepare, class Finish>
void run_in_order(Team* team, Index count, Prepare&& prepare, Finish&& finish) {
  if (team == nullptr || team->size() == 1 || count < 2) {
    for (Index chunk = 0; chunk < count; ++chunk) {
      prepare(0, chunk);
      finish(0, chunk);
    }
    return;
  }
  std::atomic<Index> next{0};
  detail::Turns turns;
  team->run([&](int member) {
    try {
      for (Index chunk = next++; chunk < count; chunk = next++) {
        prepare(member, chunk);
        if (!turns.wait_for(chunk)) return;
        finish(member, chunk);
        turns.pass_on();
      }
    } catch (...) {
      turns.fail();
      throw;
    }
  });
}

}  // namespace mixed_glm
