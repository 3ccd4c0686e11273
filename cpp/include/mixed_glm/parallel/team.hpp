// Threads that stay for many short pieces of work: the passes of one fit.
//
//     Team team(2);
//     team.run([&](int member) { ... });     once in each member, of which 0 is the calling thread
//
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

  // work(member) in each thread, members being 0 .. size() - 1. Returns when all have; the first
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
  static constexpr int looks = 20000;  // before a thread lies down: some ten microseconds
  static constexpr int most_threads = 256;

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
    working_.store(int(threads_.size()), std::memory_order_relaxed);
    piece_.fetch_add(1, std::memory_order_release);
    begun_.notify_all();
  }

  void finish() {
    for (int k = 0; k < looks && working_.load(std::memory_order_acquire) > 0; ++k) {
    }
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return working_.load(std::memory_order_acquire) == 0; });
    if (error_) std::rethrow_exception(error_);
  }

  void serve(int member) {
    for (std::uint64_t seen = 0;; ++seen) {
      for (int k = 0; k < looks && piece_.load(std::memory_order_acquire) == seen; ++k) {
      }
      {
        std::unique_lock<std::mutex> lock(mutex_);
        begun_.wait(lock,
                    [&] { return closed_ || piece_.load(std::memory_order_acquire) != seen; });
        if (closed_) return;
      }
      execute(member);
      const std::lock_guard<std::mutex> lock(mutex_);
      if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) done_.notify_one();
    }
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
      closed_ = true;
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
  std::atomic<std::uint64_t> piece_{0};  // pieces of work begun
  std::atomic<int> working_{0};          // members beside the calling thread that are not done
  std::exception_ptr error_;
  bool closed_ = false;
  std::vector<std::thread> threads_;  // last: they use all of the above
};

}  // namespace mixed_glm
