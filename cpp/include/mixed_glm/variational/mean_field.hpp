// Independent coefficients: q(x) = prod_j N(m_j, v_j). With expected weights w_i = -E l_i''(eta_i)
// the bound is, in each v_j,
//
//     1/2 log v_j - v_j (P_j + c_j) / 2 + ...,   c_j = sum_i w_i a_ij^2
//
// (c_j being minus twice the derivative of the expected log likelihood),
// so v_j = 1 / (P_j + c_j) at the maximum. Since c_j depends on v_j, a step solves
//
//     v (P_j + c_j + c_j' (v - v_j)) = 1,        c_j' = sum_i a_ij^4 dw_i / ds_i
//
// which neither overshoots where weights grow with the variance (Poisson) nor creeps where they
// fall (logit). All means move together, by Newton's method.
#pragma once

#include <mixed_glm/model/start_sites.hpp>
#include <mixed_glm/variational/coefficient_posterior.hpp>
#include <mixed_glm/variational/expected_likelihood.hpp>

namespace mixed_glm {

// x^Power, of a number or of each entry of an array.
template <int Power, class X>
auto even_power(const X& x) {
  static_assert(Power == 2 || Power == 4);
  if constexpr (Power == 2) return x * x;
  if constexpr (Power == 4) return (x * x) * (x * x);
}

// Sums over the rows for each coefficient (u, beta): of column_i a_ij^Power.
template <int Power>
void add_powers(const Design& design, RowBlock& block, RowBlock::Column& column, Vector& sums) {
  const auto values = block.view(column);
  const auto x = design.x().middleRows(block.first, block.count);
  for (Index a = 0; a < design.fixed(); ++a) {
    sums[design.effects() + a] += even_power<Power>(x.col(a).array()).matrix().dot(values);
  }
  const SparseRows& z = design.z();
  for_each_run(z, block.first, block.count, [&](const EntryRun& run) {
    double sum = 0.0;
    for (Index r = run.begin, e = run.entry; r < run.end; ++r, e += run.stride) {
      sum += even_power<Power>(z.value(e)) * values[r];
    }
    sums[run.effect] += sum;
  });
}

// s_i = sum_j a_ij^2 v_j, for a block.
inline void independent_variance(const Design& design, const Vector& v, const RowBlock& block,
                                 RowBlock::Column& variance) {
  auto s = block.view(variance);
  const auto x = design.x().middleRows(block.first, block.count);
  s.setZero();
  for (Index a = 0; a < design.fixed(); ++a) s += v[design.effects() + a] * x.col(a).cwiseAbs2();
  const SparseRows& z = design.z();
  for (Index r = 0; r < block.count; ++r) {
    for (Index e = z.begin(block.first + r), end = z.end(block.first + r); e < end; ++e) {
      s[r] += z.value(e) * z.value(e) * v[z.columns()[e]];
    }
  }
}

// Order 0: value; 1: and c; 2: and c'. The sums are added to.
class MeanFieldSites {
 public:
  MeanFieldSites(ExpectedLikelihood& likelihood, const Design& design, const Vector& variance,
                 Vector* sums)
      : likelihood_(&likelihood), design_(&design), variance_(&variance), sums_(sums) {}

  template <int Order>
  void evaluate(RowBlock& block) const {
    independent_variance(*design_, *variance_, block, likelihood_->variance());
    likelihood_->evaluate<Order>(block);
    if constexpr (Order == 1) add_powers<2>(*design_, block, block.weight, *sums_);
    if constexpr (Order == 2) add_powers<4>(*design_, block, likelihood_->slope(), *sums_);
  }

 private:
  ExpectedLikelihood* likelihood_;
  const Design* design_;
  const Vector* variance_;
  Vector* sums_;
};

class MeanField final : public CoefficientPosterior {
 public:
  explicit MeanField(const Model& model, Index nodes = 0)
      : CoefficientPosterior(model),
        likelihood_(model, nodes),
        rows_(model.design()),
        weight_slope_(mean_.size()) {}

  void set_variance(const Vector& variance) { variance_ = variance; }

  // Begins where every row has likelihood: one weighted least-squares step from the family's own
  // start, with prior precisions exp(-2 psi) of the effects. False if that fails.
  bool start(const Vector& psi) {
    mean_.setZero();
    precision_.set_zero();
    gradient_.setZero();
    pass_rows<2>(*model_, StartSites(*model_, model_->family()), mean_, &gradient_,
                 precision_.values(), rows_);
    weight_slope_.setZero();
    return step(psi, 1.0);
  }

  double expand(double) override {
    ++passes_;
    precision_.set_zero();
    gradient_.setZero();
    weight_slope_.setZero();
    const MeanFieldSites sites(likelihood_, model_->design(), variance_, &weight_slope_);
    return model_->log_likelihood_constant() +
           pass_rows<2>(*model_, sites, mean_, &gradient_, precision_.values(), rows_);
  }

  bool step(const Vector& psi, double length) override {
    keep();
    weight_ = curvature_diagonal();
    if (!step_mean(psi, length)) return false;
    for (Index j = 0; j < variance_.size(); ++j) {
      const double next = solve_variance(j);
      variance_[j] =
          length == 1.0
              ? next
              : std::exp((1.0 - length) * std::log(variance_[j]) + length * std::log(next));
    }
    return variance_.allFinite() && (variance_.array() > 0.0).all();
  }

  void restore() override {
    mean_ = mean_before_;
    variance_ = variance_before_;
  }

  Vector point() const override {
    Vector result(2 * mean_.size());
    result << mean_, 0.5 * variance_.array().log().matrix();
    return result;
  }

  void set_point(const Vector& point) override {
    mean_ = point.head(mean_.size());
    variance_ = (2.0 * point.tail(mean_.size()).array()).exp();
  }

  double half_log_determinant() const override { return 0.5 * variance_.array().log().sum(); }

 private:
  // c_j: the diagonal of A'WA.
  Vector curvature_diagonal() const {
    const BorderedPattern& pattern = model_->design().pattern();
    Vector diagonal(variance_.size());
    for (Index j = 0; j < pattern.effects(); ++j) {
      diagonal[j] = precision_.values()[pattern.diagonal_position(j)];
    }
    for (Index a = 0; a < pattern.border(); ++a) {
      const Index row = pattern.tail() + a;
      diagonal[pattern.effects() + a] = precision_.values()[pattern.dense_position(row, row)];
    }
    return diagonal;
  }

  double solve_variance(Index j) const {
    const double precision = prior_.diagonal()[j] + weight_[j], slope = weight_slope_[j];
    const double linear = precision - slope * variance_[j];
    const double discriminant = linear * linear + 4.0 * slope;
    const double next = 2.0 / (linear + std::sqrt(std::max(discriminant, 0.0)));
    const bool sound = discriminant > 0.0 && next > 0.0 && next < 4.0 / precision;
    return sound ? next : 1.0 / precision;
  }

  ExpectedLikelihood likelihood_;
  RowTeam rows_;
  Vector weight_, weight_slope_;  // c, c'
};

}  // namespace mixed_glm
