// Names of enumerators: each is found by its own, and an unknown one is refused with all of them.

#include <catch2/catch.hpp>
#include <mixed_glm/fit/fit_options.hpp>
#include <mixed_glm/inference/fit_status.hpp>
#include <set>

using namespace mixed_glm;

namespace {

template <class Names, class Parse>
void check_names(const Names& names, Parse parse) {
  std::set<std::string> texts;
  for (const auto& [value, text] : names) {
    CHECK(parse(text) == value);
    CHECK(to_string(value) == std::string(text));
    texts.insert(text);
  }
  CHECK(texts.size() == names.size());
  CHECK_THROWS_AS(parse(""), std::invalid_argument);
}

}  // namespace

TEST_CASE("enumerators are found by their names") {
  check_names(integrate_names, integrate_named);
  check_names(approximation_names, approximation_named);
  check_names(method_names, method_named);
  using Catch::Matchers::Equals;
  CHECK_THROWS_WITH(approximation_named("EP"),
                    Equals("approx: expected 'laplace', 'leaf', 'ep' or 'vb', got 'EP'"));
  CHECK_THROWS_WITH(
      integrate_named("x"),
      Equals("integrate: expected 'auto', 'line', 'grid', 'ridge', 'ccd' or 'mode', got 'x'"));
}

TEST_CASE("statuses stand in the order of their numbers") {
  int number = 0;
  for (const auto& entry : fit_status_names) {
    CHECK(int(entry.first) == number++);
    CHECK(*to_string(entry.first) != '\0');
  }
  CHECK(number == int(FitStatus::rough_integration) + 1);
  CHECK(is_converged(FitStatus::fell_back));
  CHECK(is_converged(FitStatus::collapsed));
  CHECK_FALSE(is_converged(FitStatus::points_left_out));
  CHECK_FALSE(is_converged(FitStatus::not_a_maximum));
}
