// Vectors and matrices of up to three coordinates, in plain loops and without memory of their own.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

constexpr Index most_tiny = 3;

// Zero at first.
class TinyVector {
 public:
  explicit TinyVector(Index size = 0) : size_(size) {}
  Index size() const { return size_; }
  double& operator[](Index r) { return values_[size_t(r)]; }
  double operator[](Index r) const { return values_[size_t(r)]; }

 private:
  Index size_;
  std::array<double, size_t(most_tiny)> values_ = {};
};

// Square; zero at first.
class TinyMatrix {
 public:
  explicit TinyMatrix(Index size = 0) : size_(size) {}
  Index size() const { return size_; }
  double& operator()(Index r, Index c) { return values_[size_t(r * most_tiny + c)]; }
  double operator()(Index r, Index c) const { return values_[size_t(r * most_tiny + c)]; }

 private:
  Index size_;
  std::array<double, size_t(most_tiny* most_tiny)> values_ = {};
};

inline double dot(const TinyVector& a, const TinyVector& b) {
  double sum = 0.0;
  for (Index r = 0; r < a.size(); ++r) sum += a[r] * b[r];
  return sum;
}

inline TinyVector operator*(const TinyMatrix& a, const TinyVector& x) {
  TinyVector result(a.size());
  for (Index r = 0; r < a.size(); ++r) {
    for (Index c = 0; c < a.size(); ++c) result[r] += a(r, c) * x[c];
  }
  return result;
}

inline TinyMatrix operator*(const TinyMatrix& a, const TinyMatrix& b) {
  TinyMatrix result(a.size());
  for (Index r = 0; r < a.size(); ++r) {
    for (Index k = 0; k < a.size(); ++k) {
      for (Index c = 0; c < a.size(); ++c) result(r, c) += a(r, k) * b(k, c);
    }
  }
  return result;
}

inline TinyMatrix diagonal_matrix(const TinyVector& diagonal) {
  TinyMatrix result(diagonal.size());
  for (Index r = 0; r < diagonal.size(); ++r) result(r, r) = diagonal[r];
  return result;
}

// The lower triangular L with L L' = a, of whose symmetric entries the lower ones are read. Not
// finite where there is none.
inline TinyMatrix lower_root(const TinyMatrix& a) {
  TinyMatrix root(a.size());
  for (Index c = 0; c < a.size(); ++c) {
    for (Index r = c; r < a.size(); ++r) {
      double rest = a(r, c);
      for (Index k = 0; k < c; ++k) rest -= root(r, k) * root(c, k);
      root(r, c) = r == c ? std::sqrt(rest) : rest / root(c, c);
    }
  }
  return root;
}

// (L L')^-1
inline TinyMatrix inverse_of_square(const TinyMatrix& root) {
  const Index m = root.size();
  TinyMatrix inverse(m), result(m);
  for (Index c = 0; c < m; ++c) {
    inverse(c, c) = 1.0 / root(c, c);
    for (Index r = c + 1; r < m; ++r) {
      double sum = 0.0;
      for (Index k = c; k < r; ++k) sum -= root(r, k) * inverse(k, c);
      inverse(r, c) = sum / root(r, r);
    }
  }
  for (Index r = 0; r < m; ++r) {
    for (Index c = 0; c < m; ++c) {
      for (Index k = std::max(r, c); k < m; ++k) result(r, c) += inverse(k, r) * inverse(k, c);
    }
  }
  return result;
}

inline bool is_finite(const TinyMatrix& a) {
  for (Index r = 0; r < a.size(); ++r) {
    for (Index c = 0; c < a.size(); ++c) {
      if (!std::isfinite(a(r, c))) return false;
    }
  }
  return true;
}

}  // namespace mixed_glm
