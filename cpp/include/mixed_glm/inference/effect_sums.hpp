// Some numbers of each effect that are sums over the rows that touch it, used as soon as all of its
// rows have been seen: of rows that lie together by effect, as they mostly do, few are open at a
// time. For designs of which each row touches one effect at most.
#pragma once

#include <mixed_glm/model/row_sums.hpp>
#include <vector>

namespace mixed_glm {

class EffectSums {
 public:
  // numbers: of each effect. The design is viewed.
  EffectSums(const Design& design, Index numbers)
      : design_(&design),
        numbers_(size_t(numbers)),
        rows_(size_t(design.effects()), 0),
        slot_(size_t(design.effects()), none) {
    const SparseRows& z = design.z();
    for (Index e = 0; e < z.entries(); ++e) ++rows_[size_t(z.columns()[e])];
  }

  void begin() {
    left_ = rows_;
    std::fill(slot_.begin(), slot_.end(), none);
    free_.clear();
    sums_.clear();
  }

  // The rows that follow.
  void open(Index first, Index count) {
    runs_.clear();
    mixed_glm::for_each_run(design_->z(), first, count, [&](const EntryRun& run) {
      Code& slot = slot_[size_t(run.effect)];
      if (slot == none) slot = new_slot();
      runs_.push_back({run, size_t(slot) * numbers_});
    });
  }
  template <class Visit>
  void for_each_run(Visit&& visit) const {
    for (const Open& open : runs_) visit(open.run);
  }

  // To all numbers of each effect: the sums of its rows' factors times the rows' values, of which
  // each number has a column.
  void add(const ConstMatrixRef& values) {
    if (values.cols() == 0) return;
    for (const Open& open : runs_) {
      const Index length = open.run.length();
      Index room = length;
      const double* factors = ones_.data();
      if (design_->z().is_indicator()) {
        room = values.rows() - open.run.begin;
      } else {
        factors = design_->z().values() + open.run.entry;
      }
      add_column_products(factors, length, room, values.data() + open.run.begin,
                          values.outerStride(), values.cols(), sums_.data() + open.first);
    }
  }

  // use(effect, numbers) for each effect all of whose rows have been there.
  template <class Use>
  void close(Use&& use) {
    for (const Open& open : runs_) {
      const auto effect = size_t(open.run.effect);
      left_[effect] -= Code(open.run.length());
      if (left_[effect] > 0) continue;
      use(open.run.effect, static_cast<const double*>(sums_.data() + open.first));
      free_.push_back(slot_[effect]);
    }
  }

 private:
  static constexpr Code none = -1;

  struct Open {
    EntryRun run;
    size_t first;  // of the effect's numbers in sums_
  };

  Code new_slot() {
    if (free_.empty()) {
      sums_.resize(sums_.size() + numbers_, 0.0);
      return Code(sums_.size() / std::max<size_t>(numbers_, 1)) - 1;
    }
    const Code slot = free_.back();
    free_.pop_back();
    std::fill_n(sums_.begin() + std::ptrdiff_t(size_t(slot) * numbers_), numbers_, 0.0);
    return slot;
  }

  const Design* design_;
  size_t numbers_;
  std::vector<Code> rows_, left_;  // of each effect: all, and those to come
  std::vector<Code> slot_, free_;  // of each effect, and those not in use
  std::vector<double> sums_;       // numbers_ for each slot
  std::vector<Open> runs_;
  Vector ones_ = Vector::Ones(row_block_size);  // factors of an indicator design
};

}  // namespace mixed_glm
