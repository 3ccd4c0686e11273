// Another size for a matrix or array whose content need not be kept.
//
// Eigen's own resize() frees the memory before it asks for more, and keeps the pointer if that
// fails: the destructor then frees it again. A matrix that is empty at that moment has none to
// free.
#pragma once

#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

template <class MatrixType>
void resize_buffer(MatrixType& matrix, Index rows, Index cols) {
  if (matrix.rows() == rows && matrix.cols() == cols) return;
  MatrixType().swap(matrix);
  matrix.resize(rows, cols);
}

}  // namespace mixed_glm
