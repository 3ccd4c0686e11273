// Anderson's acceleration of a fixed-point iteration x <- g(x) (Anderson 1965; Walker and Ni 2011):
// with residuals f = g(x) - x and differences between iterates,
//
//     x <- g - dG gamma,     gamma = argmin |f - dF gamma|,
//
// which for a linear iteration is GMRES. The columns of dF are orthogonalized one by one, newest
// first, and the same is done to those of dG, so that the least squares are products.
#pragma once

#include <algorithm>
#include <mixed_glm/typedefs.hpp>
#include <vector>

namespace mixed_glm {

class Anderson {
 public:
  explicit Anderson(size_t depth = 3) : depth_(depth) {}

  void restart() { size_ = 0; }

  // Takes note of an iteration and returns the next x; false if all that is known is `image`.
  // The residual is in units in which its parts are comparable, always the same.
  bool extrapolate(const Vector& image, const Vector& residual, Vector& next) {
    const bool known = size_ > 0;
    next = image;
    if (known) {
      push(image - image_, residual - residual_);
      subtract_predicted(residual, next);
    }
    image_ = image;
    residual_ = residual;
    size_ = std::max<size_t>(size_, 1);
    return known && next.allFinite();
  }

 private:
  void push(const Vector& image_change, const Vector& residual_change) {
    if (changes_.size() < depth_) changes_.resize(depth_);
    std::rotate(changes_.begin(), changes_.end() - 1, changes_.end());
    changes_.front() = {image_change, residual_change};
    size_ = std::min(size_ + 1, depth_ + 1);
  }

  void subtract_predicted(const Vector& residual, Vector& next) {
    basis_ = changes_;
    for (size_t j = 0; j + 1 < size_; ++j) {
      Change& column = basis_[j];
      const double norm = column.residual.norm();
      for (size_t i = 0; i < j; ++i)
        column.add(-basis_[i].residual.dot(column.residual), basis_[i]);
      const double left = column.residual.norm();
      if (!(left > least_new_part * norm)) return;  // nothing new in this and in what is older
      column.scale(1.0 / left);
      next -= column.residual.dot(residual) * column.image;
    }
  }

  struct Change {
    Vector image, residual;
    void add(double factor, const Change& other) {
      image += factor * other.image;
      residual += factor * other.residual;
    }
    void scale(double factor) {
      image *= factor;
      residual *= factor;
    }
  };

  static constexpr double least_new_part = 1e-6;

  size_t depth_, size_ = 0;  // iterations known: one more than changes
  Vector image_, residual_;  // of the last iteration
  std::vector<Change> changes_, basis_;
};

}  // namespace mixed_glm
