// Correlated effects: for each of L levels m coordinates, each with a standard deviation,
//
//     u_l ~ N_m(0, Lambda Lambda'),   Lambda = D C,   D = diag(exp psi)
//
// C of the partial correlations z (partial_correlations.hpp). With W = Lambda^-1, A_i = W dLambda_i
// and S = W M W', M = sum_l E[u_l u_l'] and V_l = Cov(u_l) of SecondMoments:
//
//     P_l          W' W
//     gradient     tr((S - L I) A_i)
//     curvature    tr(S (A_i A_j + A_j A_i + A_j' A_i)) - L tr(A_i A_j)
//                  - tr((S - L I) W d2Lambda_ij)
//     coupling     W' (A_i + A_i') W u_l
//     information  1/2 sum_l tr(T_l B_i T_l B_j),   B_i = A_i + A_i',   T_l = I - W V_l W'
#pragma once

#include <algorithm>
#include <mixed_glm/linalg/bordered_pattern.hpp>
#include <mixed_glm/terms/correlated_levels.hpp>
#include <mixed_glm/terms/partial_correlations.hpp>
#include <mixed_glm/terms/second_moments.hpp>
#include <type_traits>
#include <vector>

namespace mixed_glm {

class CorrelatedEffects {
 public:
  // The levels, effects as numbers of the design, are viewed. first_cor: place of the first z in
  // theta; psi stand at the components' numbers.
  CorrelatedEffects(const CorrelatedLevels& levels, Index first_cor)
      : levels_(&levels), first_cor_(first_cor), correlations_(levels.order()) {
    for (const Code k : levels.components) places_.push_back(k);
    for (Index k = 0; k < lower_entries(order()); ++k) places_.push_back(first_cor + k);
  }

  Index parameters() const { return Index(places_.size()); }
  Index order() const { return levels_->order(); }
  const CorrelatedLevels& levels() const { return *levels_; }
  const SmallMatrix& factor() const { return lambda_; }    // Lambda
  const SmallMatrix& whitening() const { return w_; }      // W
  const SmallMatrix& precision() const { return block_; }  // of one level
  // -dP / dtheta of one level, for a change of theta.
  SmallMatrix fall_of_precision(const Vector& change) const {
    SmallMatrix fall = SmallMatrix::Zero(order(), order());
    for (Index i = 0; i < parameters(); ++i) fall += change[place(i)] * fall_along(i);
    return fall;
  }

  void set(ConstVectorRef theta) {
    const Index m = order();
    log_root_ = 0.0;
    SmallMatrix sd = SmallMatrix::Zero(m, m);
    for (Index r = 0; r < m; ++r) {
      const double psi = theta[places_[size_t(r)]];
      log_root_ += psi;
      sd(r, r) = std::exp(std::max(psi, least_psi));
    }
    correlations_.set(theta.segment(first_cor_, lower_entries(m)));
    log_root_ += correlations_.log_determinant();
    lambda_ = sd * correlations_.factor();
    w_ = lambda_.triangularView<Eigen::Lower>().solve(SmallMatrix::Identity(m, m));
    block_ = w_.transpose() * w_;
    slopes_.clear();
    for (Index i = 0; i < parameters(); ++i) slopes_.push_back(w_ * lambda_slope(sd, i));
    sd_ = sd;
  }
  double half_log_determinant() const { return -double(levels_->levels()) * log_root_; }

  void set_diagonal(Vector& diagonal) const {
    for_levels([&](const Code* u) {
      for (Index r = 0; r < order(); ++r) diagonal[u[r]] = block_(r, r);
    });
  }
  void add_off_diagonal(const BorderedPattern& pattern, double* values) const {
    for_pairs([&](Code a, Code b, double p) { values[pattern.position(a, b)] += p; });
  }
  void subtract_off_diagonal(const Vector& x, Vector& out) const {
    for_pairs([&](Code a, Code b, double p) {
      out[a] -= p * x[b];
      out[b] -= p * x[a];
    });
  }
  double off_diagonal_form(const Vector& x) const {
    double sum = 0.0;
    for_pairs([&](Code a, Code b, double p) { sum += 2.0 * p * x[a] * x[b]; });
    return sum;
  }

