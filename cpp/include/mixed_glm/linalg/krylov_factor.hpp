// H on an unfilled pattern (crossed_blocks.hpp): its factor with the most levels eliminated
// exactly, the rest S~ by conjugate gradients (block_cg.hpp), and the border b exactly given the
// rest, with F~ = D_S^-1/2 (H_rb - B' D_0^-1 H_0b) and V = S~^-1 F~,
//
//     S_b = (-V; 1)' [S~ F~; F~' H_bb - H_0b' D_0^-1 H_0b] (-V; 1)
//
// which is positive definite for any V, and whose error is of second order in that of V. For
// crossed factors S~ is the identity and little more, so that a solution takes a few iterations at
// any number of levels. Nothing of levels x levels is formed.
//
// Solutions are by conjugate gradients on (u_r, b), preconditioned by V, with which weights that
// have changed a little cost a few iterations only: V is solved for anew when the determinant is
// asked for, at a mode.
#pragma once

#include <mixed_glm/linalg/multiply.hpp>
#include <mixed_glm/linalg/probe_anchor.hpp>
#include <mixed_glm/linalg/schur_probes.hpp>

namespace mixed_glm {

class KrylovFactor {
 public:
  // Relative to the right-hand side, in the norm of the preconditioner.
  static constexpr double solution_tolerance = 1e-6;

  // The team, if there is one, is viewed.
  explicit KrylovFactor(const BorderedPattern& pattern, Team* team = nullptr)
      : pattern_(&pattern),
        team_(team),
        values_(size_t(pattern.size())),
        blocks_(pattern),
        schur_(blocks_, team),
        single_(blocks_, team),
        coarse_(blocks_),
        probes_(single_, blocks_.eliminated()),
        of_eliminated_(blocks_.border(), blocks_.eliminated()),
        of_rest_(blocks_.border(), blocks_.rest()),
        v_(Matrix::Zero(blocks_.border(), blocks_.rest())) {}
  KrylovFactor(const KrylovFactor&) = delete;  // members view others
  KrylovFactor& operator=(const KrylovFactor&) = delete;

  const BorderedPattern& pattern() const { return *pattern_; }
  const CrossedBlocks& blocks() const { return blocks_; }
  Team* team() const { return team_; }
  double* values() { return values_.data(); }
  const double* values() const { return values_.data(); }

  // Forgets the solutions that the next ones begin with.
  void forget() {
    started_ = false;
    v_.setZero();
    coarse_.forget();
    set_probe_blocks(1);
  }

  // False where H is seen not to be positive definite. H itself stays as it is.
  bool factorize() {
    refined_ = false;
    probes_.clear();
    if (!scale_.set(blocks_, values(), team_)) return false;
    schur_.set(scale_, values());
    load_border();
    coarse_.set_scale(scale_);
    if (!started_) started_ = solve_border(first_tolerance, false);
    return factorize_border();
  }

  // x <- H^-1 x, one right-hand side. False where it does not converge.
  bool solve(VectorRef x, double tolerance = solution_tolerance) const {
    const Index q = blocks_.eliminated(), r = blocks_.rest(), w = blocks_.border();
    auto x0 = x.head(q);
    x0.array() /= scale_.eliminated.array();
    Numbers right(size_t(r), 0.0), solution(size_t(r), 0.0);
    const Couplings& of_rest = blocks_.of_rest();
    for_levels(team_, r, [&](Index first, Index last) {
      for (Index j = first; j < last; ++j) {
        double sum = x[q + j];
        for (Index e = of_rest.begin(j); e < of_rest.end(j); ++e) {
          sum -= values_[size_t(of_rest.position(e))] * x0[of_rest.other()[e]];
        }
        right[size_t(j)] = sum / scale_.rest_root[j];
      }
    });
    Vector border = x.tail(w) - of_eliminated_ * x0;
    if (!solve_rest(right, border, tolerance, solution)) return false;
    for (Index j = 0; j < r; ++j) x[q + j] = solution[size_t(j)] / scale_.rest_root[j];
    x.tail(w) = border;
    substitute(x);
    return true;
  }

  // What determinant, inverse and draws need: V and the coarse space to a close tolerance, and the
  // probes. False where conjugate gradients do not converge.
  bool refine() {
    if (!refined_) {
      if (!solve_border(refined_tolerance, true) || !set_coarse() || !factorize_border()) {
        return false;
      }
      single_.set(scale_, values());
      refined_ = true;
    }
    while (probes_.blocks() < probe_blocks_) {
      if (!probes_.add(coarse_)) return false;
    }
    return true;
  }
  // Blocks of probes, for this matrix and those that follow.
  Index probe_blocks() const { return probe_blocks_; }
  void set_probe_blocks(Index count) {
    probe_blocks_ = count;
    anchor_ = {};
  }
  // From the next matrix on one block, and what the present ones know more.
  void set_anchor(ProbeAnchor anchor) {
    anchor.log_determinant = probes_.log_determinant() - probes_.log_determinant_of_first();
    anchor_ = std::move(anchor);
    probe_blocks_ = 1;
  }
  // Empty: there is none, or more than one block here.
  const ProbeAnchor& anchor() const { return probes_.blocks() > 1 ? no_anchor_ : anchor_; }

