// The rows of a design with one variance component alone, for passes in which lanes
// (math/lanes.hpp) are groups: the groups, sorted by size, stand in batches of lane_count; row r of
// all groups of a batch side by side.
//
//     eta_i = offset_i + x_i' beta + factor_i u_g(i)
//
// Where a group has fewer rows than the largest of its batch, one of them stands again in their
// place, with mask zero. Rows that touch no effect have factor zero, so that any of them may share
// a group. Made when it is first asked for, and kept with the design.
#pragma once

#include <algorithm>
#include <functional>
#include <mixed_glm/math/lanes.hpp>
#include <mixed_glm/model/design.hpp>
#include <vector>

namespace mixed_glm {

class LaneDesign {
 public:
  struct Batch {
    Index first, rows;  // of its largest group; rows of lanes are numbered through all batches
    Index full;         // rows that all its groups have
    bool uniform;       // each group has one factor for all its rows
  };

  // Of a design, which keeps it.
  static const LaneDesign& of(const Design& design) {
    const std::lock_guard<std::mutex> lock(design.lanes_.mutex);
    if (!design.lanes_.design) design.lanes_.design = std::make_shared<const LaneDesign>(design);
    return *design.lanes_.design;
  }

  // Whether a design is of this kind: one component, one effect of it in a row at most; and its
  // groups are not so uneven that most of a large memory would be padding.
  static bool suits(const Design& design) {
    return design.components() == 1 && design.single_components().front() &&
           !design.is_correlated() &&
           (may_be_padded(design) || padded_rows(design) <= 3 * design.rows());
  }

  explicit LaneDesign(const Design& design) : fixed_(design.fixed()) {
    deal_out(design);
    copy_columns(design);
  }

  Index fixed() const { return fixed_; }  // p
  Index rows() const { return Index(row_of_.size()) / lane_count; }
  const std::vector<Batch>& batches() const { return batches_; }
  Index largest() const { return batches_.empty() ? 0 : batches_.front().rows; }
  // Of a lane of a batch the number of its effect; -1: it has none.
  Index effect(Index batch, Index lane) const { return effect_[size_t(batch * lane_count + lane)]; }
  // Of each lane of each row of lanes, the row of the design.
  const std::vector<Index>& row_of() const { return row_of_; }

  // lane_count numbers for each row of lanes from here on, and p + 1 of these for (x, factor).
  const double* columns(Index row) const { return columns_.data() + row * width() * lane_count; }
  Index width() const { return fixed_ + 1; }
  const double* factor(Index row) const { return columns(row) + fixed_ * lane_count; }
  const double* mask(Index row) const { return mask_.data() + row * lane_count; }

 private:
  static constexpr Index most_without_effect = 64;  // rows in one group
  // Of the widest lanes, so that what suits does not depend on the machine.
  static constexpr Index most_lanes = 8;

  // Even where all but one lane of each batch were padding.
  static bool may_be_padded(const Design& design) {
    return most_lanes * design.rows() * (design.fixed() + 1) <= 16'000'000;
  }
  // Rows with those that stand again.
  static Index padded_rows(const Design& design) {
    const std::lock_guard<std::mutex> lock(design.lanes_.mutex);
    Index& padded = design.lanes_.padded_rows;
    if (padded < 0) padded = count_padded_rows(design);
    return padded;
  }
  static Index count_padded_rows(const Design& design) {
    const SparseRows& z = design.z();
    std::vector<Index> size(size_t(design.effects()), 0);
    for (Index i = 0; i < design.rows(); ++i) {
      if (z.begin(i) < z.end(i)) ++size[size_t(z.columns()[z.begin(i)])];
    }
    std::sort(size.begin(), size.end(), std::greater<>());
    Index padded = 0;
    for (size_t g = 0; g < size.size(); g += size_t(most_lanes)) padded += most_lanes * size[g];
    return padded;
  }

