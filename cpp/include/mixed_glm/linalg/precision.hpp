// A precision matrix H of the coefficients: filled on a bordered pattern, factorized, solved with,
// drawn from. Entries of its inverse: selected_inverse.hpp. On a filled pattern that is Cholesky's
// factor (bordered_cholesky.hpp); on an unfilled one, of crossed factors with many levels,
// conjugate gradients and probes (krylov_factor.hpp), for which the exact factor stands in, if it
// can, from the first matrix on for which they do not converge.
#pragma once

#include <limits>
#include <memory>
#include <mixed_glm/linalg/filled_copy.hpp>
#include <mixed_glm/linalg/krylov_draws.hpp>
#include <mixed_glm/linalg/krylov_inverse.hpp>
#include <optional>
#include <utility>

namespace mixed_glm {

class Precision {
 public:
  // The team, if there is one, is viewed.
  explicit Precision(const BorderedPattern& pattern, Team* team = nullptr)
      : pattern_(&pattern), team_(team) {
    if (pattern.is_filled()) {
      exact_.emplace(pattern, team);
    } else {
      krylov_ = std::make_unique<KrylovFactor>(pattern, team);
    }
  }

  const BorderedPattern& pattern() const { return *pattern_; }
  double* values() { return exact_ ? exact_->values() : krylov_->values(); }
  const double* values() const { return exact_ ? exact_->values() : krylov_->values(); }
  void set_zero() { std::fill_n(values(), pattern_->size(), 0.0); }
  // H's, before it is factorized.
  void scale_diagonal(double factor) {
    const Index size = pattern_->effects() + pattern_->border();
    for (Index j = 0; j < size; ++j) values()[pattern_->diagonal_position(j)] *= factor;
  }

  // False if H is not positive definite in floating point; the values are then meaningless.
  bool factorize() {
    if (exact_) return exact_->factorize();
    if (filled_) return filled_->factorize(krylov_->values());
    return krylov_->factorize();
  }
  // Where H turns out not to be positive definite only now, what follows is NaN.
  double log_determinant() const {
    if (!refine()) return std::numeric_limits<double>::quiet_NaN();
    const BorderedCholesky* const factor = at_hand();
    return factor != nullptr ? factor->log_determinant() : krylov_->log_determinant();
  }
  double log_determinant_error() const {  // Monte Carlo's; zero where it is exact
    return refine() && at_hand() == nullptr ? krylov_->log_determinant_error() : 0.0;
  }
  // x <- H^-1 x: the effects by elimination number, then the border. A vector, or a row-major
  // matrix with one column for each right-hand side; one thread at a time. tolerance: of conjugate
  // gradients.
  template <class X>
  void solve_in_place(X&& x, double tolerance = KrylovFactor::solution_tolerance) const {
    if (at_hand() != nullptr) return at_hand()->solve_in_place(x);
    for (Index c = 0; c < x.cols(); ++c) {
      Vector column = x.col(c);
      if (krylov_->solve(column, tolerance)) {
        x.col(c) = column;
        continue;
      }
      RowMatrix rest = x.rightCols(x.cols() - c);
      if (fall_back()) {
        at_hand()->solve_in_place(rest);
      } else {
        rest.setConstant(std::numeric_limits<double>::quiet_NaN());
      }
      x.rightCols(rest.cols()) = rest;
      return;
    }
  }
  // z, standard normal, becomes x = L'^-1 z with H = L L', of covariance H^-1.
  template <class X>
  void spread(X&& z) const {
    if (refine() && at_hand() == nullptr) {
      RowMatrix draws = z;
      if (KrylovDraws(*krylov_).spread(draws)) {
        z = std::move(draws);
        return;
      }
      fall_back();
    }
    if (at_hand() != nullptr) {
      at_hand()->solve_upper(z);
    } else {
      z.setConstant(std::numeric_limits<double>::quiet_NaN());
    }
  }
  // Lower triangular: the border's marginal precision is its product with its transpose.
  Matrix border_factor() const {
    const Index p = pattern_->border();
    refine();
    if (const BorderedCholesky* factor = at_hand()) {
      return factor->dense_factor().bottomRightCorner(p, p).triangularView<Eigen::Lower>();
    }
    return krylov_->border_factor().bottomRightCorner(p, p);
  }
  // The entries of the inverse, on an unfilled pattern.
  MonteCarloErrors invert(PatternValues& sigma) const {
    if (!refine()) {
      std::fill_n(sigma.values(), pattern_->size(), std::numeric_limits<double>::quiet_NaN());
      return {};
    }
    if (filled_) {
      filled_->invert(sigma);
      return {};
    }
    KrylovInverse inverse(*krylov_, sigma);
    inverse.compute();
    return inverse.errors();
  }

  // Of many probes, what they know more here than the first ones, which are enough from now on.
  void anchor() {
    if (!krylov_ || filled_ || krylov_->probe_blocks() == 1 || !krylov_->refine()) return;
    PatternValues sigma(*pattern_);
    krylov_->set_anchor(KrylovInverse(*krylov_, sigma).anchor());
  }

  // Null: there is none, H is not filled.
  const BorderedCholesky* exact() const { return exact_ ? &*exact_ : nullptr; }

  // Forgets what the next solutions would begin with: they are what they are in an object made
  // anew.
  void forget() {
    filled_.reset();
    if (krylov_) krylov_->forget();
  }
  // Probes, 0 where none are needed, of this matrix and those that follow.
  Index probes() const {
    return exact_ || filled_ ? 0 : krylov_->probe_blocks() * SchurProbes::together;
  }
  void set_probes(Index count) {
    if (krylov_)
      krylov_->set_probe_blocks((count + SchurProbes::together - 1) / SchurProbes::together);
  }
  // Whether the exact factor had to stand in.
  bool fell_back() const { return filled_ != nullptr; }

 private:
  // Null: conjugate gradients are at work.
  const BorderedCholesky* at_hand() const {
    return exact_ ? &*exact_ : filled_ ? &filled_->factor() : nullptr;
  }
  // False where there is nothing that could be refined.
  bool refine() const { return at_hand() != nullptr || krylov_->refine() || fall_back(); }

  // False where H is not positive definite; the next one is for conjugate gradients again.
  bool fall_back() const {
    filled_ = std::make_unique<FilledCopy>(*pattern_, team_);
    if (!filled_->factorize(krylov_->values())) filled_.reset();
    return filled_ != nullptr;
  }

  const BorderedPattern* pattern_;
  Team* team_;
  std::optional<BorderedCholesky> exact_;
  std::unique_ptr<KrylovFactor> krylov_;
  mutable std::unique_ptr<FilledCopy> filled_;
};

}  // namespace mixed_glm
