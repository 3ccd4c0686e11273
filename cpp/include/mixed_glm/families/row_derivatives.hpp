// What a likelihood kernel says about one row.
#pragma once

namespace mixed_glm {

// log p(y | eta) without its constant, and its first three derivatives in eta.
struct RowDerivatives {
  double value;
  double d1;
  double d2;
  double d3;
};

// A row of the response as its kernel sees it: log p(y | eta) = value(eta, a, b) + constant.
// The row's weight is folded into all three.
struct RowCode {
  double a;
  double b;
  double constant;
};

}  // namespace mixed_glm
