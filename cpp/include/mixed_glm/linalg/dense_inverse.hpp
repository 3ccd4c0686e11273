// Inverse of H = L L' from its dense Cholesky factor L, in place, by blocks so that nearly all work
// is matrix multiplication (LAPACK's potri): first L^-1, then L^-T L^-1.
//
//     [A 0; B C]^-1 = [A^-1 0; -C^-1 B A^-1 C^-1]
//     [A 0; B C]' [A 0; B C] = [A'A + B'B  .; C'B  C'C]
//
// Products are cut into pieces of fixed size, for any number of threads.
#pragma once

#include <mixed_glm/linalg/multiply.hpp>
#include <mixed_glm/parallel/for_each_piece.hpp>

namespace mixed_glm {

namespace detail {

// A lower triangle of which one block, B, lies below two smaller triangles, A and C.
class HalvedTriangle {
 public:
  static constexpr Index smallest = 48;  // is not halved any more

  HalvedTriangle(Eigen::Ref<Matrix> l, Team* team)
      : l_(l), team_(team), half_(l.rows() / 2), rest_(l.rows() - half_) {}

  auto a() { return l_.topLeftCorner(half_, half_); }
  auto b() { return l_.bottomLeftCorner(rest_, half_); }
  auto c() { return l_.bottomRightCorner(rest_, rest_); }

  // work(A, team), work(C, team): side by side where they are small, else one after the other, each
  // by the whole team.
  template <class Work>
  void for_halves(Work&& work) {
    if (rest_ > alone) {
      work(a(), team_);
      work(c(), team_);
      return;
    }
    for_each_piece(rest_ > 2 * smallest ? team_ : nullptr, 2, [&](int, Index k) {
      if (k == 0) {
        work(a(), nullptr);
      } else {
        work(c(), nullptr);
      }
    });
  }

  // work(first, count) for pieces of the rows or columns of B.
  template <class Work>
  void for_b_rows(Work&& work) {
    for_pieces(rest_, work);
  }
  template <class Work>
  void for_b_columns(Work&& work) {
    for_pieces(half_, work);
  }

 private:
  static constexpr Index alone = 300;  // a triangle up to this size is the work of one thread
  static constexpr Index piece = 144;

  template <class Work>
  void for_pieces(Index size, Work&& work) {
    const EqualPieces pieces(size, piece);
    for_each_piece(team_, pieces.count,
                   [&](int, Index k) { work(pieces.begin(k), pieces.length(k)); });
  }

  Eigen::Ref<Matrix> l_;
  Team* team_;
  Index half_, rest_;
};

inline void invert_lower(Eigen::Ref<Matrix> l, Team* team) {
  if (l.rows() <= HalvedTriangle::smallest) {
    Matrix inverse = Matrix::Identity(l.rows(), l.rows());
    l.triangularView<Eigen::Lower>().solveInPlace(inverse);
    l.triangularView<Eigen::Lower>() = inverse;
    return;
  }
  HalvedTriangle t(l, team);
  t.for_halves([](Eigen::Ref<Matrix> half, Team* own) { invert_lower(half, own); });
  Matrix product(t.b().rows(), t.b().cols());
  t.for_b_rows([&](Index first, Index count) {
    product.middleRows(first, count).noalias() =
        t.b().middleRows(first, count) * t.a().triangularView<Eigen::Lower>();
  });
  t.for_b_columns([&](Index first, Index count) {
    t.b().middleCols(first, count).noalias() =
        -(t.c().triangularView<Eigen::Lower>() * product.middleCols(first, count));
  });
}

// The lower triangle of L' L in the place of L.
inline void multiply_transposed_lower(Eigen::Ref<Matrix> l, Team* team) {
  if (l.rows() <= HalvedTriangle::smallest) {
    const Matrix lower = l.triangularView<Eigen::Lower>();
    l.triangularView<Eigen::Lower>().setZero();
    add_lower_ata(lower, l);
    return;
  }
  HalvedTriangle t(l, team);
  Matrix product(t.b().rows(), t.b().cols());
  t.for_b_columns([&](Index first, Index count) {
    product.middleCols(first, count).noalias() =
        t.c().transpose().triangularView<Eigen::Upper>() * t.b().middleCols(first, count);
  });
  t.for_halves([](Eigen::Ref<Matrix> half, Team* own) { multiply_transposed_lower(half, own); });
  t.for_b_columns([&](Index first, Index count) {
    const auto own = t.b().middleCols(first, count);
    const Index left = t.a().rows() - first - count;
    auto columns = t.a().middleCols(first, count);
    add_lower_ata(own, columns.middleRows(first, count));
    add_atb(t.b().rightCols(left), own, columns.bottomRows(left));
  });
  t.b() = product;
}

// Fills the upper triangle with the lower one.
inline void mirror_lower(Eigen::Ref<Matrix> a, Team* team) {
  const EqualPieces pieces(a.rows(), 64);
  for_each_piece(team, pieces.count, [&](int, Index k) {
    const Index begin = pieces.begin(k), end = begin + pieces.length(k);
    for (Index r = 0; r < end; ++r) {
      for (Index c = std::max(begin, r + 1); c < end; ++c) a(r, c) = a(c, r);
    }
  });
}

}  // namespace detail

// Lower triangle of `factor`: L; becomes H^-1, both triangles.
inline void invert_from_cholesky(Eigen::Ref<Matrix> factor, Team* team = nullptr) {
  detail::invert_lower(factor, team);
  detail::multiply_transposed_lower(factor, team);
  detail::mirror_lower(factor, team);
}

}  // namespace mixed_glm
