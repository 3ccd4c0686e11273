// The names of an enum class, written once: as options give them, as results and messages show
// them.
#pragma once

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace mixed_glm {

template <class Enum, std::size_t count>
using EnumNames = std::array<std::pair<Enum, const char*>, count>;

template <class Enum, std::size_t count>
constexpr const char* name_of(const EnumNames<Enum, count>& names, Enum value) {
  for (const auto& entry : names) {
    if (entry.first == value) return entry.second;
  }
  return "";
}

namespace detail {

// expected: the names, separated by bars.
[[noreturn]] inline void refuse_name(const char* option, std::string_view expected,
                                     std::string_view name) {
  std::string message = std::string(option) + ": expected '";
  const std::size_t last = expected.rfind('|');
  for (std::size_t k = 0; k < expected.size(); ++k) {
    if (expected[k] != '|') {
      message += expected[k];
    } else {
      message += k == last ? "' or '" : "', '";
    }
  }
  throw std::invalid_argument(message.append("', got '").append(name) + "'");
}

}  // namespace detail

// Throws std::invalid_argument that names the option, what was expected, in the order of `names`,
// and what came.
template <class Enum, std::size_t count>
Enum value_named(const EnumNames<Enum, count>& names, const char* option, std::string_view name) {
  std::string expected;
  for (const auto& [value, text] : names) {
    if (name == text) return value;
    expected.append(expected.empty() ? "" : "|").append(text);
  }
  detail::refuse_name(option, expected, name);
}

}  // namespace mixed_glm
