// Products of one small matrix with many vectors, one at a time: lanes are rows, and what a vector
// costs is a multiplication for each column.
#pragma once

#include <mixed_glm/math/lanes.hpp>
#include <vector>

namespace mixed_glm {

class SmallProduct {
 public:
  // A square matrix, which is copied.
  void set(const ConstMatrixRef& matrix) {
    size_ = matrix.rows();
    stride_ = (size_ + lane_count - 1) / lane_count * lane_count;
    columns_.assign(size_t(stride_ * matrix.cols()), 0.0);
    for (Index c = 0; c < matrix.cols(); ++c) {
      for (Index r = 0; r < size_; ++r) columns_[size_t(c * stride_ + r)] = matrix(r, c);
    }
  }

  // product = scale matrix vector; returns vector' product.
  double multiply(const double* vector, double scale, double* product) const {
    double form = 0.0;
    for (Index first = 0; first < size_; first += lane_count) {
      Lanes sum = 0.0;
      const double* column = columns_.data() + first;
      for (Index c = 0; c < size_; ++c, column += stride_) sum += vector[c] * load(column);
      double numbers[lane_count];
      store(numbers, scale * sum);
      const Index rows = std::min(lane_count, size_ - first);
      for (Index r = 0; r < rows; ++r) {
        product[first + r] = numbers[r];
        form += vector[first + r] * numbers[r];
      }
    }
    return form;
  }

 private:
  Index size_ = 0, stride_ = 0;
  std::vector<double> columns_;
};

}  // namespace mixed_glm