  // ---- after refine()

  double log_determinant() const {
    return 2.0 *
               (scale_.eliminated_root.array().log().sum() + scale_.rest_root.array().log().sum() +
                border_factor_.diagonal().array().log().sum()) +
           probes_.log_determinant() + anchor().log_determinant -
           coarse_.projected_diagonal().sum() - coarse_.log_determinant();
  }
  double log_determinant_error() const { return probes_.log_determinant_error(); }

  const SchurScale& scale() const { return scale_; }
  const ScaledSchur<double>& schur() const { return schur_; }
  const CoarseSpace& coarse() const { return coarse_; }
  const SchurProbes& probes() const { return probes_; }
  const Matrix& border_of_eliminated() const { return of_eliminated_; }  // H_0b', a column each
  const Matrix& v() const { return v_; }                                 // V', a column each
  const Matrix& border_factor() const { return border_factor_; }         // of S_b, lower

  // u_0 given the rest and b: (x_0 - B u_r - H_0b b) with x_0 in units of D_0, which it becomes.
  template <class X>
  void substitute(X&& x) const {
    const Index q = blocks_.eliminated();
    const Couplings& couplings = blocks_.of_eliminated();
    const auto border = x.bottomRows(blocks_.border());
    for_levels(team_, q, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        const double inverse = 1.0 / scale_.eliminated[i];
        for (Index e = couplings.begin(i); e < couplings.end(i); ++e) {
          const double b = values_[size_t(couplings.position(e))] * inverse;
          x.row(i) -= b * x.row(q + couplings.other()[e]);
        }
        x.row(i).noalias() -= (of_eliminated_.col(i).transpose() * inverse) * border;
      }
    });
  }

 private:
  static constexpr double first_tolerance = 1e-2, refined_tolerance = 1e-4;
  static constexpr int together = 4;  // right-hand sides of V and W
  using Numbers = std::vector<double>;

  // H_0b, F~ and H_bb - H_0b' D_0^-1 H_0b.
  void load_border() {
    const Index q = blocks_.eliminated(), w = blocks_.border();
    if (w == 0) return;
    for_levels(team_, q, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        blocks_.load_border(values(), i, of_eliminated_.col(i).data());
      }
    });
    const Matrix ratio = of_eliminated_ * scale_.eliminated.cwiseInverse().asDiagonal();
    const Couplings& of_rest = blocks_.of_rest();
    for_levels(team_, blocks_.rest(), [&](Index first, Index last) {
      for (Index j = first; j < last; ++j) {
        auto column = of_rest_.col(j);
        blocks_.load_border(values(), q + j, column.data());
        for (Index e = of_rest.begin(j); e < of_rest.end(j); ++e) {
          column -= values_[size_t(of_rest.position(e))] * ratio.col(of_rest.other()[e]);
        }
        column /= scale_.rest_root[j];
      }
    });
    corner_ = Eigen::Map<const Matrix>(values() + pattern_->dense_offset(), w, w)
                  .selfadjointView<Eigen::Lower>();
    subtract_abt(ratio, of_eliminated_, corner_);
  }

  // V, and W with it, to a tolerance, from what they are.
  bool solve_border(double tolerance, bool with_coarse) {
    const Index w = blocks_.border(), k = with_coarse ? coarse_.size() : 0;
    const Index r = blocks_.rest();
    BlockCG<together, double> cg(schur_, blocks_.eliminated());
    Numbers b(size_t(r * together)), x(b.size());
    for (Index first = 0; first < w + k; first += together) {
      const Index count = std::min<Index>(together, w + k - first);
      std::fill(b.begin(), b.end(), 0.0);
      std::fill(x.begin(), x.end(), 0.0);
      for (Index c = 0; c < count; ++c) {
        const Index a = first + c - w;
        for (Index j = 0; j < r; ++j) {
          const auto at = size_t(j * together + c);
          const double u = a == coarse_.column(j) ? coarse_.entry(j) : 0.0;
          b[at] = a < 0 ? of_rest_(w + a, j) : u;
          x[at] = a < 0 ? v_(w + a, j) : coarse_.w()(a, j);
        }
      }
      if (!cg.solve(b, x, tolerance, false)) return false;
      for (Index c = 0; c < count; ++c) {
        const Index a = first + c - w;
        for (Index j = 0; j < r; ++j) {
          (a < 0 ? v_(w + a, j) : coarse_.w()(a, j)) = x[size_t(j * together + c)];
        }
      }
    }
    return true;
  }

  // S~ of the columns of a matrix that has a column for each level: so of its rows.
  Matrix apply_schur(const Matrix& rows) const {
    const Index r = blocks_.rest();
    Matrix result(rows.rows(), r);
    Numbers x(size_t(r * together)), product(x.size()),
        work(size_t(blocks_.eliminated() * together));
    for (Index first = 0; first < rows.rows(); first += together) {
      const Index count = std::min<Index>(together, rows.rows() - first);
      std::fill(x.begin(), x.end(), 0.0);
      for (Index j = 0; j < r; ++j) {
        for (Index c = 0; c < count; ++c) x[size_t(j * together + c)] = rows(first + c, j);
      }
      schur_.apply<together>(x, product, work);
      for (Index j = 0; j < r; ++j) {
        for (Index c = 0; c < count; ++c) result(first + c, j) = product[size_t(j * together + c)];
      }
    }
    return result;
  }

  bool set_coarse() {
    Matrix u = Matrix::Zero(coarse_.size(), blocks_.rest());
    for (Index j = 0; j < u.cols(); ++j) u(coarse_.column(j), j) = coarse_.entry(j);
    return coarse_.set(apply_schur(u));
  }

  bool factorize_border() {
    const Index w = blocks_.border();
    border_factor_.resize(w, w);
    if (w == 0) return true;
    // S_b = G - F~'V + V'(S~V - F~)
    border_factor_ = corner_;
    subtract_abt(of_rest_, v_, border_factor_);
    add_abt(v_, apply_schur(v_) - of_rest_, border_factor_);
    const Eigen::LLT<Matrix> factor(border_factor_);
    if (factor.info() != Eigen::Success) return false;
    border_factor_ = factor.matrixL();
    return border_factor_.allFinite();
  }

  // (rest, border) <- [S~ F~; F~' G]^-1 (rest, border)
  bool solve_rest(Numbers& residual, Vector& border, double tolerance, Numbers& solution) const {
    const Index r = blocks_.rest(), w = blocks_.border();
    const auto view = [](Numbers& x) { return Eigen::Map<Vector>(x.data(), Index(x.size())); };
    Numbers direction(size_t(r), 0.0), product(size_t(r), 0.0),
        work(size_t(blocks_.eliminated()), 0.0);
    Vector residual_b = border, direction_b(w), product_b(w), z(r), z_b(w);
    border.setZero();
    const auto precondition = [&] {
      z_b = residual_b;
      if (w > 0) {
        z_b.noalias() -= v_ * view(residual);
        border_factor_.triangularView<Eigen::Lower>().solveInPlace(z_b);
        border_factor_.triangularView<Eigen::Lower>().transpose().solveInPlace(z_b);
      }
      z = view(residual);
      if (w > 0) z.noalias() -= v_.transpose() * z_b;
      return z.dot(view(residual)) + z_b.dot(residual_b);
    };
    double square = precondition();
    const double goal = tolerance * tolerance * square;
    view(direction) = z;
    direction_b = z_b;
    for (int k = 0; square > goal; ++k) {
      if (k == BlockCG<1, double>::most_iterations) return false;
      schur_.apply<1>(direction, product, work);
      double curvature = 0.0;
      if (w > 0) {
        view(product).noalias() += of_rest_.transpose() * direction_b;
        product_b.noalias() = of_rest_ * view(direction) + corner_ * direction_b;
        curvature = product_b.dot(direction_b);
      }
      curvature += view(product).dot(view(direction));
      if (!(curvature > 0.0)) return false;
      const double length = square / curvature;
      view(solution) += length * view(direction);
      view(residual) -= length * view(product);
      border += length * direction_b;
      residual_b -= length * product_b;
      const double next = precondition(), ratio = next / square;
      square = next;
      view(direction) = z + ratio * view(direction);
      direction_b = z_b + ratio * direction_b;
    }
    return std::isfinite(square);
  }

  const BorderedPattern* pattern_;
  Team* team_;
  std::vector<double> values_;  // of H
  CrossedBlocks blocks_;
  SchurScale scale_;
  ScaledSchur<double> schur_;
  ScaledSchur<float> single_;
  CoarseSpace coarse_;
  SchurProbes probes_;
  Matrix of_eliminated_, of_rest_, v_;  // H_0b', F~' and V', a column for each level
  Matrix corner_, border_factor_;       // G, and the factor of S_b
  Index probe_blocks_ = 1;
  ProbeAnchor anchor_, no_anchor_;
  bool started_ = false, refined_ = false;
};

}  // namespace mixed_glm
