// Correlated coefficients: q(x) = N(m, H^-1), H = A' diag(w) A + P, the form that every maximum of
// the bound has (Opper and Archambeau 2009), with
//
//     w_i = -E l_i''(eta_i),   eta_i ~ N(a_i'm, s_i),   s_i = a_i' H^-1 a_i
//
// with s_i from the selected inverse.
//
// A step takes the expected weights W_i at the current s_i as the new w_i, the natural gradient
// step (Khan and Lin 2017), but solves for each row's effect on its own variance,
//
//     w_i + (W_i - w_i) / (1 + s_i^2 dW_i / ds_i)        (ds_i / dw_i = -s_i^2),
//
// so that weights that grow with the variance do not overshoot. A shortened step is the natural
// gradient's: w + length (W - w), which ascends if it is short enough.
#pragma once

#include <mixed_glm/linalg/selected_inverse.hpp>
#include <mixed_glm/model/row_variance.hpp>
#include <mixed_glm/variational/mean_field.hpp>

namespace mixed_glm {

// Expected likelihood at given variances s. As weight it sets the next step's, and keeps it.
class FullGaussianSites {
 public:
  FullGaussianSites(ExpectedLikelihood& likelihood, const Vector& variance, const Vector& weight,
                    double length, bool own_response, Vector& next_weight)
      : likelihood_(&likelihood),
        variance_(&variance),
        weight_(&weight),
        next_weight_(&next_weight),
        length_(length),
        own_response_(own_response) {}

  template <int Order>
  void evaluate(RowBlock& block) const {
    const auto s = variance_->segment(block.first, block.count).array();
    const auto w = weight_->segment(block.first, block.count).array();
    block.view(likelihood_->variance()) = s;
    likelihood_->evaluate<Order>(block);
    auto next = block.view(block.weight).array();
    if (!own_response_) {
      next = w + length_ * (next - w);
    } else {
      const auto response = 1.0 + s.square() * block.view(likelihood_->slope()).array();
      next = (w + (next - w) / response.max(0.5)).max(0.0);
    }
    next_weight_->segment(block.first, block.count) = next;
  }

 private:
  ExpectedLikelihood* likelihood_;
  const Vector *variance_, *weight_;
  Vector* next_weight_;
  double length_;
  bool own_response_;
};

class FullGaussian final : public CoefficientPosterior {
 public:
  explicit FullGaussian(const Model& model, Index nodes = 0)
      : CoefficientPosterior(model),
        likelihood_(model, nodes),
        sigma_(model.design().pattern()),
        predictor_variance_(model.design(), sigma_),
        rows_(model.design()),
        now_(model.design().rows()) {
    next_weight_.resize(model.design().rows());
  }

  // Begins with the mean and the expected weights of independent coefficients. False if that fails.
  bool start(const Vector& psi, const Vector& mean, const Vector& variance) {
    const Design& design = model_->design();
    mean_ = mean;
    for_each_block([&](RowBlock::Column& row_variance) {
      independent_variance(design, variance, block_, row_variance);
    });
    now_.weight.setZero();
    expand(1.0, false);
    prior_.set(psi);
    prior_.add_precision(precision_.values());
    if (!precision_.factorize()) return false;
    return invert();
  }

  double expand(double length) override { return expand(length, length == 1.0); }

  bool step(const Vector& psi, double length) override {
    keep();
    before_ = now_;
    if (!step_mean(psi, length)) return false;
    return invert();
  }

  void restore() override {
    mean_ = mean_before_;
    variance_ = variance_before_;
    now_ = before_;
  }

  // With the covariances that the selected inverse has: those of effects that share a row, and
  // more.
  Matrix variance_response() const override {
    Matrix sums = CoefficientPosterior::variance_response();
    const Design& design = model_->design();
    const BorderedPattern& pattern = design.pattern();
    const auto add = [&](Index i, Index j, double covariance) {
      const Code k = design.component(i), l = design.component(j);
      const double product = prior_.diagonal()[i] * prior_.diagonal()[j] * covariance * covariance;
      sums(k, l) += product;
      sums(l, k) += product;
    };
    for (Index j = 0; j < pattern.sparse(); ++j) {
      for (Index e = pattern.column_begin(j); e < pattern.column_end(j); ++e) {
        add(pattern.rows()[e], j, sigma_.values()[pattern.lower_offset() + e]);
      }
    }
    for (Index c = 0; c < pattern.tail(); ++c) {
      for (Index r = c + 1; r < pattern.tail(); ++r) {
        add(pattern.sparse() + r, pattern.sparse() + c,
            sigma_.values()[pattern.dense_position(r, c)]);
      }
    }
    return sums;
  }

  double half_log_determinant() const override { return -0.5 * now_.log_determinant; }
  const Matrix& fe_cov() const { return now_.fe_cov; }                      // p x p
  const Vector& weight() const { return now_.weight; }                      // n, and
  const Vector& effect_precision() const { return now_.effect_precision; }  // K, of H

 private:
  struct State {
    explicit State(Index rows) : weight(rows), row_variance(rows) {}
    Vector weight, row_variance;   // n, w and s
    Vector effect_precision;       // K
    Matrix fe_cov;                 // p x p
    double log_determinant = 0.0;  // of H
  };

  // own_response: whether each row's effect on its own variance is solved for.
  double expand(double length, bool own_response) {
    ++passes_;
    precision_.set_zero();
    gradient_.setZero();
    const FullGaussianSites sites(likelihood_, now_.row_variance, now_.weight, length, own_response,
                                  next_weight_);
    return model_->log_likelihood_constant() +
           pass_rows<2>(*model_, sites, mean_, &gradient_, precision_.values(), rows_);
  }

  // Takes over the new weights, whose H has just been factorized.
  bool invert() {
    const Design& design = model_->design();
    now_.weight = next_weight_;
    now_.effect_precision = prior_.component_precision();
    now_.log_determinant = precision_.log_determinant();
    sigma_.compute(precision_);
    for (Index j = 0; j < design.effects(); ++j) variance_[j] = sigma_.variance(j);
    now_.fe_cov = sigma_.border_block();
    variance_.tail(design.fixed()) = now_.fe_cov.diagonal();
    for_each_block(
        [&](RowBlock::Column& variance) { predictor_variance_.evaluate(block_, variance); });
    return variance_.allFinite() && (variance_.array() > 0.0).all();
  }

  // Sets the rows' variances, block by block.
  template <class Evaluate>
  void for_each_block(Evaluate&& evaluate) {
    const Index rows = model_->design().rows();
    RowBlock::Column variance;
    for (block_.first = 0; block_.first < rows; block_.first += row_block_size) {
      block_.count = std::min(row_block_size, rows - block_.first);
      evaluate(variance);
      now_.row_variance.segment(block_.first, block_.count) = block_.view(variance);
    }
  }

  ExpectedLikelihood likelihood_;
  SelectedInverse sigma_;
  RowVariance predictor_variance_;
  RowTeam rows_;
  RowBlock block_;
  State now_, before_ = now_;
  Vector next_weight_;
};

}  // namespace mixed_glm
