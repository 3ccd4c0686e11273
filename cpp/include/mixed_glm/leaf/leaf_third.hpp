// Third cumulants of what remains beside the leaf, x = (v, beta): third derivatives of the
// collapsed log likelihood (leaf_likelihood.hpp) along the directions d_a = Sigma e_a. For a group,
// at node k, with the rows a_i and the shift h of leaf_scores.hpp, alpha_ia = a_i' d_a = (Sigma
// a'_i)_a - (Sigma h factor_i)_a:
//
//     F_ak = sum_i l'_ik alpha_ia + prior = (Sigma d_k)_a
//     kappa_abc = sum_i { E_k[l'''] alpha_a alpha_b alpha_c + alpha_a alpha_b r_c
//                         + alpha_a r_b alpha_c + r_a alpha_b alpha_c } + E_k[F_a F_b F_c]
//     r_ia = E_k[l''_ik F_ak]
//
// Of an effect v_j, the rows that touch it, and all groups that do.
#pragma once

#include <mixed_glm/inference/fixed_tails.hpp>
#include <mixed_glm/leaf/leaf_nodes.hpp>
#include <mixed_glm/linalg/selected_inverse.hpp>
#include <mixed_glm/linalg/symmetric_cubes.hpp>
#include <mixed_glm/math/resize_buffer.hpp>
#include <vector>

namespace mixed_glm {

class LeafThird {
 public:
  LeafThird(const LeafDesign& leaf, int members)
      : leaf_(&leaf),
        of_entries_(leaf.reduced().design().z().entries()),
        of_groups_(Index(leaf.touched().size())),
        members_(size_t(members), Member(skew_fixed())),
        total_(skew_fixed()) {}

  // For a sweep at Sigma; with_fixed: of beta, too.
  void open(const SelectedInverse& sigma, bool with_fixed) {
    sigma_ = &sigma;
    with_fixed_ = with_fixed;
    effects_.setZero(leaf_->reduced().design().effects());
    for (SymmetricCubes* cubes : all_cubes()) cubes->set_zero();
  }

  // product: Sigma d_k, what the group touches x K.
  template <class Weights>
  void add_group(int member, Index g, const Weights& weights, const Matrix& product) {
    const Index touched = leaf_->touched_count(g);
    for (Index a = 0; a < touched; ++a) {
      of_groups_[leaf_->touched_begin(g) + a] =
          (product.row(a).transpose().array().cube() * weights.array()).sum();
    }
    if (!with_fixed_) return;
    Member& own = members_[size_t(member)];
    resize_buffer(own.scores, product.cols(), fixed());
    own.scores = product.bottomRows(fixed()).transpose();
    own.cubes.add(weights, own.scores);
  }

  // Row r of the chunk, of group g. shift_product: Sigma h, a column for each coordinate.
  template <class Weights>
  void add_row(const NodeChunk& chunk, Index r, Index g, const Weights& weights,
               const Matrix& product, const Matrix& shift_product) {
    const Design& design = leaf_->reduced().design();
    const Index i = chunk.first + r;
    if (!with_fixed_ && design.z().begin(i) == design.z().end(i)) return;
    Member& own = members_[size_t(chunk.member)];
    resize_buffer(own.weighted, weights.size(), 1);
    own.weighted = weights.cwiseProduct(chunk.d2.row(r).transpose());
    const double third = chunk.d3.row(r).dot(weights);
    for (Index e = design.z().begin(i); e < design.z().end(i); ++e) {
      const Code place = leaf_->entry_place()[size_t(e)];
      double alpha = covariance(g, i, place);
      for (Index c = 0; c < shift_product.cols(); ++c) {
        alpha -= leaf_->factor(c)[i] * shift_product(place, c);
      }
      const double mixed = product.row(place).dot(own.weighted);
      of_entries_[e] = alpha * alpha * (third * alpha + 3.0 * mixed);
    }
    if (with_fixed_) set_fixed_row(own, r, i, third, product, shift_product);
  }

