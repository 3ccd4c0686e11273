// The vocabulary of the library: index, vector and matrix types, and the size of a block of rows.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <limits>

namespace mixed_glm {

using Index = Eigen::Index;
using Code = std::int32_t;  // number of a random effect in a row's list of entries

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

using VectorRef = Eigen::Ref<Vector>;
using ConstVectorRef = Eigen::Ref<const Vector>;
using MatrixRef = Eigen::Ref<Matrix>;  // column-major with any distance between columns
// Column-major with any distance between columns: a Fortran-ordered array is used as it lies.
using ConstMatrixRef = Eigen::Ref<const Matrix, 0, Eigen::OuterStride<>>;

// Rows are visited in blocks that stay in the first-level cache through all steps of a pass. The
// size is part of the numerical result (order of summation), so it never depends on the machine.
constexpr Index row_block_size = 256;

constexpr double log_two_pi = 1.8378770664093454836;

}  // namespace mixed_glm
