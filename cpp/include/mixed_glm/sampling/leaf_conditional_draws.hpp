// Draws of the coefficients given psi with the leaf, one component or a block, taken exactly: the
// others from the distribution of the leaf quadrature (leaf_marginal.hpp, skew_draws.hpp), then the
// leaf's effects from their conditional densities given the others and psi (leaf_effect_draws.hpp,
// block_effect_draws.hpp).
#pragma once

#include <mixed_glm/leaf/leaf_marginal.hpp>
#include <mixed_glm/sampling/block_effect_draws.hpp>
#include <mixed_glm/sampling/conditional_draws.hpp>
#include <mixed_glm/sampling/leaf_effect_draws.hpp>
#include <optional>

namespace mixed_glm {

class LeafConditionalDraws final : public ConditionalDraws {
 public:
  LeafConditionalDraws(const Model& model, const LeafBlock& leaf, LeafSettings settings)
      : marginal_(model, leaf, settings),
        eta_(model.design().rows()),
        effects_(leaf.size(), marginal_.leaf().groups()) {
    if (leaf.size() == 1) {
      line_.emplace(marginal_.leaf());
    } else {
      block_of_leaf_.emplace(marginal_.leaf(), settings.n_quad);
    }
  }

  const Model& model() const override { return marginal_.model(); }

  bool expand_fixed(const Vector& psi, bool thorough) override {
    if (!marginal_.evaluate(psi)) return false;
    marginal_.expand_fixed(thorough);
    skew_.set_fixed(marginal_.fixed_tails());
    return true;
  }

  bool evaluate(const Vector& psi) override {
    psi_ = psi;
    if (!marginal_.evaluate(psi)) return false;
    response_.resize(marginal_.reduced_mean().size(), psi.size());
    for (Index k = 0; k < psi.size(); ++k) {
      response_.col(k) = marginal_.theta_response(Vector::Unit(psi.size(), k));
    }
    skew_.set(marginal_.precision(), marginal_.reduced_variance(), marginal_.reduced_third(),
              marginal_.fe_cov());
    return true;
  }

  DrawDensities draw(const Matrix& psi, RowMatrix& z) override {
    const LeafDesign& leaf = marginal_.leaf();
    const Index others = leaf.reduced().design().effects(), p = model().design().fixed();
    RowMatrix reduced(others + p, z.cols());
    for (Index j = 0; j < others; ++j) reduced.row(j) = z.row(leaf.full_effect(j));
    reduced.bottomRows(p) = z.bottomRows(p);
    DrawDensities log_density = skew_.draw(reduced);
    reduced.colwise() += marginal_.reduced_mean();
    add_atb(psi.colwise() - psi_, response_.transpose(), reduced.transpose());
    for (Index j = 0; j < others; ++j) z.row(leaf.full_effect(j)) = reduced.row(j);
    z.bottomRows(p) = reduced.bottomRows(p);
    for (Index c = 0; c < z.cols(); ++c) {
      coefficients_ = reduced.col(c);
      marginal_.set_family(psi.col(c));
      log_density.all[c] += draw_leaf(psi.col(c), z, c);
    }
    return log_density;
  }

 private:
  double draw_leaf(const Vector& psi, RowMatrix& z, Index column) {
    const LeafDesign& leaf = marginal_.leaf();
    for (Index g = 0; g < leaf.groups(); ++g) {
      for (Index c = 0; c < leaf.coordinates(); ++c) {
        effects_(c, g) = leaf.group_effect(g, c) < 0 ? 0.0 : z(leaf.group_effect(g, c), column);
      }
    }
    const double log_density =
        block_of_leaf_ ? block_of_leaf_->draw(coefficients_, marginal_.leaf_prior(psi), effects_)
                       : draw_line(psi[leaf.leaf()[0]]);
    for (Index g = 0; g < leaf.groups(); ++g) {
      for (Index c = 0; c < leaf.coordinates(); ++c) {
        if (leaf.group_effect(g, c) >= 0) z(leaf.group_effect(g, c), column) = effects_(c, g);
      }
    }
    return log_density;
  }

  // Of a single component.
  double draw_line(double psi) {
    for (block_.first = 0; block_.first < eta_.size(); block_.first += row_block_size) {
      block_.count = std::min(row_block_size, eta_.size() - block_.first);
      detail::predict(marginal_.leaf().reduced(), coefficients_, block_);
      eta_.segment(block_.first, block_.count) = block_.view(block_.eta);
    }
    // NOLINTNEXTLINE(bugprone-unchecked-optional-access): it is there where no block is
    return line_->draw(eta_, effect_sd(psi), effects_);
  }

  LeafMarginal marginal_;
  std::optional<LeafEffectDraws> line_;
  std::optional<BlockEffectDraws> block_of_leaf_;
  SkewDraws skew_;
  RowBlock block_;
  Vector psi_, coefficients_, eta_;
  Matrix effects_;  // m x groups
  RowMatrix response_;
};

}  // namespace mixed_glm
