// Many responses of one design, one in each column, with what belongs to their rows. Nothing is
// copied: the arrays are viewed.
#pragma once

#include <mixed_glm/typedefs.hpp>
#include <stdexcept>
#include <string>

namespace mixed_glm {

struct ResponseBatch {
  ConstMatrixRef endog;    // n x m
  ConstMatrixRef trials;   // n x m, or n x 1 for all; ignored unless binomial
  ConstMatrixRef offset;   // n x m, or n x 1 for all, or empty
  ConstVectorRef weights;  // n, how often each row counts
  Matrix shift = {};       // m x 1, added to the offset of each response in all rows; ordinal: m x
                           // (C - 1), origins of the thresholds; or empty

  Index size() const { return endog.cols(); }  // m

  // Throws std::invalid_argument for arrays that do not fit n rows and m responses. shifts: how
  // many each has.
  void check(Index rows, Index shifts = 1) const {
    check_shape("endog", endog, rows);
    check_shape("trials", trials, rows);
    if (offset.size() > 0) check_shape("offset", offset, rows);
    if (shift.size() > 0 && (shift.rows() != size() || shift.cols() != shifts)) {
      throw std::invalid_argument(
          "shift: expected shape (" + std::to_string(size()) + ", " + std::to_string(shifts) +
          "), got (" + std::to_string(shift.rows()) + ", " + std::to_string(shift.cols()) + ")");
    }
    if (weights.size() != rows) {
      throw std::invalid_argument("weights: expected length " + std::to_string(rows) + ", got " +
                                  std::to_string(weights.size()));
    }
  }

  // Column j, or the one column that all share.
  static auto column(const ConstMatrixRef& values, Index j) {
    return values.col(values.cols() == 1 ? 0 : j);
  }

 private:
  void check_shape(const char* name, const ConstMatrixRef& values, Index rows) const {
    if (values.rows() == rows && (values.cols() == size() || values.cols() == 1)) return;
    throw std::invalid_argument(std::string(name) + ": expected shape (" + std::to_string(rows) +
                                ", " + std::to_string(size()) + "), got (" +
                                std::to_string(values.rows()) + ", " +
                                std::to_string(values.cols()) + ")");
  }
};

}  // namespace mixed_glm
