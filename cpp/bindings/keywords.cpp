#include "keywords.hpp"

#include <string>

namespace keywords {

Keywords::Keywords(const char* of, const py::kwargs& given)
    : of_(of), left_(given.attr("copy")()) {}

void Keywords::require(const char* name) const {
  if (!left_.contains(name)) throw py::type_error(std::string(of_) + "() needs argument " + name);
}

py::object Keywords::take(const char* name) {
  return left_.contains(name) ? left_.attr("pop")(name) : py::object();
}

void Keywords::refuse(const char* name, const py::object& value) const {
  throw py::type_error(std::string(of_) + "(): " + name + " cannot be " +
                       std::string(py::repr(value)));
}

void Keywords::finish() const {
  for (const auto& entry : left_) {
    throw py::type_error(std::string(of_) + "() has no argument " +
                         std::string(py::str(entry.first)));
  }
}

}  // namespace keywords
