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

// Derivatives in the family's hyperparameter phi (shape.hpp) of a row's value, d1 and d2.
struct ShapeSlopes {
  double value;
  double d1;
  double d2;
  double information;  // about minus the second derivative of the value; not negative
};

// A function of phi, and its derivative.
struct ShapeTerm {
  double value;
  double slope;
};

}  // namespace mixed_glm
