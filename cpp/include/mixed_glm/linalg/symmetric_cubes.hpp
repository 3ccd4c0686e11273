// Sums of cubes of vectors, sum_i w_i c_i (x) c_i (x) c_i: symmetric p x p x p arrays, as matrices
// of p rows in which column b p + c holds the entries (., b, c).
#pragma once

#include <mixed_glm/linalg/column_products.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/resize_buffer.hpp>

namespace mixed_glm {

class SymmetricCubes {
 public:
  explicit SymmetricCubes(Index size) : size_(size), sums_(Matrix::Zero(size, size * size)) {}

  Index size() const { return size_; }
  void set_zero() { sums_.setZero(); }
  SymmetricCubes& operator+=(const SymmetricCubes& other) {
    sums_ += other.sums_;
    return *this;
  }

  // rows: m x p, one vector each; weights: m. Only entries a >= b >= c are summed.
  MIXED_GLM_NOINLINE void add(ConstVectorRef weights, ConstMatrixRef rows) {
    resize_buffer(weighted_, rows.rows(), 1);
    resize_buffer(products_, rows.rows(), 1);
    for (Index b = 0; b < size_; ++b) {
      weighted_ = weights.cwiseProduct(rows.col(b));
      for (Index c = 0; c <= b; ++c) {
        products_ = weighted_.cwiseProduct(rows.col(c));
        add_products(b, c, products_.data(), rows);
      }
    }
  }
  // The same step by step, for all b >= c; products: the weights times the rows' numbers b and c.
  void add_products(Index b, Index c, const double* products, const ConstMatrixRef& rows) {
    add_column_products(products, rows.rightCols(size_ - b), &sums_(b, b * size_ + c));
  }

  // All entries.
  Matrix whole() const {
    Matrix all(size_, size_ * size_);
    const auto at = [&](Index a, Index b, Index c) -> double& { return all(a, b * size_ + c); };
    for (Index b = 0; b < size_; ++b) {
      for (Index c = 0; c <= b; ++c) {
        for (Index a = b; a < size_; ++a) {
          const double sum = sums_(a, b * size_ + c);
          at(a, b, c) = at(a, c, b) = at(b, a, c) = at(b, c, a) = at(c, a, b) = at(c, b, a) = sum;
        }
      }
    }
    return all;
  }

 private:
  Index size_;
  Matrix sums_;
  Vector weighted_, products_;
};

// Adds sum_i { w_i alpha_i (x) alpha_i (x) alpha_i + alpha_i (x) alpha_i (x) r_i in its three
// orders }, the latter as half of (alpha + r)^3 - (alpha - r)^3, less r^3.
inline void add_mixed_cubes(ConstVectorRef weights, ConstMatrixRef alpha, ConstMatrixRef mixed,
                            SymmetricCubes& cubes) {
  const Vector ones = Vector::Ones(weights.size());
  cubes.add(weights, alpha);
  cubes.add(0.5 * ones, Matrix(alpha + mixed));
  cubes.add(-0.5 * ones, Matrix(alpha - mixed));
  cubes.add(-ones, mixed);
}

// The same in other coordinates, into which root' leads: sum_i w_i (root' c_i) (x) ...
inline Matrix transform_cubes(const Matrix& cubes, const Matrix& root) {
  const Index p = cubes.rows(), k = root.cols();
  Matrix slabs(k * k, p);
  for (Index b = 0; b < p; ++b) {
    const Matrix slab = root.transpose() * cubes.middleCols(b * p, p) * root;
    slabs.col(b) = Eigen::Map<const Vector>(slab.data(), slab.size());
  }
  const Matrix turned = slabs * root;  // (a, c) x b
  Matrix result(k, k * k);
  for (Index b = 0; b < k; ++b) {
    result.middleCols(b * k, k) = Eigen::Map<const Matrix>(turned.col(b).data(), k, k);
  }
  return result;
}

}  // namespace mixed_glm
