// Entries of the inverse of an H of crossed factors on its pattern, from one estimate N of S^-1
// (coarse_space.hpp, schur_probes.hpp) that the rest of H is combined with exactly:
//
//     N_jk   = (w_j'w_k - u_j'u_k + [j = k] (1 + (P E P)_jj - mean z_j e_j)
//               + mean (z_j r_k + r_j z_k) / 2) / root(D_S,j D_S,k)
//     N_0r   = -D_0^-1 B N                    N_00 = D_0^-1 + D_0^-1 B N B' D_0^-1
//     Sigma  = N + C S_b^-1 C'                Sigma_.b = -C S_b^-1
//
// where row e of C is what -u_e moves by with b. The variance of a row, whose entries are all here,
// comes out as if N had been estimated for its combination of levels alone.
#pragma once

#include <mixed_glm/linalg/krylov_factor.hpp>
#include <mixed_glm/linalg/pattern_values.hpp>

namespace mixed_glm {

// Of each factor, by its number in the pattern; empty: there are none.
struct MonteCarloErrors {
  Vector trace;  // of the sum of the variances of its effects
  Vector sd;     // of the effects' standard deviations, as a share: root mean square
};

class KrylovInverse {
 public:
  // Of a refined factor; both are viewed, sigma is filled.
  KrylovInverse(const KrylovFactor& factor, PatternValues& sigma)
      : factor_(&factor),
        eliminated_(factor.blocks().eliminated()),
        rest_(factor.blocks().rest()),
        values_(sigma.values()),
        errors_{Vector::Zero(parts()), Vector::Zero(parts())} {}

  void compute() {
    set_responses();
    estimate(factor_->probes().blocks());
    set_errors();
    add_anchor();
    add_border();
    raise_variances();
  }

  // What all probes know more than the first block; sigma is left without meaning.
  ProbeAnchor anchor() {
    set_responses();
    estimate(factor_->probes().blocks());
    ProbeAnchor result{std::vector<double>(values_, values_ + pattern().border_position(0)), 0.0};
    estimate(1);
    for_entries([&](Index e, Index f, Index position) {
      double& entry = result.entries[size_t(position)];
      entry = (entry - values_[position]) * root(e) * root(f);
    });
    return result;
  }

  const MonteCarloErrors& errors() const { return errors_; }  // after compute()

 private:
  static constexpr int together = SchurProbes::together;
  using Numbers = Eigen::Array<float, together, 1>;  // of an effect, one for each probe of a block

  static Eigen::Map<const Numbers> numbers(const std::vector<float>& of_all, Index effect) {
    return Eigen::Map<const Numbers>(of_all.data() + effect * together);
  }

  const CrossedBlocks& blocks() const { return factor_->blocks(); }
  const BorderedPattern& pattern() const { return factor_->pattern(); }
  const SchurScale& scale() const { return factor_->scale(); }
  Team* team() const { return factor_->team(); }
  const std::vector<Code>& part() const { return pattern().unfilled().part; }
  Index parts() const {
    return part().empty() ? 0 : Index(*std::max_element(part().begin(), part().end())) + 1;
  }

  // ratio = b_ij / d_0i for the pairs of eliminated effect i.
  template <class Visit>
  void for_pairs_of(Index i, Visit&& visit) const {
    const Couplings& couplings = blocks().of_eliminated();
    const double inverse = 1.0 / scale().eliminated[i];
    for (Index e = couplings.begin(i); e < couplings.end(i); ++e) {
      const Index position = couplings.position(e);
      visit(Index(couplings.other()[e]), position, factor_->values()[position] * inverse);
    }
  }
  // Pairs among the rest, each once, from the effect with the smaller number.
  template <class Visit>
  void for_pairs_among(Index j, Visit&& visit) const {
    const Couplings& couplings = blocks().among_rest();
    for (Index e = couplings.begin(j); e < couplings.end(j); ++e) {
      if (couplings.other()[e] > j) visit(Index(couplings.other()[e]), couplings.position(e));
    }
  }