  // For a chunk whose rows have all been added.
  void close_chunk(const NodeChunk& chunk) {
    if (!with_fixed_) return;
    Member& own = members_[size_t(chunk.member)];
    add_mixed_cubes(own.third.head(chunk.count), own.alpha.topRows(chunk.count),
                    own.mixed.topRows(chunk.count), own.cubes);
  }

  // In the order of the batches.
  void finish(int member, const LeafBatch& batch) {
    const SparseRows& z = leaf_->reduced().design().z();
    for (Index e = z.begin(batch.first_row); e < z.begin(batch.last_row); ++e) {
      effects_[z.columns()[e]] += of_entries_[e];
    }
    for (Index g = batch.first_group; g < batch.last_group; ++g) {
      if (leaf_->group_begin(g) == leaf_->group_end(g)) continue;
      for (Index t = leaf_->touched_begin(g); t < leaf_->touched_begin(g) + leaf_->touched_count(g);
           ++t) {
        effects_[leaf_->touched()[size_t(t)]] += of_groups_[t];
      }
    }
    if (!with_fixed_) return;
    total_ += members_[size_t(member)].cubes;
    members_[size_t(member)].cubes.set_zero();
  }

  const Vector& of_effects() const { return effects_; }  // of v, the reduced design's numbers
  Matrix of_fixed() const { return total_.whole(); }

 private:
  // What each member of the team has of its own.
  struct Member {
    explicit Member(Index size)
        : cubes(size),
          alpha(row_block_size, size),
          mixed(row_block_size, size),
          third(row_block_size) {}
    SymmetricCubes cubes;
    Matrix alpha, mixed, scores;
    Vector third, weighted;
  };

  Index fixed() const { return leaf_->reduced().design().fixed(); }
  Index skew_fixed() const { return fixed() > most_skew_fixed_effects ? 0 : fixed(); }

  std::vector<SymmetricCubes*> all_cubes() {
    std::vector<SymmetricCubes*> all = {&total_};
    for (Member& own : members_) all.push_back(&own.cubes);
    return all;
  }

  // a_i' Sigma e_j for an effect that the group touches.
  double covariance(Index g, Index i, Index place) const {
    const Design& design = leaf_->reduced().design();
    const Code effect = leaf_->touched()[size_t(leaf_->touched_begin(g) + place)];
    double sum = design.x().row(i).dot(sigma_->with_border(effect));
    for (Index e = design.z().begin(i); e < design.z().end(i); ++e) {
      const Index other = leaf_->entry_place()[size_t(e)];
      const Index high = std::max(other, place), low = std::min(other, place);
      const std::int32_t position = leaf_->clique(g)[high * (high + 1) / 2 + low];
      sum += design.z().value(e) * sigma_->values()[position];
    }
    return sum;
  }

  void set_fixed_row(Member& own, Index r, Index i, double third, const Matrix& product,
                     const Matrix& shift_product) const {
    const Design& design = leaf_->reduced().design();
    own.third[r] = third;
    auto alpha = own.alpha.row(r);
    alpha.noalias() = design.x().row(i) * sigma_->border_block();
    for (Index c = 0; c < shift_product.cols(); ++c) {
      alpha -= leaf_->factor(c)[i] * shift_product.col(c).tail(fixed()).transpose();
    }
    for (Index e = design.z().begin(i); e < design.z().end(i); ++e) {
      alpha += design.z().value(e) * sigma_->with_border(design.z().columns()[e]).transpose();
    }
    own.mixed.row(r).noalias() = (product.bottomRows(fixed()) * own.weighted).transpose();
  }

  const LeafDesign* leaf_;
  const SelectedInverse* sigma_ = nullptr;
  bool with_fixed_ = false;
  Vector of_entries_, of_groups_, effects_;
  std::vector<Member> members_;
  SymmetricCubes total_;
};

}  // namespace mixed_glm