  void add_gradient(const SecondMoments& moments, VectorRef gradient) const {
    const SmallMatrix excess = whitened(second_moment(moments)) - size() * identity();
    for (Index i = 0; i < parameters(); ++i) {
      gradient[place(i)] += excess.cwiseProduct(slope(i).transpose()).sum();
    }
  }
  void add_curvature(const SecondMoments& moments, MatrixRef curvature) const {
    const SmallMatrix s = whitened(second_moment(moments)), excess = s - size() * identity();
    for (Index i = 0; i < parameters(); ++i) {
      for (Index j = 0; j < parameters(); ++j) {
        const SmallMatrix both = slope(i) * slope(j);
        const SmallMatrix bent = both + slope(j) * slope(i) + slope(j).transpose() * slope(i);
        curvature(place(i), place(j)) +=
            trace(s, bent) - size() * both.trace() - trace(excess, w_ * lambda_curvature(i, j));
      }
    }
  }
  // With B_i = A_i + A_i' and T_l = I - W V_l W', sum_l tr(T_l B_i T_l B_j) / 2.
  void add_information(const SecondMoments& moments, MatrixRef information) const {
    const Index m = order();
    const Matrix squares = squares_of_shrinkage(moments);
    std::vector<SmallMatrix> both;
    both.reserve(slopes_.size());
    for (const SmallMatrix& slope : slopes_) both.push_back(slope + slope.transpose());
    for (Index i = 0; i < parameters(); ++i) {
      SmallMatrix part = SmallMatrix::Zero(m, m);  // sum_l T_l B_i T_l
      for (Index a = 0; a < m; ++a) {
        for (Index d = 0; d <= a; ++d) {
          for (Index b = 0; b < m; ++b) {
            for (Index c = 0; c < m; ++c) {
              part(a, d) +=
                  squares(triangle_entry(a, b), triangle_entry(c, d)) * both[size_t(i)](b, c);
            }
          }
          part(d, a) = part(a, d);
        }
      }
      for (Index j = 0; j < parameters(); ++j) {
        information(place(i), place(j)) += 0.5 * part.cwiseProduct(both[size_t(j)]).sum();
      }
    }
  }
  template <class Visit>
  void for_coupling(const Vector& u, Visit&& visit) const {
    for (Index i = 0; i < parameters(); ++i) {
      const SmallMatrix way = fall_along(i);
      for_levels([&](const Code* level) {
        for (Index r = 0; r < order(); ++r) {
          double sum = 0.0;
          for (Index c = 0; c < order(); ++c) sum += way(r, c) * u[level[c]];
          visit(Index(level[r]), place(i), sum);
        }
      });
    }
  }

 private:
  // Below, an effect has long been zero in double precision; its precision, with correlations next
  // to one, does not overflow.
  static constexpr double least_psi = -250.0;

