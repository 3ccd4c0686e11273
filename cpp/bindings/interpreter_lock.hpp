// Work without the interpreter's lock, also by threads that outlive the interpreter.
//
// When Python ends, another thread (a daemon) that asks for the lock never gets it. Up to 3.13
// CPython ends such a thread by pthread_exit, which glibc makes an exception that cannot be
// stopped: it would reach a destructor, which ends the process, and release Python's objects
// without the lock. So the thread sleeps for ever instead, as CPython itself lets it from 3.14 on.
// Where pthread_exit unwinds nothing, or is another function, the thread sleeps if it asks once the
// end has begun; if it waited for the lock then already, CPython ends it, with all that is on its
// stack.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <functional>
#include <thread>
#include <utility>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace interpreter_lock {

namespace py = pybind11;

[[noreturn]] inline void sleep_for_ever() {
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

// call() asks for the lock, or runs Python code, which does. It should hold nothing that would have
// to be destroyed: it may never return.
template <class Call>
auto or_sleep(Call&& call) {
#if defined(__GLIBCXX__)
  try {
    return call();
  } catch (const abi::__forced_unwind&) {
    sleep_for_ever();
  }
#else
  return call();
#endif
}

inline bool is_python_ending() {
#if PY_VERSION_HEX >= 0x030d0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

// While one lives, its thread is without the lock.
class Released {
 public:
  Released() : ends_python_(is_python_ending()), thread_(PyEval_SaveThread()) {}
  Released(const Released&) = delete;
  Released& operator=(const Released&) = delete;
  ~Released() { take(); }

  // call() with the lock, for a moment.
  template <class Call>
  auto with_lock(Call&& call) {
    struct Taken {
      explicit Taken(Released& released) { released.take(); }
      ~Taken() { PyEval_SaveThread(); }
    };
    const Taken taken(*this);
    return call();
  }

 private:
  void take() {
    if (!ends_python_ && is_python_ending()) sleep_for_ever();
    or_sleep([this] { PyEval_RestoreThread(thread_); });
  }

  const bool ends_python_;  // had the lock although Python ends: it is the thread that ends it
  PyThreadState* const thread_;
};

// With the lock held. Python runs the handlers of signals in the main thread only: no other need
// ask for the lock to look for them.
inline bool is_main_thread() {
  try {
    const py::module_ threading = py::module_::import("threading");
    return threading.attr("get_ident")().equal(threading.attr("main_thread")().attr("ident"));
  } catch (const py::error_already_set&) {
    return true;  // no such module any more: Python ends
  }
}

// With the lock held. Whether a handler raised; Python's error is then set.
inline bool signal_raised() {
  return or_sleep([] { return PyErr_CheckSignals(); }) != 0;
}

// What work(should_stop) finds, without the lock meanwhile. It is to end with nothing as soon as
// should_stop() says so: a handler of a signal raised.
template <class Work>
auto until_signalled(Work&& work) {
  const bool in_main_thread = is_main_thread();
  auto found = [&] {
    Released released;
    std::function<bool()> signalled;
    if (in_main_thread) signalled = [&] { return released.with_lock(&signal_raised); };
    return work(signalled);
  }();
  if (!found.has_value()) throw py::error_already_set();
  return std::move(*found);
}

}  // namespace interpreter_lock
