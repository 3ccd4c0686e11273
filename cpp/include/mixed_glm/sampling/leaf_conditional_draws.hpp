// Draws of the coefficients given psi with the leaf, one component or a block, taken exactly: the
// others from the distribution of the leaf quadrature (leaf_marginal.hpp, skew_draws.hpp), then the
// leaf's effects from their conditional densities given the others and psi (leaf_effect_draws.hpp,
// block_effect_draws.hpp). As these are independent given the others, only the groups that are
// wanted are visited.
#pragma once

#include <mixed_glm/leaf/leaf_marginal.hpp>
#include <mixed_glm/sampling/block_effect_draws.hpp>
#include <mixed_glm/sampling/leaf_effect_draws.hpp>
#include <mixed_glm/sampling/marginal_draws.hpp>
#include <optional>

namespace mixed_glm {

class LeafConditionalDraws final : public MarginalDraws<LeafMarginal> {
 public:
  LeafConditionalDraws(const Model& model, const LeafBlock& leaf, LeafSettings settings)
      : MarginalDraws(model, leaf, settings),
        batches_(marginal_.leaf().batches()),
        eta_(model.design().rows()),
        effects_(leaf.size(), marginal_.leaf().groups()) {
    if (leaf.size() == 1) {
      line_.emplace(marginal_.leaf());
    } else {
      block_.emplace(marginal_.leaf(), settings.n_quad);
    }
  }

  std::vector<Index> want(const std::vector<Index>& effects) override {
    const LeafDesign& leaf = marginal_.leaf();
    const Index q = model().design().effects();
    std::vector<char> drawn(size_t(q), 0);
    for (const Index j : effects) drawn[size_t(j)] = 1;
    batches_ = batches_with(drawn);
    for (const LeafBatch& batch : batches_) {
      for (Index g = batch.first_group; g < batch.last_group; ++g) mark_group(g, drawn);
    }
    for (Index j = 0; j < others(); ++j) drawn[size_t(leaf.full_effect(j))] = 1;
    std::vector<Index> all;
    for (Index j = 0; j < q; ++j) {
      if (drawn[size_t(j)] != 0) all.push_back(j);
    }
    return all;
  }

  DrawDensities draw(const Matrix& psi, RowMatrix& z) override {
    const LeafDesign& leaf = marginal_.leaf();
    const Index p = model().design().fixed();
    RowMatrix reduced(others() + p, z.cols());
    for (Index j = 0; j < others(); ++j) reduced.row(j) = z.row(leaf.full_effect(j));
    reduced.bottomRows(p) = z.bottomRows(p);
    DrawDensities log_density = draw_about_mean(psi, reduced);
    for (Index j = 0; j < others(); ++j) z.row(leaf.full_effect(j)) = reduced.row(j);
    z.bottomRows(p) = reduced.bottomRows(p);
    for (Index c = 0; c < z.cols(); ++c) {
      coefficients_ = reduced.col(c);
      marginal_.set_family(psi.col(c));
      log_density.all[c] += draw_leaf(psi.col(c), z, c);
    }
    return log_density;
  }

 private:
  Index others() const { return marginal_.leaf().reduced().design().effects(); }

  void take_over() override {
    mean_ = marginal_.reduced_mean();
    response_.resize(mean_.size(), psi_.size());
    for (Index k = 0; k < psi_.size(); ++k) {
      response_.col(k) = marginal_.theta_response(Vector::Unit(psi_.size(), k));
    }
    skew_.set(marginal_.precision(), marginal_.reduced_variance(), marginal_.reduced_third(),
              marginal_.fe_cov());
  }

  // Runs of groups of one batch that have an effect which is marked.
  std::vector<LeafBatch> batches_with(const std::vector<char>& marked) const {
    const LeafDesign& leaf = marginal_.leaf();
    std::vector<LeafBatch> found;
    for (const LeafBatch& batch : leaf.batches()) {
      bool follows = false;  // a group that is wanted, of the same batch
      for (Index g = batch.first_group; g < batch.last_group; ++g) {
        bool wanted = false;
        for (Index c = 0; c < leaf.coordinates(); ++c) {
          const Index effect = leaf.group_effect(g, c);
          wanted = wanted || (effect >= 0 && marked[size_t(effect)] != 0);
        }
        if (wanted && !follows) found.push_back({g, g, leaf.group_begin(g), leaf.group_begin(g)});
        if (wanted) {
          found.back().last_group = g + 1;
          found.back().last_row = leaf.group_end(g);
        }
        follows = wanted;
      }
    }
    return found;
  }

  void mark_group(Index g, std::vector<char>& marked) const {
    for (Index c = 0; c < marginal_.leaf().coordinates(); ++c) {
      const Index effect = marginal_.leaf().group_effect(g, c);
      if (effect >= 0) marked[size_t(effect)] = 1;
    }
  }

  double draw_leaf(const Vector& psi, RowMatrix& z, Index column) {
    for_effects([&](Index g, Index c, Index effect) {
      effects_(c, g) = effect < 0 ? 0.0 : z(effect, column);
    });
    const double log_density =
        block_ ? block_->draw(coefficients_, marginal_.leaf_prior(psi), batches_, effects_)
               : draw_line(psi[marginal_.leaf().leaf()[0]]);
    for_effects([&](Index g, Index c, Index effect) {
      if (effect >= 0) z(effect, column) = effects_(c, g);
    });
    return log_density;
  }

  // visit(group, coordinate, effect of the full design or -1)
  template <class Visit>
  void for_effects(Visit&& visit) const {
    const LeafDesign& leaf = marginal_.leaf();
    for (const LeafBatch& batch : batches_) {
      for (Index g = batch.first_group; g < batch.last_group; ++g) {
        for (Index c = 0; c < leaf.coordinates(); ++c) visit(g, c, leaf.group_effect(g, c));
      }
    }
  }

  // Of a single component.
  double draw_line(double psi) {
    double total = 0.0;
    for (const LeafBatch& batch : batches_) {
      batch.for_blocks([&](Index begin, Index end) {
        rows_.first = begin;
        rows_.count = end - begin;
        detail::predict(marginal_.leaf().reduced(), coefficients_, rows_);
        eta_.segment(begin, end - begin) = rows_.view(rows_.eta);
      });
      // NOLINTNEXTLINE(bugprone-unchecked-optional-access): it is there where no block is
      total += line_->draw(eta_, effect_sd(psi), batch, effects_);
    }
    return total;
  }

  std::vector<LeafBatch> batches_;  // with the groups that are drawn
  std::optional<LeafEffectDraws> line_;
  std::optional<BlockEffectDraws> block_;
  RowBlock rows_;
  Vector coefficients_, eta_;
  Matrix effects_;  // m x groups
};

}  // namespace mixed_glm
