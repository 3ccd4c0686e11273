// Structs from Python's keywords: each argument is read into the member that bears its name, so
// that there is no order in which two of them could be mistaken for each other.
#pragma once

#include <pybind11/eigen.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <mixed_glm/math/compiler.hpp>
#include <string>

namespace keywords {

namespace py = pybind11;

class Keywords {
 public:
  // of: the name of the class that they make.
  Keywords(const char* of, const py::kwargs& given);

  template <class T>
  Keywords& required(const char* name, T& member) {
    require(name);
    return optional(name, member);
  }

  // Where it is not given, the member stays what it is.
  template <class T>
  Keywords& optional(const char* name, T& member) {
    const py::object value = take(name);
    if (!value) return *this;
    try {
      member = value.cast<T>();
    } catch (const py::cast_error&) {
      refuse(name, value);
    }
    return *this;
  }

  // An enumerator by its name.
  template <class Enum, class Parse>
  Keywords& named(const char* name, Enum& member, Parse parse) {
    std::string text = to_string(member);
    optional(name, text);
    member = parse(text);
    return *this;
  }

  MIXED_GLM_COLD void finish() const;  // throws TypeError if there are others

 private:
  MIXED_GLM_COLD void require(const char* name) const;
  py::object take(const char* name);  // null if it is not given
  [[noreturn]] MIXED_GLM_COLD void refuse(const char* name, const py::object& value) const;

  const char* of_;
  py::dict left_;
};

}  // namespace keywords
