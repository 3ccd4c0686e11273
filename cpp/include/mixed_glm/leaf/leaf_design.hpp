// A design seen from its leaf, one component or a block of m (leaf_block.hpp): each row touches the
// effects of one group at most, so that given everything else these groups are independent.
//
//     eta_i = offset_i + x_i' beta + z'_i v + factor_i' u_g(i)        factor_i, u_g: m each
//
// Rows are sorted by group g (a row that touches none is a group of its own with factor zero). What
// remains, (v, beta), is a design of its own, in which the effects that one group touches are
// neighbours: eliminating u_g connects them.
#pragma once

#include <memory>
#include <mixed_glm/leaf/leaf_batches.hpp>
#include <mixed_glm/leaf/leaf_block.hpp>
#include <mixed_glm/model/family_at.hpp>
#include <vector>

namespace mixed_glm {

class LeafDesign {
 public:
  // The model is viewed and must outlive this object; its rows are copied in the order of groups.
  LeafDesign(const Model& model, const LeafBlock& leaf)
      : full_(&model), family_(model), leaf_(leaf) {
    if (!is_leaf(model.design(), leaf)) {
      throw std::invalid_argument(
          "leaf: expected a variance component of which each row touches at most one effect, or "
          "up to three such components of the same groups");
    }
    if (is_correlated()) leaf_ = correlated_block(model.design());  // in the term's order
    sort_rows();
    batches_ = make_leaf_batches(group_start_);
    copy_rows();
    make_reduced();
    locate_cliques();
  }
  LeafDesign(const LeafDesign&) = delete;  // the reduced model views members of this object
  LeafDesign& operator=(const LeafDesign&) = delete;

  // After the full model's response has been replaced.
  void update_response() {
    sort_response();
    reduced_model_->set_rows(sorted_, sorted_offset_);
  }

  // All that is asked of the family is at theta.
  void set_theta(ConstVectorRef theta) { family_.set(theta); }
  const FamilyAt& family() const { return family_; }

  const Model& full() const { return *full_; }
  const Model& reduced() const { return *reduced_model_; }  // of (v, beta), rows by group
  const LeafBlock& leaf() const { return leaf_; }
  Index coordinates() const { return leaf_.size(); }  // m
  bool is_correlated() const { return full_->design().is_correlated(); }

  Index groups() const { return static_cast<Index>(group_start_.size()) - 1; }
  Index group_begin(Index g) const { return group_start_[size_t(g)]; }
  Index group_end(Index g) const { return group_start_[size_t(g) + 1]; }
  const std::vector<LeafBatch>& batches() const { return batches_; }
  // Number in the full design of the group's effect of a coordinate; -1: it has none.
  Index group_effect(Index g, Index c = 0) const {
    return group_effect_[size_t(g * coordinates() + c)];
  }
  const double* factor(Index c = 0) const { return factor_.col(c).data(); }  // n
  const std::vector<Code>& row_group() const { return row_group_; }

  // The other effects that group g touches, as numbers of the reduced design.
  Index touched_begin(Index g) const { return touched_start_[size_t(g)]; }
  Index touched_count(Index g) const { return touched_start_[size_t(g) + 1] - touched_begin(g); }
  const std::vector<Code>& touched() const { return touched_; }
  // For each entry of the reduced rows its place among the group's touched effects.
  const std::vector<Code>& entry_place() const { return entry_place_; }

