// A monitor that lets Python's signal handlers run, so that Ctrl-C ends a fit, and reports progress
// to a Python function. It holds the interpreter's lock for that, at most every 50 ms; shorter work
// never asks for it.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <mixed_glm/inference/monitor.hpp>
#include <utility>

namespace python_monitor {

namespace py = pybind11;

class PythonMonitor final : public mixed_glm::Monitor {
 public:
  // report(stage, steps, value), or None. To be made and destroyed with the lock held.
  explicit PythonMonitor(py::object report)
      : report_(std::move(report)), next_(Clock::now() + interval) {}

  // With the lock held.
  void report() const {
    if (report_.is_none()) return;
    report_(mixed_glm::to_string(progress().stage), progress().steps, progress().value);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds interval{50};

  void look() override {
    if (Clock::now() < next_) return;
    {
      const py::gil_scoped_acquire lock;
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      report();
    }
    next_ = Clock::now() + interval;
  }

  py::object report_;
  Clock::time_point next_;
};

// work(monitor) with the interpreter's lock released; the last report is made at its end.
template <class Work>
auto watched(const py::object& report, Work&& work) {
  PythonMonitor monitor(report);
  auto result = [&] {
    const py::gil_scoped_release release;
    return work(static_cast<mixed_glm::Monitor*>(&monitor));
  }();
  monitor.report();
  return result;
}

}  // namespace python_monitor
