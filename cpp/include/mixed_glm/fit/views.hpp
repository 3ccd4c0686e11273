// Arrays of the caller's, viewed and never copied: a pointer with a length, a std::vector, an Eigen
// vector or map. What cannot be viewed without a copy (a row-major or strided matrix, a temporary)
// does not convert.
#pragma once

#include <mixed_glm/typedefs.hpp>
#include <vector>

namespace mixed_glm {

// Consecutive numbers. Empty: not given.
template <class Scalar>
class ArrayView {
 public:
  using EigenVector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

  ArrayView() = default;
  ArrayView(const Scalar* data, Index size) : data_(data), size_(size) {}
  // NOLINTBEGIN(google-explicit-constructor): a view stands for what it views
  ArrayView(const std::vector<Scalar>& v) : data_(v.data()), size_(Index(v.size())) {}
  ArrayView(const EigenVector& v) : data_(v.data()), size_(v.size()) {}
  ArrayView(const Eigen::Map<const EigenVector>& v) : data_(v.data()), size_(v.size()) {}
  ArrayView(const Eigen::Map<EigenVector>& v) : data_(v.data()), size_(v.size()) {}
  // NOLINTEND(google-explicit-constructor)
  ArrayView(std::vector<Scalar>&&) = delete;
  ArrayView(EigenVector&&) = delete;

  const Scalar* data() const { return data_; }
  Index size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Scalar& operator[](Index i) const { return data_[i]; }
  Eigen::Map<const EigenVector> map() const { return {data_, size_}; }

 private:
  const Scalar* data_ = nullptr;
  Index size_ = 0;
};

using VectorView = ArrayView<double>;
using CodeView = ArrayView<Code>;

// Columns of doubles, `stride` apart (Fortran order).
class MatrixView {
 public:
  using Strided = Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>;

  MatrixView() = default;
  MatrixView(const double* data, Index rows, Index cols) : MatrixView(data, rows, cols, rows) {}
  MatrixView(const double* data, Index rows, Index cols, Index stride)
      : data_(data), rows_(rows), cols_(cols), stride_(stride) {}
  // NOLINTBEGIN(google-explicit-constructor)
  MatrixView(const Matrix& m) : MatrixView(m.data(), m.rows(), m.cols()) {}
  MatrixView(const Eigen::Map<const Matrix>& m) : MatrixView(m.data(), m.rows(), m.cols()) {}
  MatrixView(const Eigen::Map<Matrix>& m) : MatrixView(m.data(), m.rows(), m.cols()) {}
  MatrixView(const Strided& m) : MatrixView(m.data(), m.rows(), m.cols(), m.outerStride()) {}
  // NOLINTEND(google-explicit-constructor)
  MatrixView(Matrix&&) = delete;

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Strided map() const { return {data_, rows_, cols_, Eigen::OuterStride<>(stride_)}; }

 private:
  const double* data_ = nullptr;
  Index rows_ = 0, cols_ = 0, stride_ = 0;
};

}  // namespace mixed_glm