  // C', and the coarse space's rows G^-1/2 w and u, in units of H: columns for all sparse effects.
  void set_responses() {
    const CoarseSpace& coarse = factor_->coarse();
    const Index w = blocks().border(), k = coarse.size();
    response_.resize(w, eliminated_ + rest_);
    coarse_.resize(2 * k, eliminated_ + rest_);
    for_levels(team(), rest_, [&](Index first, Index last) {
      for (Index j = first; j < last; ++j) {
        const double inverse = 1.0 / scale().rest_root[j];
        response_.col(eliminated_ + j) = inverse * factor_->v().col(j);
        auto rows = coarse_.col(eliminated_ + j);
        rows.head(k) = inverse * coarse.root().col(j);
        rows.tail(k).setZero();
        rows[k + coarse.column(j)] = inverse * coarse.entry(j);
      }
    });
    for_levels(team(), eliminated_, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        response_.col(i) = factor_->border_of_eliminated().col(i) / scale().eliminated[i];
        coarse_.col(i).setZero();
        for_pairs_of(i, [&](Index j, Index, double ratio) {
          response_.col(i) -= ratio * response_.col(eliminated_ + j);
          coarse_.col(i) -= ratio * coarse_.col(eliminated_ + j);
        });
      }
    });
  }

  double coarse_product(Index a, Index b) const {
    const Index k = coarse_.rows() / 2;
    return coarse_.col(a).head(k).dot(coarse_.col(b).head(k)) -
           coarse_.col(a).tail(k).dot(coarse_.col(b).tail(k));
  }

  double root(Index e) const {
    return e < eliminated_ ? scale().eliminated_root[e] : scale().rest_root[e - eliminated_];
  }
  // visit(effect, the same or another, position) for the entries of N.
  template <class Visit>
  void for_entries(Visit&& visit) const {
    for (Index e = 0; e < eliminated_ + rest_; ++e) {
      visit(e, e, e);
      for (Index c = pattern().column_begin(e); c < pattern().column_tail(e); ++c) {
        visit(e, Index(pattern().rows()[c]), pattern().lower_offset() + c);
      }
    }
  }
  void add_anchor() {
    const ProbeAnchor& anchor = factor_->anchor();
    if (anchor.is_empty()) return;
    for_entries([&](Index e, Index f, Index position) {
      values_[position] += anchor.entries[size_t(position)] / (root(e) * root(f));
    });
  }

  // N by the first blocks of probes, of which the first is loaded afterwards.
  void estimate(Index blocks) {
    const SchurProbes& probes = factor_->probes();
    set_known(blocks == probes.blocks() ? probes.control() : probes.control_of_first());
    for (Index block = blocks - 1; block >= 0; --block) {
      load_probes(block);
      add_probes(1.0 / double(together * blocks));
    }
  }

  // All of N but the probes' mean.
  void set_known(const Vector& control) {
    const Vector diagonal =
        (1.0 + factor_->coarse().projected_diagonal().array() - control.array()) /
        scale().rest.array();
    for_levels(team(), rest_, [&](Index first, Index last) {
      for (Index j = first; j < last; ++j) {
        const Index own = eliminated_ + j;
        values_[own] = diagonal[j] + coarse_product(own, own);
        for_pairs_among(j, [&](Index k, Index position) {
          values_[position] = coarse_product(own, eliminated_ + k);
        });
      }
    });
    for_levels(team(), eliminated_, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        double variance = 1.0 / scale().eliminated[i] + coarse_product(i, i);
        for_pairs_of(i, [&](Index j, Index position, double ratio) {
          variance += ratio * ratio * diagonal[j];
          values_[position] = coarse_product(i, eliminated_ + j) - ratio * diagonal[j];
        });
        values_[i] = variance;
      }
    });
  }

  // A block of probes z and of r, in units of H, with what they make of the eliminated effects.
  void load_probes(Index block) {
    const SchurProbes::Block& excess = factor_->probes().excess(block);
    z_.resize(size_t((eliminated_ + rest_) * together));
    r_.resize(z_.size());
    for_levels(team(), rest_, [&](Index first, Index last) {
      for (Index j = first; j < last; ++j) {
        const std::uint64_t bits = SchurProbes::signs(block, j);
        const auto inverse = float(1.0 / scale().rest_root[j]);
        for (int c = 0; c < together; ++c) {
          const auto to = size_t((eliminated_ + j) * together + c);
          z_[to] = inverse * SchurProbes::sign(bits, c);
          r_[to] = inverse * excess[size_t(j * together + c)];
        }
      }
    });
    for_levels(team(), eliminated_, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        Numbers z = Numbers::Zero(), r = Numbers::Zero();
        for_pairs_of(i, [&](Index j, Index, double ratio) {
          z -= float(ratio) * numbers(z_, eliminated_ + j);
          r -= float(ratio) * numbers(r_, eliminated_ + j);
        });
        Eigen::Map<Numbers>(z_.data() + i * together) = z;
        Eigen::Map<Numbers>(r_.data() + i * together) = r;
      }
    });
  }

  // weight: of each probe.
  void add_probes(double weight) {
    for_levels(team(), eliminated_ + rest_, [&](Index first, Index last) {
      for (Index e = first; e < last; ++e) {
        values_[e] += weight * product(e, e);
        for (Index c = pattern().column_begin(e); c < pattern().column_tail(e); ++c) {
          values_[pattern().lower_offset() + c] += weight * product(e, pattern().rows()[c]);
        }
      }
    });
  }

  // Sum over the probes of (z_a r_b + r_a z_b) / 2.
  double product(Index a, Index b) const {
    const Numbers terms = numbers(z_, a) * numbers(r_, b) + numbers(r_, a) * numbers(z_, b);
    return 0.5 * double(terms.sum());
  }

  // From the first block: how the probes differ among themselves.
  void set_errors() {
    const Index count = parts();
    std::vector<double> sums(size_t(count * together), 0.0), effects(size_t(count), 0.0);
    Vector noise = Vector::Zero(count);
    std::vector<double> own(together);
    for (Index e = 0; e < eliminated_ + rest_; ++e) {
      const Index k = part()[size_t(e)];
      for (int c = 0; c < together; ++c) {
        const auto at = size_t(e * together + c);
        own[size_t(c)] = double(z_[at] * r_[at]) - known_of(e, c);
        sums[size_t(k * together + c)] += own[size_t(c)];
      }
      const double share =
          SchurProbes::error_of_mean(own) / std::max(values_[e], least_variance(e));
      noise[k] += share * share;
      effects[size_t(k)] += 1.0;
    }
    const double fewer = 1.0 / std::sqrt(double(factor_->probes().blocks()));
    for (Index k = 0; k < count; ++k) {
      own.assign(sums.begin() + k * together, sums.begin() + (k + 1) * together);
      errors_.trace[k] = fewer * SchurProbes::error_of_mean(own);
      const double n = std::max(effects[size_t(k)], 1.0);
      errors_.sd[k] = 0.5 * fewer * std::sqrt(noise[k] / n);
    }
  }

  // What of a probe's product is taken out, since its mean is known.
  double known_of(Index e, int probe) const {
    if (e < eliminated_) return 0.0;
    const Index j = e - eliminated_;
    return double(factor_->probes().first_control()[size_t(j * together + probe)]) /
           scale().rest[j];
  }

  // The border's own entries, and what it adds to the others.
  void add_border() {
    const Index w = blocks().border(), s = pattern().tail(), p = pattern().border();
    if (w == 0) return;
    Matrix inverse = Matrix::Identity(w, w);
    const auto lower = factor_->border_factor().triangularView<Eigen::Lower>();
    lower.solveInPlace(inverse);
    lower.transpose().solveInPlace(inverse);
    Eigen::Map<Matrix>(values_ + pattern().dense_offset(), w, w) = inverse;
    const Matrix with_border = multiply_ab(inverse, response_);
    for_levels(team(), eliminated_ + rest_, [&](Index first, Index last) {
      for (Index e = first; e < last; ++e) {
        const auto own = with_border.col(e);
        for (Index c = pattern().column_begin(e); c < pattern().column_end(e); ++c) {
          const Index other = pattern().rows()[c];
          double& value = values_[pattern().lower_offset() + c];
          if (c < pattern().column_tail(e)) {
            value += own.dot(response_.col(other));
          } else {
            value = -own[other - pattern().sparse()];
          }
        }
        values_[e] += own.dot(response_.col(e));
        Eigen::Map<Vector>(values_ + pattern().border_position(e), p) = -own.segment(s, p);
      }
    });
  }

  // If everything else is known.
  double least_variance(Index e) const {
    return 1.0 / (e < eliminated_ ? scale().eliminated[e] : scale().rest[e - eliminated_]);
  }
  void raise_variances() {
    for (Index e = 0; e < eliminated_ + rest_; ++e) {
      values_[e] = std::max(values_[e], least_variance(e));
    }
  }

  const KrylovFactor* factor_;
  Index eliminated_, rest_;
  double* values_;
  Matrix response_, coarse_;
  std::vector<float> z_, r_;
  MonteCarloErrors errors_;
};

}  // namespace mixed_glm
