// How an argument that does not fit is refused: it is named, with what was expected and what came.
#pragma once

#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/typedefs.hpp>
#include <stdexcept>
#include <string>

namespace mixed_glm {

[[noreturn]] MIXED_GLM_COLD inline void refuse_argument(const char* name,
                                                        const std::string& expected,
                                                        const std::string& got) {
  throw std::invalid_argument(std::string(name) + ": expected " + expected + ", got " + got);
}

// A number in a row.
[[noreturn]] MIXED_GLM_COLD inline void refuse_row(const char* name, const char* expected,
                                                   double got, Index row) {
  refuse_argument(name, expected, std::to_string(got) + " in row " + std::to_string(row));
}

[[noreturn]] MIXED_GLM_COLD inline void refuse_length(const char* name, Index expected, Index got) {
  refuse_argument(name, "length " + std::to_string(expected), std::to_string(got));
}

inline void check_length(const char* name, Index got, Index expected) {
  if (got != expected) refuse_length(name, expected, got);
}

}  // namespace mixed_glm
