// Random sparse designs of the shapes that mixed models have.
#pragma once

#include <algorithm>
#include <mixed_glm/model/design.hpp>
#include <random>
#include <string>
#include <vector>

namespace test_support {

using mixed_glm::Code;
using mixed_glm::Index;
using mixed_glm::Matrix;
using mixed_glm::SparseRows;
using mixed_glm::Vector;

enum class Shape {
  one_factor,
  nested,
  crossed,
  slopes,
  empty_columns,
  hub,
  same_rows,
  ragged,
  three_factors,
  scaled,      // one factor with entries other than 1, beside one that touches some rows only
  few_groups,  // many rows a group
};

inline const std::vector<Shape>& all_shapes() {
  static const std::vector<Shape> shapes = {
      Shape::one_factor,    Shape::nested,    Shape::crossed,       Shape::slopes,
      Shape::hub,           Shape::same_rows, Shape::empty_columns, Shape::ragged,
      Shape::three_factors, Shape::scaled,    Shape::few_groups};
  return shapes;
}

struct RandomDesign {
  Matrix x;  // n x p
  Matrix z;  // n x q, dense
  std::vector<Code> ident;
  Index components = 1;
  Vector offset;

  SparseRows sparse_rows() const {
    std::vector<std::int64_t> indptr = {0};
    std::vector<Code> indices;
    std::vector<double> data;
    for (Index i = 0; i < z.rows(); ++i) {
      for (Index j = 0; j < z.cols(); ++j) {
        if (z(i, j) == 0.0) continue;
        indices.push_back(static_cast<Code>(j));
        data.push_back(z(i, j));
      }
      indptr.push_back(static_cast<std::int64_t>(indices.size()));
    }
    return {z.rows(), z.cols(), indptr.data(), indices.data(), data.data()};
  }

  // The design views x of this object.
  mixed_glm::Design design(
      mixed_glm::Factorization factorization = mixed_glm::Factorization::automatic) const {
    return {x, sparse_rows(), ident, components, {}, factorization};
  }

  // [Z X], rows and effects in the order in which the design keeps them.
  Matrix columns(const mixed_glm::Design& design) const {
    Matrix a(design.rows(), design.coefficients());
    for (Index k = 0; k < design.effects(); ++k) {
      a.col(k) = design.to_design_rows(z.col(design.user_effect(k)));
    }
    for (Index k = 0; k < x.cols(); ++k) {
      a.col(design.effects() + k) = design.to_design_rows(x.col(k));
    }
    return a;
  }
};

class Random {
 public:
  explicit Random(unsigned seed) : generator_(seed) {}
  double normal() { return std::normal_distribution<>()(generator_); }
  double uniform() { return std::uniform_real_distribution<>()(generator_); }
  Index below(Index bound) {
    return std::uniform_int_distribution<Index>(0, bound - 1)(generator_);
  }
  Matrix normal_matrix(Index rows, Index cols) {
    return Matrix::NullaryExpr(rows, cols, [this] { return normal(); });
  }

 private:
  std::mt19937 generator_;
};

inline RandomDesign random_design(Shape shape, Index n, Index p, unsigned seed) {
  Random random(seed);
  RandomDesign d;
  d.x = random.normal_matrix(n, p);
  if (p > 0) d.x.col(0).setOnes();
  d.offset = 0.1 * random.normal_matrix(n, 1);
  const bool few = shape == Shape::few_groups;
  const Index a = few ? 2 : 3 + random.below(n / 3 + 1), b = 2 + random.below(n / 6 + 1);
  const bool two = shape != Shape::one_factor && shape != Shape::ragged && !few;
  const bool three = shape == Shape::three_factors;
  d.components = 1 + int(two) + int(three);
  d.z = Matrix::Zero(n, a + (two ? b : 0) + (three ? 3 : 0));
  d.ident.assign(size_t(d.z.cols()), 0);
  if (two) std::fill(d.ident.begin() + a, d.ident.end(), Code{1});
  if (three) std::fill(d.ident.begin() + a + b, d.ident.end(), Code{2});
  for (Index i = 0; i < n; ++i) {
    const Index g = shape == Shape::empty_columns ? random.below(a / 2 + 1) : random.below(a);
    d.z(i, g) = 1.0;
    switch (shape) {
      case Shape::one_factor:
        break;
      case Shape::nested:
        d.z(i, a + g % b) = 1.0;
        break;
      case Shape::crossed:
      case Shape::empty_columns:
        d.z(i, a + random.below(b)) = 1.0;
        break;
      case Shape::slopes:
        d.z(i, a + g % b) = random.normal();
        break;
      case Shape::hub:
        d.z(i, a) = 1.0;
        break;  // one column touches every row
      case Shape::same_rows:
        d.z(i, a + g % b) = d.z(i, g);
        break;
      case Shape::ragged:
        for (Index k = random.below(4); k > 0; --k) d.z(i, random.below(a)) = random.normal();
        if (random.uniform() < 0.2) d.z.row(i).setZero();
        break;
      case Shape::three_factors:
        d.z(i, a + random.below(b)) = 1.0;
        d.z(i, a + b + random.below(3)) = 1.0;
        break;
      case Shape::scaled:
        d.z(i, g) = 0.5 + random.uniform();
        if (random.uniform() < 0.3) d.z(i, g) = 0.0;
        if (random.uniform() < 0.7) d.z(i, a + g % b) = -1.0;
        break;
      case Shape::few_groups:
        break;
    }
  }
  return d;
}

}  // namespace test_support
