// Conjugate gradients (Hestenes and Stiefel 1952) for M right-hand sides at once, each with its own
// step lengths, and the tridiagonal matrices of Lanczos that these leave behind.
#pragma once

#include <algorithm>
#include <cmath>
#include <mixed_glm/linalg/scaled_schur.hpp>
#include <mixed_glm/linalg/symmetric_eigen.hpp>

namespace mixed_glm {

// Of one right-hand side b, solved for from zero: with Q an orthonormal basis of Krylov's space,
// Q' S~ Q = T is tridiagonal, and b = |b| Q e_1.
struct LanczosSteps {
  std::vector<double> length, ratio;  // of the steps; of successive squared residuals
  double start = 0.0;                 // |b|^2

  SymmetricEigen eigen() const {
    const auto k = Index(length.size());
    Matrix t = Matrix::Zero(k, k);
    for (Index i = 0; i < k; ++i) {
      const auto s = size_t(i);
      t(i, i) = 1.0 / length[s] + (i > 0 ? ratio[s - 1] / length[s - 1] : 0.0);
      if (i + 1 < k) t(i, i + 1) = t(i + 1, i) = std::sqrt(ratio[s]) / length[s];
    }
    return SymmetricEigen(t);
  }

  // b' f(S~) b
  template <class F>
  double quadrature(F&& f) const {
    if (length.empty()) return 0.0;
    const SymmetricEigen t = eigen();
    double sum = 0.0;
    for (Index i = 0; i < t.values().size(); ++i) {
      sum += t.vectors()(0, i) * t.vectors()(0, i) * f(t.values()[i]);
    }
    return start * sum;
  }
};

struct NoProjection {
  template <class T>
  void operator()(std::vector<T>&) const {}
};

template <int M, class T>
class BlockCG {
 public:
  static constexpr int most_iterations = 500;

  // For S~, or for P S~ P with a projection P. Viewed.
  BlockCG(const ScaledSchur<T>& schur, Index eliminated)
      : schur_(&schur),
        residual_(size_t(schur.levels() * M)),
        direction_(residual_.size()),
        product_(residual_.size()),
        work_(size_t(eliminated * M)) {}

  // x, the start, becomes the solution for each of the columns of b, to |residual| <= tolerance
  // |b|. each(iteration, residual, product) sees every step before it is taken. False where it does
  // not converge.
  template <class Project, class Each>
  bool solve(const std::vector<T>& b, std::vector<T>& x, double tolerance, bool from_zero,
             Project&& project, Each&& each) {
    begin(b, x, from_zero, project);
    const Numbers size = dot_products<M>(team(), b, b);
    Numbers goal, square = dot_products<M>(team(), residual_, residual_);
    steps_.assign(M, {});
    for (size_t c = 0; c < M; ++c) {
      steps_[c].start = square[c];
      goal[c] = tolerance * tolerance * size[c];
    }
    const auto is_active = [&](size_t c) { return square[c] > goal[c]; };
    for (int k = 0;; ++k) {
      bool any = false, sound = true;
      for (size_t c = 0; c < M; ++c) {
        any = any || is_active(c);
        sound = sound && std::isfinite(square[c]);
      }
      if (!sound) return false;
      if (!any) return true;
      if (k == most_iterations) return false;
      schur_->template apply<M>(direction_, product_, work_);
      project(product_);
      each(k, residual_, product_);
      if (!step(x, square, is_active)) return false;
    }
  }
  bool solve(const std::vector<T>& b, std::vector<T>& x, double tolerance, bool from_zero) {
    return solve(b, x, tolerance, from_zero, NoProjection(),
                 [](int, const std::vector<T>&, const std::vector<T>&) {});
  }

  // What the last solution left behind, of each column; only of one that began at zero.
  const std::vector<LanczosSteps>& steps() const { return steps_; }

 private:
  using Numbers = std::array<double, M>;
  using Factors = std::array<T, M>;

  Team* team() const { return schur_->team(); }

  template <class Project>
  void begin(const std::vector<T>& b, std::vector<T>& x, bool from_zero, Project&& project) {
    residual_ = b;
    if (from_zero) {
      std::fill(x.begin(), x.end(), T(0));
    } else {
      schur_->template apply<M>(x, product_, work_);
      project(product_);
      for (size_t e = 0; e < b.size(); ++e) residual_[e] -= product_[e];
    }
    direction_ = residual_;
  }

  // False where S~ is not positive definite along a direction.
  template <class IsActive>
  bool step(std::vector<T>& x, Numbers& square, IsActive&& is_active) {
    const Numbers curvature = dot_products<M>(team(), direction_, product_);
    std::array<bool, M> active;
    Factors length, ratio;
    for (size_t c = 0; c < M; ++c) {
      active[c] = is_active(c);
      if (active[c] && !(curvature[c] > 0.0)) return false;
      length[c] = active[c] ? T(square[c] / curvature[c]) : T(0);
      if (active[c]) steps_[c].length.push_back(square[c] / curvature[c]);
    }
    update(length, direction_, x);
    for (T& factor : length) factor = -factor;
    update(length, product_, residual_);
    const Numbers next = dot_products<M>(team(), residual_, residual_);
    for (size_t c = 0; c < M; ++c) {
      ratio[c] = active[c] ? T(next[c] / square[c]) : T(0);
      if (!active[c]) continue;
      steps_[c].ratio.push_back(next[c] / square[c]);
      square[c] = next[c];
    }
    turn(ratio);
    return true;
  }

  // to += factor from, column by column.
  void update(const Factors& factor, const std::vector<T>& from, std::vector<T>& to) const {
    for_levels(team(), schur_->levels(), [&](Index first, Index last) {
      const T* const MIXED_GLM_RESTRICT x = from.data();
      T* const MIXED_GLM_RESTRICT y = to.data();
      for (Index j = first; j < last; ++j) {
        for (int c = 0; c < M; ++c) y[j * M + c] += factor[size_t(c)] * x[j * M + c];
      }
    });
  }
  // The next direction.
  void turn(const Factors& ratio) {
    for_levels(team(), schur_->levels(), [&](Index first, Index last) {
      const T* const MIXED_GLM_RESTRICT r = residual_.data();
      T* const MIXED_GLM_RESTRICT d = direction_.data();
      for (Index j = first; j < last; ++j) {
        for (int c = 0; c < M; ++c) d[j * M + c] = r[j * M + c] + ratio[size_t(c)] * d[j * M + c];
      }
    });
  }

  const ScaledSchur<T>* schur_;
  std::vector<T> residual_, direction_, product_, work_;
  std::vector<LanczosSteps> steps_;
};

}  // namespace mixed_glm
