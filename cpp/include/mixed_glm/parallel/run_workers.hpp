// Runs a worker on each of several threads, while the calling thread looks after interruptions.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace mixed_glm {

using Worker = std::function<void(const std::atomic<bool>& stop)>;
using ShouldStop = std::function<bool()>;

namespace detail {

// Threads that are under way, and the first exception that any of them met.
class WorkerGroup {
 public:
  void start(int threads, const Worker& work) {
    threads_.reserve(size_t(threads));  // nothing may be thrown once a thread is under way
    for (int k = 0; k < threads; ++k) {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        ++running_;
      }
      try {
        threads_.emplace_back([this, &work] { run(work); });
      } catch (const std::exception&) {  // no threads or no memory left: as many as there can be
        finish(nullptr);
        break;
      }
    }
  }
  bool is_empty() const { return threads_.empty(); }

  // Asks every 50 milliseconds, and stops the workers where the answer is yes.
  void wait(const ShouldStop& should_stop) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto done = [this] { return running_ == 0; };
    while (!done_.wait_for(lock, std::chrono::milliseconds(50), done)) {
      lock.unlock();
      if (!stop_ && should_stop()) stop_ = true;
      lock.lock();
    }
  }

  void join() {
    for (std::thread& thread : threads_) thread.join();
    if (error_) std::rethrow_exception(error_);
  }
  bool stopped() const { return stop_; }

 private:
  void run(const Worker& work) {
    std::exception_ptr error;
    try {
      work(stop_);
    } catch (...) {
      error = std::current_exception();
      stop_ = true;
    }
    finish(error);
  }

  void finish(const std::exception_ptr& error) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (error && !error_) error_ = error;
    --running_;
    done_.notify_all();
  }

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::exception_ptr error_;
  std::atomic<bool> stop_{false};
  int running_ = 0;
};

}  // namespace detail

// Each worker must look at `stop` from time to time, and return when it is set. should_stop: called
// by this thread; empty: never. False if it was interrupted. What a worker throws is thrown on.
inline bool run_workers(int threads, const Worker& work, const ShouldStop& should_stop = {}) {
  if (threads <= 1 && !should_stop) {
    work(std::atomic<bool>(false));
    return true;
  }
  detail::WorkerGroup group;
  group.start(threads, work);
  if (group.is_empty()) {
    work(std::atomic<bool>(false));
    return true;
  }
  group.wait(should_stop ? should_stop : [] { return false; });
  group.join();
  return !group.stopped();
}

}  // namespace mixed_glm
