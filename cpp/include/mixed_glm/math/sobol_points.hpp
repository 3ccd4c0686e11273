// Points that fill the unit cube more evenly than random ones: a Sobol' sequence (direction numbers
// of Joe and Kuo 2008, SIAM J. Sci. Comput. 30, 2635-2654), shifted digit by digit by fixed random
// numbers. The first 2^m points are a net for every m, so that points can be added. Integer
// arithmetic: the same points everywhere.
//
// Dimensions beyond the table are filled with random numbers, fixed as well.
#pragma once

#include <array>
#include <cstdint>
#include <mixed_glm/typedefs.hpp>
#include <vector>

namespace mixed_glm {

class SobolPoints {
 public:
  explicit SobolPoints(Index dimension) : dimension_(dimension) {
    const Index from_table = std::min(dimension, Index(table.size()) + 1);
    for (Index k = 0; k < from_table; ++k) directions_.push_back(directions(k));
  }

  // In the open unit cube.
  Vector point(std::uint32_t number) const {
    Vector result(dimension_);
    for (Index k = 0; k < dimension_; ++k) {
      const std::uint32_t digits = k < Index(directions_.size())
                                       ? net_digits(directions_[size_t(k)], number)
                                       : std::uint32_t(mixed((std::uint64_t(number) + 1) << 32));
      result[k] =
          (double(digits ^ std::uint32_t(mixed(std::uint64_t(k)) >> 32)) + 0.5) / 4294967296.0;
    }
    return result;
  }

 private:
  static constexpr int bits = 32;
  using Directions = std::array<std::uint32_t, bits>;
  struct Row {
    std::uint32_t polynomial;              // primitive over the field of two elements, as bits
    std::array<std::uint32_t, 8> numbers;  // as many as its degree
  };

  // Of the second dimension and on.
  static constexpr std::array<Row, 39> table = {{
      {3, {1}},
      {7, {1, 3}},
      {11, {1, 3, 1}},
      {13, {1, 1, 1}},
      {19, {1, 1, 3, 3}},
      {25, {1, 3, 5, 13}},
      {37, {1, 1, 5, 5, 17}},
      {41, {1, 1, 5, 5, 5}},
      {47, {1, 1, 7, 11, 19}},
      {55, {1, 1, 5, 1, 1}},
      {59, {1, 1, 1, 3, 11}},
      {61, {1, 3, 5, 5, 31}},
      {67, {1, 3, 3, 9, 7, 49}},
      {91, {1, 1, 1, 15, 21, 21}},
      {97, {1, 3, 1, 13, 27, 49}},
      {103, {1, 1, 1, 15, 7, 5}},
      {109, {1, 3, 1, 15, 13, 25}},
      {115, {1, 1, 5, 5, 19, 61}},
      {131, {1, 3, 7, 11, 23, 15, 103}},
      {137, {1, 3, 7, 13, 13, 15, 69}},
      {143, {1, 1, 3, 13, 7, 35, 63}},
      {145, {1, 3, 5, 9, 1, 25, 53}},
      {157, {1, 3, 1, 13, 9, 35, 107}},
      {167, {1, 3, 1, 5, 27, 61, 31}},
      {171, {1, 1, 5, 11, 19, 41, 61}},
      {185, {1, 3, 5, 3, 3, 13, 69}},
      {191, {1, 1, 7, 13, 1, 19, 1}},
      {193, {1, 3, 7, 5, 13, 19, 59}},
      {203, {1, 1, 3, 9, 25, 29, 41}},
      {211, {1, 3, 5, 13, 23, 1, 55}},
      {213, {1, 3, 7, 3, 13, 59, 17}},
      {229, {1, 3, 1, 3, 5, 53, 69}},
      {239, {1, 1, 5, 5, 23, 33, 13}},
      {241, {1, 1, 7, 7, 1, 61, 123}},
      {247, {1, 1, 7, 9, 13, 61, 49}},
      {253, {1, 3, 3, 5, 3, 55, 33}},
      {285, {1, 3, 1, 15, 31, 13, 49, 245}},
      {299, {1, 3, 5, 15, 31, 59, 63, 97}},
      {301, {1, 3, 1, 11, 11, 11, 77, 249}},
  }};

  static std::uint32_t net_digits(const Directions& directions, std::uint32_t number) {
    std::uint32_t digits = 0;
    for (int b = 0; number >> b != 0; ++b) {
      if ((number >> b & 1) != 0) digits ^= directions[size_t(b)];
    }
    return digits;
  }

  static Directions directions(Index k) {
    Directions result;
    if (k == 0) {
      for (int b = 0; b < bits; ++b) result[size_t(b)] = 1U << (bits - 1 - b);
      return result;
    }
    const Row& row = table[size_t(k - 1)];
    int degree = 0;
    while (row.polynomial >> (degree + 1) != 0) ++degree;
    for (int b = 0; b < bits; ++b) {
      if (b < degree) {
        result[size_t(b)] = row.numbers[size_t(b)] << (bits - 1 - b);
        continue;
      }
      const std::uint32_t last = result[size_t(b - degree)];
      std::uint32_t next = last ^ (last >> degree);
      for (int j = 1; j < degree; ++j) {
        if ((row.polynomial >> (degree - j) & 1) != 0) next ^= result[size_t(b - j)];
      }
      result[size_t(b)] = next;
    }
    return result;
  }

  // Steele, Lea and Flood (2014): splitmix64.
  static std::uint64_t mixed(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
  }

  Index dimension_;
  std::vector<Directions> directions_;
};

}  // namespace mixed_glm