  double size() const { return double(levels_->levels()); }
  Index place(Index i) const { return places_[size_t(i)]; }
  const SmallMatrix& slope(Index i) const { return slopes_[size_t(i)]; }  // A_i
  SmallMatrix fall_along(Index i) const {
    return w_.transpose() * (slope(i) + slope(i).transpose()) * w_;
  }
  // In the lower triangle with its diagonal, row by row.
  static constexpr Index triangle_entry(Index r, Index c) {
    return r >= c ? r * (r + 1) / 2 + c : c * (c + 1) / 2 + r;
  }
  // Of the triangles t_l of T_l, sum_l t_l t_l'.
  Matrix squares_of_shrinkage(const SecondMoments& moments) const {
    switch (order()) {
      case 2:
        return squares_of_shrinkage(moments, std::integral_constant<Index, 2>());
      case 3:
        return squares_of_shrinkage(moments, std::integral_constant<Index, 3>());
      default:
        return squares_of_shrinkage(moments, order());
    }
  }
  // m: the order, a constant where loops over it are to be short.
  template <class Order>
  Matrix squares_of_shrinkage(const SecondMoments& moments, Order m) const {
    constexpr Index most = most_correlated;
    const Index size = triangle_entry(m - 1, m - 1) + 1;
    double covariance[most][most], product[most][most], t[most * (most + 1) / 2];
    double sums[most * (most + 1) / 2][most * (most + 1) / 2] = {};
    for (Index l = 0; l < levels_->levels(); ++l) {
      const Code* const u = levels_->level(l);
      Index pair = levels_->first_pair + l * lower_entries(m);
      for (Index r = 0; r < m; ++r) {
        for (Index c = 0; c < r; ++c)
          covariance[r][c] = covariance[c][r] = moments.covariance(pair++);
        covariance[r][r] = moments.variance(u[r]);
      }
      for (Index r = 0; r < m; ++r) {  // W is lower triangular
        for (Index c = 0; c < m; ++c) {
          product[r][c] = 0.0;
          for (Index k = 0; k <= r; ++k) product[r][c] += w_(r, k) * covariance[k][c];
        }
      }
      for (Index r = 0; r < m; ++r) {
        for (Index c = 0; c <= r; ++c) {
          double sum = r == c ? 1.0 : 0.0;
          for (Index k = 0; k <= c; ++k) sum -= product[r][k] * w_(c, k);
          t[triangle_entry(r, c)] = sum;
        }
      }
      for (Index a = 0; a < size; ++a) {
        for (Index b = 0; b <= a; ++b) sums[a][b] += t[a] * t[b];
      }
    }
    Matrix squares(size, size);
    for (Index a = 0; a < size; ++a) {
      for (Index b = 0; b <= a; ++b) squares(a, b) = squares(b, a) = sums[a][b];
    }
    return squares;
  }
  SmallMatrix identity() const { return SmallMatrix::Identity(order(), order()); }
  SmallMatrix whitened(const SmallMatrix& m) const { return w_ * m * w_.transpose(); }
  static double trace(const SmallMatrix& a, const SmallMatrix& b) {
    return a.cwiseProduct(b.transpose()).sum();
  }

  template <class Visit>
  void for_levels(Visit&& visit) const {
    for (Index l = 0; l < levels_->levels(); ++l) visit(levels_->level(l));
  }
  template <class Visit>
  void for_pairs(Visit&& visit) const {
    for_levels([&](const Code* u) {
      for (Index r = 1; r < order(); ++r) {
        for (Index c = 0; c < r; ++c) visit(u[r], u[c], block_(r, c));
      }
    });
  }

  // Of parameter i < m, a psi: row i of the matrix itself.
  SmallMatrix row_of(const SmallMatrix& matrix, Index i) const {
    SmallMatrix result = SmallMatrix::Zero(order(), order());
    result.row(i) = matrix.row(i);
    return result;
  }
  SmallMatrix lambda_slope(const SmallMatrix& sd, Index i) const {
    const Index m = order();
    return i < m ? row_of(lambda_, i) : SmallMatrix(sd * correlations_.slope(i - m));
  }
  SmallMatrix lambda_curvature(Index i, Index j) const {
    const Index m = order();
    if (i < j) std::swap(i, j);
    if (i < m) return i == j ? row_of(lambda_, i) : SmallMatrix::Zero(m, m);
    if (j < m) return row_of(sd_ * correlations_.slope(i - m), j);
    return sd_ * correlations_.curvature(i - m, j - m);
  }

  // Sum over levels of E[u u'].
  SmallMatrix second_moment(const SecondMoments& moments) const {
    SmallMatrix result = SmallMatrix::Zero(order(), order());
    for (Index l = 0; l < levels_->levels(); ++l) {
      const Code* const u = levels_->level(l);
      Index pair = levels_->first_pair + l * lower_entries(order());
      for (Index r = 0; r < order(); ++r) {
        for (Index c = 0; c < r; ++c) result(r, c) += moments.product(pair++);
        result(r, r) += moments.square(u[r]);
      }
    }
    return result.selfadjointView<Eigen::Lower>();
  }

  const CorrelatedLevels* levels_;
  Index first_cor_;
  PartialCorrelations correlations_;
  std::vector<Index> places_;  // in theta: m of psi, then of z
  SmallMatrix sd_, lambda_, w_, block_;
  std::vector<SmallMatrix> slopes_;
  double log_root_ = 0.0;  // log |Lambda|
};

}  // namespace mixed_glm
