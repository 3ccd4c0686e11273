// A monitor that lets Python's signal handlers run, so that Ctrl-C ends a fit, and reports progress
// to a Python function. It holds the interpreter's lock for that, at most every 50 ms; shorter work
// never asks for it, nor does work without a report outside of the main thread.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <mixed_glm/inference/monitor.hpp>
#include <utility>

#include "interpreter_lock.hpp"

namespace python_monitor {

namespace py = pybind11;
using interpreter_lock::Released;

class PythonMonitor final : public mixed_glm::Monitor {
 public:
  // report(stage, steps, value), or None. To be made and destroyed with the lock held.
  explicit PythonMonitor(py::object report)
      : report_(std::move(report)),
        needs_lock_(!report_.is_none() || interpreter_lock::is_main_thread()),
        next_(Clock::now() + interval) {}

  // work(monitor) without the lock.
  template <class Work>
  auto watch(Work&& work) {
    Released released;
    released_ = &released;
    return work(static_cast<mixed_glm::Monitor*>(this));
  }

  // With the lock held. Through the C API: no temporary objects that a thread could leave behind.
  void report() const {
    if (report_.is_none()) return;
    PyObject* const answer = interpreter_lock::or_sleep([this] {
      return PyObject_CallFunction(report_.ptr(), "sid", mixed_glm::to_string(progress().stage),
                                   progress().steps, progress().value);
    });
    if (answer == nullptr) throw py::error_already_set();
    Py_DECREF(answer);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds interval{50};

  void look() override {
    if (!needs_lock_ || Clock::now() < next_) return;
    released_->with_lock([this] {
      if (interpreter_lock::signal_raised()) throw py::error_already_set();
      report();
    });
    next_ = Clock::now() + interval;
  }

  py::object report_;
  bool needs_lock_;
  Clock::time_point next_;
  Released* released_ = nullptr;
};

// work(monitor) with the interpreter's lock released; the last report is made at its end.
template <class Work>
auto watched(const py::object& report, Work&& work) {
  PythonMonitor monitor(report);
  auto result = monitor.watch(work);
  monitor.report();
  return result;
}

}  // namespace python_monitor
