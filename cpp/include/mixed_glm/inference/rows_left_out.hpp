// What remains of log p(y, theta) where rows are left out, by a shorter way than to evaluate the
// marginal (marginal.hpp) anew.
#pragma once

#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

class RowsLeftOut {
 public:
  virtual ~RowsLeftOut() = default;

  // A point theta at which the marginal, with all rows, has been evaluated right now, or could not
  // be.
  virtual void add_point(const Vector& theta) = 0;
  virtual void skip_point() = 0;
  // After the model's rows, and the marginal's, have been replaced by those that remain.
  virtual void update_response() = 0;
  // log p(rest, theta) - log p(y, theta) at point k; NaN where the marginal has to be evaluated.
  virtual double log_ratio(Index k) = 0;
};

}  // namespace mixed_glm
