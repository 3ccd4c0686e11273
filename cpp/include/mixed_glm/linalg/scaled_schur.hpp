// What remains of H when one factor is eliminated (crossed_blocks.hpp), in units in which its
// diagonal is one:
//
//     S = D_r + R - B' D_0^-1 B      D_S = diag S
//     S~ = D_S^-1/2 S D_S^-1/2 = I - E      B~ = D_0^-1/2 B D_S^-1/2
//     S~ v = (D_r / D_S) v + R~ v - B~' (B~ v)
//
// S~ itself is never formed. T: what the values are stored and multiplied in.
#pragma once

#include <cmath>
#include <mixed_glm/linalg/crossed_blocks.hpp>
#include <mixed_glm/linalg/level_blocks.hpp>

namespace mixed_glm {

// Diagonals of H and of S, and their roots.
struct SchurScale {
  Vector eliminated, rest;  // D_0, D_S
  Vector eliminated_root, rest_root;

  // False where H is not positive definite.
  bool set(const CrossedBlocks& blocks, const double* values, Team* team) {
    const Index q = blocks.eliminated();
    eliminated = Eigen::Map<const Vector>(values, q);
    rest = Eigen::Map<const Vector>(values + q, blocks.rest());
    if (!is_positive(eliminated)) return false;
    const Couplings& of_rest = blocks.of_rest();
    for_levels(team, blocks.rest(), [&](Index first, Index last) {
      for (Index j = first; j < last; ++j) {
        double sum = 0.0;
        for (Index e = of_rest.begin(j); e < of_rest.end(j); ++e) {
          const double b = values[of_rest.position(e)];
          sum += b * b / eliminated[of_rest.other()[e]];
        }
        rest[j] -= sum;
      }
    });
    if (!is_positive(rest)) return false;
    eliminated_root = eliminated.cwiseSqrt();
    rest_root = rest.cwiseSqrt();
    return true;
  }

 private:
  static bool is_positive(const Vector& diagonal) {
    return diagonal.allFinite() && (diagonal.array() > 0.0).all();
  }
};

template <class T>
class ScaledSchur {
 public:
  // Both are viewed.
  ScaledSchur(const CrossedBlocks& blocks, Team* team)
      : blocks_(&blocks),
        team_(team),
        by_row_(size_t(blocks.of_eliminated().size())),
        by_column_(by_row_.size()),
        among_(size_t(blocks.among_rest().size())),
        diagonal_(size_t(blocks.rest())) {}

  Index levels() const { return blocks_->rest(); }
  Team* team() const { return team_; }

  void set(const SchurScale& scale, const double* values) {
    fill(blocks_->of_eliminated(), blocks_->eliminated(), scale.eliminated_root, scale.rest_root,
         values, by_row_);
    fill(blocks_->of_rest(), blocks_->rest(), scale.rest_root, scale.eliminated_root, values,
         by_column_);
    fill(blocks_->among_rest(), blocks_->rest(), scale.rest_root, scale.rest_root, values, among_);
    const double* const diagonal = values + blocks_->eliminated();
    for (Index j = 0; j < levels(); ++j) diagonal_[size_t(j)] = T(diagonal[j] / scale.rest[j]);
  }

  // product = S~ v, M vectors at once; work: becomes B~ v.
  template <int M>
  void apply(const std::vector<T>& v, std::vector<T>& product, std::vector<T>& work) const {
    const Couplings& rows = blocks_->of_eliminated();
    for_levels(team_, blocks_->eliminated(), [&](Index first, Index last) {
      gather<M>(rows, by_row_.data(), v.data(), first, last, work.data());
    });
    const bool has_pairs = !among_.empty();
    for_levels(team_, levels(), [&](Index first, Index last) {
      gather<M>(blocks_->of_rest(), by_column_.data(), work.data(), first, last, product.data());
      for (Index j = first; j < last; ++j) {
        const T* const own = v.data() + j * M;
        T* const to = product.data() + j * M;
        for (int c = 0; c < M; ++c) to[c] = diagonal_[size_t(j)] * own[c] - to[c];
        if (has_pairs) add_pairs<M>(j, v.data(), to);
      }
    });
  }

 private:
  void fill(const Couplings& couplings, Index count, const Vector& own_root,
            const Vector& other_root, const double* values, std::vector<T>& to) const {
    if (couplings.size() == 0) return;
    for_levels(team_, count, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        for (Index e = couplings.begin(i); e < couplings.end(i); ++e) {
          to[size_t(e)] =
              T(values[couplings.position(e)] / (own_root[i] * other_root[couplings.other()[e]]));
        }
      }
    });
  }

  template <int M>
  static void gather(const Couplings& couplings, const T* MIXED_GLM_RESTRICT values,
                     const T* MIXED_GLM_RESTRICT from, Index first, Index last,
                     T* MIXED_GLM_RESTRICT to) {
    using Numbers =
        Eigen::Array<T, M, 1>;  // of plain loops over M, compilers vectorize the wrong one
    const Code* const other = couplings.other();
    for (Index i = first; i < last; ++i) {
      Numbers sum = Numbers::Zero();
      for (Index e = couplings.begin(i), end = couplings.end(i); e < end; ++e) {
        sum += values[e] * Eigen::Map<const Numbers>(from + Index(other[e]) * M);
      }
      Eigen::Map<Numbers>(to + i * M) = sum;
    }
  }

  template <int M>
  void add_pairs(Index j, const T* v, T* to) const {
    const Couplings& pairs = blocks_->among_rest();
    for (Index e = pairs.begin(j); e < pairs.end(j); ++e) {
      const T* const other = v + Index(pairs.other()[e]) * M;
      for (int c = 0; c < M; ++c) to[c] += among_[size_t(e)] * other[c];
    }
  }

  const CrossedBlocks* blocks_;
  Team* team_;
  std::vector<T> by_row_, by_column_, among_, diagonal_;  // B~ twice, R~, D_r / D_S
};

}  // namespace mixed_glm