  // Vectors on what group g touches (its effects, then beta). Adds factor a', a row of the group.
  template <class Local>
  void add_row(Index g, Index row, double factor, Local& local) const {
    const Design& design = *reduced_design_;
    for (Index e = design.z().begin(row); e < design.z().end(row); ++e) {
      local[entry_place_[size_t(e)]] += factor * design.z().value(e);
    }
    local.segment(touched_count(g), design.fixed()) += factor * design.x().row(row).transpose();
  }
  // Product with a row of the group.
  template <class Local>
  double product(Index g, Index row, const Local& local) const {
    const Design& design = *reduced_design_;
    double sum = design.x().row(row) * local.segment(touched_count(g), design.fixed());
    for (Index e = design.z().begin(row); e < design.z().end(row); ++e) {
      sum += design.z().value(e) * local[entry_place_[size_t(e)]];
    }
    return sum;
  }
  // Adds factor local to a vector of the reduced design's coefficients.
  template <class Local>
  void scatter(Index g, double factor, const Local& local, Vector& coefficients) const {
    const Index first = touched_begin(g), touched = touched_count(g);
    const Index fixed = reduced_design_->fixed();
    for (Index a = 0; a < touched; ++a) {
      coefficients[touched_[size_t(first + a)]] += factor * local[a];
    }
    coefficients.tail(fixed) += factor * local.tail(fixed);
  }
  // Positions in the bordered matrix of all pairs (a, b <= a) of the group's touched effects.
  const std::int32_t* clique(Index g) const {
    return clique_positions_.data() + clique_start_[size_t(g)];
  }
  // Number in the full design of an effect of the reduced one.
  Index full_effect(Index reduced_effect) const {
    return other_effect_[size_t(reduced_model_->design().user_effect(reduced_effect))];
  }

 private:
  void sort_rows() {
    const Design& design = full_->design();
    const LeafGroups linked(design, leaf_);
    std::vector<std::vector<Index>> rows_of(size_t(linked.size()));
    std::vector<Index> without;
    for (Index i = 0; i < design.rows(); ++i) {
      const Index group = group_of(linked, i);
      (group < 0 ? without : rows_of[size_t(group)]).push_back(i);
    }
    group_start_.assign(1, 0);
    const auto close_group = [&] {
      row_group_.resize(row_order_.size(), static_cast<Code>(groups()));
      group_start_.push_back(static_cast<Index>(row_order_.size()));
    };
    for (Index g = 0; g < linked.size(); ++g) {
      row_order_.insert(row_order_.end(), rows_of[size_t(g)].begin(), rows_of[size_t(g)].end());
      for (Index c = 0; c < coordinates(); ++c) group_effect_.push_back(linked.effect(g, c));
      close_group();
    }
    const Index together = rows_together(full_->family());  // are not parted
    for (size_t k = 0; k < without.size(); ++k) {
      row_order_.push_back(without[k]);
      if (Index(k + 1) % together == 0) close_group();
    }
    group_effect_.resize(size_t(groups() * coordinates()), -1);
  }

  Index group_of(const LeafGroups& linked, Index row) const {
    const SparseRows& z = full_->design().z();
    for (Index e = z.begin(row); e < z.end(row); ++e) {
      const Index group = linked.group(z.columns()[e]);
      if (group >= 0) return group;
    }
    return -1;
  }
  // The coordinate of the leaf that an effect of the full design is of; -1: none.
  Index coordinate(Index effect) const { return leaf_.place(full_->design().component(effect)); }

  void copy_rows() {
    const Design& design = full_->design();
    const Index n = design.rows();
    const SparseRows& z = design.z();
    x_.resize(n, design.fixed());
    factor_.setZero(n, coordinates());
    for (Index r = 0; r < n; ++r) {
      const Index i = row_order_[size_t(r)];
      x_.row(r) = design.x().row(i);
      for (Index e = z.begin(i); e < z.end(i); ++e) {
        const Index c = coordinate(z.columns()[e]);
        if (c >= 0) factor_(r, c) = z.value(e);
      }
    }
    sorted_offset_.resize(n);
    for (Vector* column : {&sorted_.a, &sorted_.b, &sorted_.constant}) column->resize(n);
    sort_response();
  }

  void sort_response() {
    const Response& response = full_->response();
    for (Index r = 0; r < sorted_offset_.size(); ++r) {
      const Index i = row_order_[size_t(r)];
      sorted_offset_[r] = full_->offset()[i];
      sorted_.a[r] = response.a[i];
      sorted_.b[r] = response.b[i];
      sorted_.constant[r] = response.constant[i];
    }
  }