  struct Group {
    Index begin, rows, effect;  // begin: in a list of all rows by group
  };

  void deal_out(const Design& design) {
    std::vector<Index> listed;
    const std::vector<Group> groups = list_groups(design, listed);
    for (size_t k = 0; k < groups.size(); k += size_t(lane_count)) {
      Batch batch{rows(), groups[k].rows, groups[k].rows, true};
      row_of_.resize(row_of_.size() + size_t(batch.rows * lane_count));
      for (Index l = 0; l < lane_count; ++l) {
        const size_t g = k + size_t(l);
        const Group group = g < groups.size() ? groups[g] : Group{groups[k].begin, 0, -1};
        effect_.push_back(group.effect);
        batch.full = std::min(batch.full, group.rows);
        const Index stand_in = group.rows > 0 ? group.begin : groups[k].begin;
        for (Index r = 0; r < batch.rows; ++r) {
          row_of_[size_t((batch.first + r) * lane_count + l)] =
              listed[size_t(r < group.rows ? group.begin + r : stand_in)];
          if (r >= group.rows) padding_.push_back((batch.first + r) * lane_count + l);
        }
      }
      batches_.push_back(batch);
    }
  }

  // The largest first. listed: the rows of the design, group by group.
  static std::vector<Group> list_groups(const Design& design, std::vector<Index>& listed) {
    const SparseRows& z = design.z();
    const Index without = design.effects();  // the last group, of rows without an effect
    const auto group_of = [&](Index i) {
      return z.begin(i) == z.end(i) ? without : Index(z.columns()[z.begin(i)]);
    };
    std::vector<Index> end(size_t(without) + 2, 0);
    for (Index i = 0; i < design.rows(); ++i) ++end[size_t(group_of(i)) + 1];
    std::vector<Group> groups;
    for (Index g = 0; g <= without; ++g) {
      const Index begin = end[size_t(g)], count = end[size_t(g) + 1];
      end[size_t(g) + 1] = begin + count;
      if (g < without) groups.push_back({begin, count, g});
      for (Index r = 0; g == without && r < count; r += most_without_effect) {
        groups.push_back({begin + r, std::min(most_without_effect, count - r), -1});
      }
    }
    listed.resize(size_t(design.rows()));
    for (Index i = 0; i < design.rows(); ++i) listed[size_t(end[size_t(group_of(i))]++)] = i;
    std::stable_sort(groups.begin(), groups.end(),
                     [](const Group& a, const Group& b) { return a.rows > b.rows; });
    return groups;
  }

  void copy_columns(const Design& design) {
    const SparseRows& z = design.z();
    const auto n = Index(row_of_.size());
    columns_.resize(n * width());
    const auto copy = [&](Index j, auto&& value) {
      for (Index r = 0; r < rows(); ++r) {
        double* const to = columns_.data() + (r * width() + j) * lane_count;
        for (Index l = 0; l < lane_count; ++l) to[l] = value(row_of_[size_t(r * lane_count + l)]);
      }
    };
    for (Index j = 0; j < fixed_; ++j) {
      const double* const column = design.x().col(j).data();
      copy(j, [column](Index i) { return column[i]; });
    }
    copy(fixed_, [&z](Index i) { return z.begin(i) == z.end(i) ? 0.0 : z.value(z.begin(i)); });
    mask_.setOnes(n);
    for (const Index s : padding_) mask_[s] = 0.0;
    for (Batch& batch : batches_) batch.uniform = is_uniform(batch);
  }

  bool is_uniform(const Batch& batch) const {
    for (Index r = 1; r < batch.rows; ++r) {
      if (!std::equal(factor(batch.first), factor(batch.first) + lane_count,
                      factor(batch.first + r))) {
        return false;
      }
    }
    return true;
  }

  Index fixed_;
  std::vector<Batch> batches_;
  std::vector<Index> row_of_, padding_, effect_;
  Vector columns_, mask_;
};

}  // namespace mixed_glm
