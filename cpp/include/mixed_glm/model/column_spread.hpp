// What default priors and standardized columns are measured by: where each column of a design lies,
// and how far it spreads.
#pragma once

#include <cmath>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

constexpr double constant_share =
    1e-8;  // a column whose sd is a smaller one of its size is constant
constexpr double smallest_number = 1e-50;  // and what is smaller than this is zero

struct MeanAndSd {
  double mean, sd;
};

// Of values of which the i-th counts weights[i] times; where none counts, or there are no weights,
// all do alike. The values become their deviations from the mean. Vectors are the library's own:
// the order of a sum depends on where an array begins in memory.
inline MeanAndSd take_mean(Vector& values, const Vector& weights) {
  if (values.size() == 0) return {0.0, 0.0};
  const double total = weights.size() > 0 ? weights.sum() : 0.0;
  const bool equal = !(total > 0.0);
  const double mean = equal ? values.mean() : values.cwiseProduct(weights).sum() / total;
  values.array() -= mean;
  const double variance = equal ? values.squaredNorm() / double(values.size())
                                : values.cwiseAbs2().cwiseProduct(weights).sum() / total;
  return {mean, std::sqrt(variance)};
}

struct ColumnSpreads {
  Vector mean, sd, size;  // p each; size: the largest absolute value
  Index constant = -1;    // the first column that is the same number in all rows, not zero; or -1

  ColumnSpreads(const ConstMatrixRef& x, const Vector& weights)
      : mean(x.cols()), sd(x.cols()), size(x.cols()) {
    Vector column(x.rows());
    for (Index j = 0; j < x.cols(); ++j) {
      column = x.col(j);
      size[j] = column.size() > 0 ? column.cwiseAbs().maxCoeff() : 0.0;
      const MeanAndSd found = take_mean(column, weights);
      mean[j] = found.mean;
      sd[j] = found.sd;
      if (constant >= 0 || varies(j) || !(size[j] > smallest_number)) continue;
      // The rows that do not count are looked at, too.
      if (column.cwiseAbs().maxCoeff() <= 1e-6 * size[j]) constant = j;
    }
  }

  Index columns() const { return mean.size(); }
  bool varies(Index j) const {
    return sd[j] > std::fmax(constant_share * size[j], smallest_number);
  }
  // Standard deviation; of a column that does not vary its size, and 1 of zeros.
  double spread(Index j) const {
    if (varies(j)) return sd[j];
    return size[j] > smallest_number ? size[j] : 1.0;
  }
};

}  // namespace mixed_glm
