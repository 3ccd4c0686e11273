// Long work that is watched, and can be stopped. Loops tell a Monitor of every pass over the rows
// and of every step towards the result; it may throw, which ends the work. Nothing that the work
// computes depends on it, and the model, which a fit never changes, can be fitted again.
//
// It is told in the thread that runs the loop, never inside of a loop over rows.
#pragma once

#include <atomic>
#include <exception>

namespace mixed_glm {

enum class Stage { search, integration };

constexpr const char* to_string(Stage stage) {
  return stage == Stage::search ? "search" : "integration";
}

struct Progress {
  Stage stage = Stage::search;
  int steps = 0;       // of a search, and points of an integration
  double value = 0.0;  // log density or bound at the last of them
};

class Monitor {
 public:
  Monitor() = default;
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;
  virtual ~Monitor() = default;

  const Progress& progress() const { return progress_; }

  void pass() { look(); }
  void enter(Stage stage) { progress_.stage = stage; }
  void step(double value) {
    ++progress_.steps;
    progress_.value = value;
    look();
  }

 protected:
  // Called often: it should cost little. Throws to end the work.
  virtual void look() = 0;

 private:
  Progress progress_;
};

// Work may run without a monitor.
inline void tell_pass(Monitor* monitor) {
  if (monitor != nullptr) monitor->pass();
}
inline void tell_step(Monitor* monitor, double value) {
  if (monitor != nullptr) monitor->step(value);
}
inline void tell_stage(Monitor* monitor, Stage stage) {
  if (monitor != nullptr) monitor->enter(stage);
}

struct Interrupted : std::exception {
  const char* what() const noexcept override { return "interrupted"; }
};

// Ends the work of any number of threads, each of which has one of its own, once the flag is set.
class StopMonitor final : public Monitor {
 public:
  StopMonitor() = default;  // stops nothing, before watch() is called
  explicit StopMonitor(const std::atomic<bool>& stop) : stop_(&stop) {}
  void watch(const std::atomic<bool>& stop) { stop_ = &stop; }

 private:
  void look() override {
    if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) throw Interrupted();
  }

  const std::atomic<bool>* stop_ = nullptr;
};

}  // namespace mixed_glm
