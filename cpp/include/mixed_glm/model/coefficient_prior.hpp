// The Gaussian prior of the coefficients x = (u, beta) given the hyperparameters theta:
//
//     u_t ~ N(0, P_t(theta)^-1) for each term t      beta_a ~ N(0, fe_p_a^2)
//     P = blockdiag(P_1, P_2, ..., diag(1 / fe_p^2))
//
// and what the program asks about theta of it (effect_prior.hpp). Derivatives in theta are of
// E log p(u | theta), one for each of psi and cor; the priors of theta themselves come on top
// (hyper_derivatives.hpp).
#pragma once

#include <algorithm>
#include <cmath>
#include <mixed_glm/model/design.hpp>
#include <mixed_glm/model/prior.hpp>
#include <mixed_glm/terms/effect_prior.hpp>

namespace mixed_glm {

class CoefficientPrior {
 public:
  // The design is viewed and must outlive this object.
  CoefficientPrior(const Design& design, const Prior& prior)
      : design_(&design), diagonal_(design.coefficients()) {
    std::vector<bool> alone(size_t(design.components()), true);
    for (const CorrelatedLevels& term : design.correlated()) {
      for (const Code k : term.components) alone[size_t(k)] = false;
    }
    for (Index k = 0; k < design.components(); ++k) {
      if (alone[size_t(k)]) terms_.emplace_back(IndependentEffects(design.effects_of(k), k));
    }
    Index first_cor = design.components();
    for (const CorrelatedLevels& term : design.correlated()) {
      terms_.emplace_back(CorrelatedEffects(term, first_cor));
      first_cor += lower_entries(term.order());
    }
    for_terms([&](const auto& term) { parameters_ += term.parameters(); });
    diagonal_.tail(design.fixed()) = prior.fe_p.array().square().inverse();
    normalizer_fixed_ =
        -prior.fe_p.array().log().sum() - 0.5 * double(design.coefficients()) * log_two_pi;
  }

  void set(ConstVectorRef theta) {
    double half_log_determinant = 0.0;
    const auto set_term = [&](auto& term) {
      term.set(theta);
      term.set_diagonal(diagonal_);
      half_log_determinant += term.half_log_determinant();
    };
    for (EffectPrior& term : terms_) std::visit(set_term, term);
    log_normalizer_ = normalizer_fixed_ + half_log_determinant;
  }

  const Vector& diagonal() const { return diagonal_; }  // q + p, of P

  double log_density(const Vector& x) const {
    double value = log_normalizer_ - 0.5 * (diagonal_.array() * x.array().square()).sum();
    for_terms([&](const auto& term) { value -= 0.5 * term.off_diagonal_form(x); });
    return value;
  }
  // + 1/2 log|P| without the constant: what the Gaussian integral over the coefficients needs.
  double log_normalizer() const { return log_normalizer_; }

  void add_gradient(const Vector& x, Vector& gradient) const {
    gradient.array() -= diagonal_.array() * x.array();
    for_terms([&](const auto& term) { term.subtract_off_diagonal(x, gradient); });
  }

  // Adds P to a bordered matrix.
  void add_precision(double* values) const {
    const BorderedPattern& pattern = design_->pattern();
    for (Index j = 0; j < pattern.effects() + pattern.border(); ++j) {
      values[pattern.diagonal_position(j)] += diagonal_[j];
    }
    for_terms([&](const auto& term) { term.add_off_diagonal(pattern, values); });
  }

  // ---- in theta: d long, d the number of psi and cor

  Vector gradient(const SecondMoments& moments) const {
    Vector result = Vector::Zero(parameters_);
    for_terms([&](const auto& term) { term.add_gradient(moments, result); });
    return result;
  }
  // d x d: minus the second derivatives.
  Matrix curvature(const SecondMoments& moments) const {
    Matrix result = Matrix::Zero(parameters_, parameters_);
    for_terms([&](const auto& term) { term.add_curvature(moments, result); });
    return result;
  }
  // d x d: of a balanced Gaussian model about theta.
  Matrix information(const SecondMoments& moments) const {
    Matrix result = Matrix::Zero(parameters_, parameters_);
    for_terms([&](const auto& term) { term.add_information(moments, result); });
    return result;
  }

  // visit(j, i, value) for the entries of C, C_i = -(dP / dtheta_i) x: how the gradient in x moves
  // with theta.
  template <class Visit>
  void for_coupling(const Vector& x, Visit&& visit) const {
    for_terms([&](const auto& term) { term.for_coupling(x, visit); });
  }
  // C, (q + p) x d.
  RowMatrix coupling(const Vector& x) const {
    RowMatrix result = RowMatrix::Zero(x.size(), parameters_);
    for_coupling(x, [&](Index j, Index i, double value) { result(j, i) += value; });
    return result;
  }
  // C change, q + p.
  Vector coupling(const Vector& x, const Vector& change) const {
    Vector result = Vector::Zero(x.size());
    for_coupling(x, [&](Index j, Index i, double value) { result[j] += value * change[i]; });
    return result;
  }

  // ---- of terms of independent effects, one number for each component

  bool is_independent() const {
    return std::all_of(terms_.begin(), terms_.end(), [](const EffectPrior& term) {
      return std::holds_alternative<IndependentEffects>(term);
    });
  }
  Vector component_precision() const {
    Vector result = Vector::Zero(parameters_);
    for_independent([&](const auto& term) { result[term.place()] = term.precision(); });
    return result;
  }
  // sum E[u_j^2] under a Gaussian of the coefficients.
  Vector squares(const Vector& mean, const Vector& variance) const {
    const SecondMoments moments = SecondMoments::of_gaussian(mean, variance, design_->effects());
    Vector result = Vector::Zero(parameters_);
    for_independent(
        [&](const auto& term) { result[term.place()] = term.sum_of_squares(moments, 1.0); });
    return result;
  }

 private:
  template <class Visit>
  void for_terms(Visit&& visit) const {
    for (const EffectPrior& term : terms_) std::visit(visit, term);
  }
  template <class Visit>
  void for_independent(Visit&& visit) const {
    for (const EffectPrior& term : terms_) {
      if (const auto* own = std::get_if<IndependentEffects>(&term)) visit(*own);
    }
  }

  const Design* design_;
  std::vector<EffectPrior> terms_;
  Vector diagonal_;
  Index parameters_ = 0;
  double normalizer_fixed_, log_normalizer_ = 0.0;
};

}  // namespace mixed_glm
