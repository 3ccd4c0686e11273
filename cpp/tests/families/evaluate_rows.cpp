// The row loop: all orders agree with the kernel, at every length, and touch nothing else.

#include <catch2/catch.hpp>
#include <cmath>
#include <mixed_glm/families/evaluate_rows.hpp>
#include <mixed_glm/families/family.hpp>
#include <vector>

using namespace mixed_glm;

namespace {

// A family as a user would write it: normal with unit variance, and nothing but what the loop
// needs.
class UnitNormal {
 public:
  RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    return {a * eta - 0.5 * b * eta * eta, a - b * eta, -b, 0.0};
  }
};

template <class Kernel>
void check_orders(const Kernel& kernel) {
  const std::vector<std::size_t> lengths = {0, 1, 2, 3, 4, 7, 8, 9, 31, 256, 257};
  for (const std::size_t n : lengths) {
    std::vector<double> eta(n), a(n), b(n);
    for (std::size_t i = 0; i < n; ++i) {
      eta[i] = 7.0 * std::sin(1.7 * static_cast<double>(i));
      a[i] = static_cast<double>(i % 3);
      b[i] = 2.0;
    }
    const double untouched = -12345.0;
    std::vector<std::vector<double>> out(16, std::vector<double>(n + 1, untouched));
    const Index rows = static_cast<Index>(n);
    const auto at = [&](std::size_t order, std::size_t k) { return out[4 * order + k].data(); };
    evaluate_rows<0>(kernel, rows, eta.data(), a.data(), b.data(), at(0, 0), nullptr, nullptr,
                     nullptr);
    evaluate_rows<1>(kernel, rows, eta.data(), a.data(), b.data(), at(1, 0), at(1, 1), nullptr,
                     nullptr);
    evaluate_rows<2>(kernel, rows, eta.data(), a.data(), b.data(), at(2, 0), at(2, 1), at(2, 2),
                     nullptr);
    evaluate_rows<3>(kernel, rows, eta.data(), a.data(), b.data(), at(3, 0), at(3, 1), at(3, 2),
                     at(3, 3));
    for (std::size_t i = 0; i < n; ++i) {
      const RowDerivatives row = kernel.evaluate(eta[i], a[i], b[i]);
      const double exact[] = {row.value, row.d1, row.d2, row.d3};
      for (std::size_t order = 0; order < 4; ++order) {
        for (std::size_t k = 0; k <= order; ++k) {
          CHECK(at(order, k)[i] == Approx(exact[k]).epsilon(1e-13).margin(1e-14));
        }
      }
    }
    for (const auto& array : out) CHECK(array[n] == untouched);
  }
}

}  // namespace

TEST_CASE("every order, length and kernel", "[evaluate_rows]") {
  check_orders(BinomialLogit());
  check_orders(BinomialProbit());
  check_orders(BinomialCloglog());
  check_orders(BinomialLoglog());
  check_orders(PoissonLog());
  check_orders(NegativeBinomialLog(0.5));
  check_orders(ExponentialLog());
}

TEST_CASE("a kernel of one's own", "[evaluate_rows]") { check_orders(UnitNormal()); }