  void make_reduced() {
    const Design& design = full_->design();
    const SparseRows& z = design.z();
    std::vector<Code> number(size_t(design.effects()), -1), ident;
    for (Index j = 0; j < design.effects(); ++j) {
      if (coordinate(j) >= 0) continue;
      number[size_t(j)] = static_cast<Code>(other_effect_.size());
      other_effect_.push_back(j);
      ident.push_back(design.component(j));
    }
    std::vector<std::int64_t> row_start = {0}, clique_start = {0};
    std::vector<Code> columns, members;
    std::vector<double> values;
    std::vector<Index> seen_by(other_effect_.size(), -1);
    for (Index g = 0; g < groups(); ++g) {
      for (Index r = group_begin(g); r < group_end(g); ++r) {
        const Index i = row_order_[size_t(r)];
        for (Index e = z.begin(i); e < z.end(i); ++e) {
          const Code other = number[size_t(z.columns()[e])];
          if (other < 0) continue;
          columns.push_back(other);
          values.push_back(z.value(e));
          if (seen_by[size_t(other)] == g) continue;
          seen_by[size_t(other)] = g;
          members.push_back(other);
        }
        row_start.push_back(static_cast<std::int64_t>(columns.size()));
      }
      clique_start.push_back(static_cast<std::int64_t>(members.size()));
    }
    const auto q = static_cast<Index>(other_effect_.size());
    reduced_design_ = Design::with_cliques(
        x_, SparseRows(design.rows(), q, row_start.data(), columns.data(), values.data()),
        SparseRows(groups(), q, clique_start.data(), members.data(), nullptr), ident,
        design.components());
    Prior prior = full_->prior();
    prior.cor.clear();  // of the leaf, if there are any
    reduced_model_ = std::make_unique<Model>(*reduced_design_, full_->family(), sorted_,
                                             std::move(prior), sorted_offset_);
  }

  void locate_cliques() {
    const Design& design = *reduced_design_;
    const SparseRows& z = design.z();
    std::vector<Code> place(size_t(design.effects()), -1);
    touched_start_.assign(1, 0);
    clique_start_.assign(1, 0);
    for (Index g = 0; g < groups(); ++g) {
      const size_t first = touched_.size();
      for (Index r = group_begin(g); r < group_end(g); ++r) {
        for (Index e = z.begin(r); e < z.end(r); ++e) {
          Code& at = place[size_t(z.columns()[e])];
          if (at < 0) {
            at = static_cast<Code>(touched_.size() - first);
            touched_.push_back(z.columns()[e]);
          }
          entry_place_.push_back(at);
        }
      }
      for (size_t a = first; a < touched_.size(); ++a) {
        place[size_t(touched_[a])] = -1;
        for (size_t b = first; b <= a; ++b) {
          const Index position = design.pattern().position(touched_[a], touched_[b]);
          clique_positions_.push_back(static_cast<std::int32_t>(position));
        }
      }
      touched_start_.push_back(static_cast<Index>(touched_.size()));
      clique_start_.push_back(static_cast<Index>(clique_positions_.size()));
    }
  }

  const Model* full_;
  FamilyAt family_;
  LeafBlock leaf_;
  std::vector<Index> row_order_, group_start_, group_effect_;  // effects: m of each group
  std::vector<Code> row_group_;
  std::vector<LeafBatch> batches_;
  Matrix x_;
  Response sorted_;  // rows by group
  Vector sorted_offset_;
  Matrix factor_;                    // n x m
  std::vector<Index> other_effect_;  // number in the full design, by number in the reduced one
  std::unique_ptr<Design> reduced_design_;
  std::unique_ptr<Model> reduced_model_;
  std::vector<Index> touched_start_, clique_start_;
  std::vector<Code> touched_, entry_place_;
  std::vector<std::int32_t> clique_positions_;
};

}  // namespace mixed_glm
