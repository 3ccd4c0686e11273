// Threads that stay for many short pieces of work: the passes of one fit.
//
//     Team team(2);
//     team.run([&](int member) { ... });     in the calling thread, which is member 0, and once in
//                                            each other member that wakes up before that is done
//
// So work must be dealt out among those that come (for_each_piece.hpp, ordered_chunks.hpp).
// The threads are started by the first piece of work; where the system has no more of them, those
// that there are do it all. Starting a further piece allocates nothing. A team belongs to the
// thread that made it, and lives no longer than a fit: a process that forks between two fits
// misses no threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mixed_glm/typedefs.hpp>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace mixed_glm {

// Work on fewer rows than this is over before a second thread has woken up.
constexpr Index fewest_rows_for_team = 8192;

class Team {
 public:
  // threads: the calling one included; 256 at most.
  explicit Team(int threads, Index fewest_rows = fewest_rows_for_team)
      : size_(std::clamp(threads, 1, most_threads)), fewest_rows_(fewest_rows) {}
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  ~Team() { close(); }

  int size() const { return size_; }
  Index fewest_rows() const { return fewest_rows_; }

  // work(member), members being 0 .. size() - 1. Returns when all that began have ended; the first
  // exception that one of them met is thrown on.
  template <class Work>
  void run(Work&& work) {
    start_threads();
    if (threads_.empty()) return work(0);
    const auto call = [](void* target, int member) {
      (*static_cast<std::remove_reference_t<Work>*>(target))(member);
    };
    begin(call, const_cast<void*>(static_cast<const void*>(&work)));
    execute(0);
    finish();
  }

 private:
  using Call = void (*)(void* target, int member);
  // Count of pieces begun, whether the last is closed, threads at work.
  using State = std::uint64_t;
  static constexpr int looks = 100000;  // before a thread sleeps: some fifty microseconds
  static constexpr int most_threads = 256;
  static constexpr State closed = 1 << 15, one_piece = 1 << 16;

  static State piece_of(State state) { return state / one_piece; }
  static State at_work(State state) { return state % closed; }  // beside the calling thread

  void start_threads() {
    if (started_) return;
    started_ = true;
    threads_.reserve(size_t(size_ - 1));
    for (int k = 1; k < size_ && start_thread(k); ++k) {
    }
  }

  bool start_thread(int member) {
    try {
      threads_.emplace_back([this, member] { serve(member); });
      return true;
    } catch (const std::system_error&) {
      return false;  // the system has no more of them
    }
  }

  void begin(Call call, void* target) {
    const std::lock_guard<std::mutex> lock(mutex_);
    call_ = call;
    target_ = target;
    error_ = nullptr;
    const State last = piece_of(state_.load(std::memory_order_relaxed));
    state_.store((last + 1) * one_piece, std::memory_order_release);
    begun_.notify_all();
  }

  // Nobody may join any more, and those who have are waited for.
  void finish() {
    state_.fetch_or(closed, std::memory_order_acq_rel);
    const auto done = [this] { return at_work(state_.load(std::memory_order_acquire)) == 0; };
    for (int k = 0; k < looks && !done(); ++k) {
    }
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, done);
    if (error_) std::rethrow_exception(error_);
  }

  void serve(int member) {
    State seen = 0;  // pieces that this thread has looked at
    const auto begun = [&] { return piece_of(state_.load(std::memory_order_acquire)) != seen; };
    while (true) {
      for (int k = 0; k < looks && !begun(); ++k) {
      }
      {
        std::unique_lock<std::mutex> lock(mutex_);
        begun_.wait(lock, [&] { return leaving_ || begun(); });
        if (leaving_) return;
      }
      if (!join(seen)) continue;
      execute(member);
      if (state_.fetch_sub(1, std::memory_order_acq_rel) % one_piece != closed + 1) continue;
      const std::lock_guard<std::mutex> lock(mutex_);
      done_.notify_one();
    }
  }

  // The present piece, which is seen from now on. False if it is closed already.
  bool join(State& seen) {
    State state = state_.load(std::memory_order_acquire);
    while ((state & closed) == 0) {
      if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) break;
    }
    seen = piece_of(state);
    return (state & closed) == 0;
  }

  void execute(int member) {
    try {
      call_(target_, member);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }

  void close() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      leaving_ = true;
      begun_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
  }

  const int size_;
  const Index fewest_rows_;
  bool started_ = false;
  std::mutex mutex_;
  std::condition_variable begun_, done_;
  Call call_ = nullptr;
  void* target_ = nullptr;
  std::atomic<State> state_{closed};
  std::exception_ptr error_;
  bool leaving_ = false;
  std::vector<std::thread> threads_;  // last: they use all of the above
};

}  // namespace mixed_glm
