// The rows of a design, visited block by block, on one thread or by a team, with sums that have the
// same bits for any number of threads: every number gets its additions in the order of the rows.
//
// A team works on chunks of a few blocks. Effects that only one chunk touches (shared_effects.hpp),
// which with sorted rows are nearly all of a grouping factor's, are added to at once; what all
// chunks touch (the fixed effects, the other effects) is added when it is the chunk's turn:
//
//     rows.for_blocks([&](TeamBlock& block) { ...; rows.add_gradient(block, gradient); },
//                     [&](TeamBlock& block) { rows.finish_gradient(block, gradient); });
//
// Turns overlap with the work on the next chunks, and cost time only where they make up more than
// one part in as many as there are threads.
#pragma once

#include <mixed_glm/model/row_sums.hpp>
#include <mixed_glm/model/shared_effects.hpp>
#include <mixed_glm/parallel/ordered_chunks.hpp>

namespace mixed_glm {

struct TeamBlock : RowBlock {
  int member = 0;    // of the team, that works on it
  double sum = 0.0;  // of whatever the rows have
  // What waits for the chunk's turn.
  Vector fixed_gradient;          // p
  Matrix fixed_curvature;         // p x p
  std::vector<EntryRun> waiting;  // of shared effects
};

class RowTeam {
 public:
  // Both are viewed. No team, or few rows: the calling thread does it all.
  explicit RowTeam(const Design& design, Team* team = nullptr)
      : design_(&design), team_(is_worth(design, team) ? team : nullptr) {
    blocks_.resize(team_ == nullptr ? 1 : size_t(members() * chunk_blocks));
    if (team_ == nullptr) return;
    shared_ = SharedEffects(design.z(), chunk_blocks * row_block_size);
    for (size_t k = 0; k < blocks_.size(); ++k) reserve(blocks_[k], int(k) / int(chunk_blocks));
  }

  int members() const { return team_ == nullptr ? 1 : team_->size(); }

  template <class Prepare>
  void for_blocks(Prepare&& prepare) {
    for_blocks(prepare, [](TeamBlock&) {});
  }
  // prepare(block) may run in several threads at a time; finish(block) comes in the blocks' order.
  template <class Prepare, class Finish>
  void for_blocks(Prepare&& prepare, Finish&& finish) {
    if (team_ == nullptr) {
      TeamBlock& block = blocks_.front();
      for (Index first = 0; first < design_->rows(); first += row_block_size) {
        place(block, first);
        prepare(block);
        finish(block);
      }
      return;
    }
    constexpr Index chunk_rows = chunk_blocks * row_block_size;
    const auto visit = [&](int member, Index chunk, auto&& each) {
      TeamBlock* block = blocks_.data() + member * chunk_blocks;
      const Index end = std::min(design_->rows(), (chunk + 1) * chunk_rows);
      for (Index first = chunk * chunk_rows; first < end; first += row_block_size) {
        place(*block, first);
        each(*block++);
      }
    };
    run_in_order(
        *team_, (design_->rows() + chunk_rows - 1) / chunk_rows,
        [&](int member, Index chunk) { visit(member, chunk, prepare); },
        [&](int member, Index chunk) { visit(member, chunk, finish); });
  }

  // Adds A' pull of the block, but for what waits for its turn.
  void add_gradient(TeamBlock& block, Vector& gradient) const {
    if (team_ == nullptr) return detail::add_gradient(*design_, block, gradient);
    block.fixed_gradient.setZero();
    detail::add_fixed_gradient(*design_, block, block.fixed_gradient);
    block.waiting.clear();
    for_each_run(design_->z(), block.first, block.count, [&](const EntryRun& run) {
      if (shared_.contains(run.effect)) {
        block.waiting.push_back(run);
      } else {
        detail::add_run_gradient(design_->z(), block, run, gradient);
      }
    });
  }
  void finish_gradient(const TeamBlock& block, Vector& gradient) const {
    if (team_ == nullptr) return;
    gradient.tail(design_->fixed()) += block.fixed_gradient;
    for (const EntryRun& run : block.waiting) {
      detail::add_run_gradient(design_->z(), block, run, gradient);
    }
  }

  // Adds A' diag(weight) A of the block, but for what waits for its turn; after add_gradient.
  void add_curvature(TeamBlock& block, double* values) const {
    if (team_ == nullptr) return detail::add_curvature(*design_, block, values);
    detail::weigh_fixed(*design_, block);
    block.fixed_curvature.setZero();
    detail::add_fixed_curvature(*design_, block, block.fixed_curvature.data(), design_->fixed());
    for_each_run(design_->z(), block.first, block.count, [&](const EntryRun& run) {
      if (shared_.contains(run.effect)) return;
      detail::add_run_curvature(*design_, block, run, values);
    });
    if (!design_->has_pairs()) return;
    detail::add_pair_curvature(*design_, block, values, [this](Code e, Code f) {
      return !shared_.contains(e) || !shared_.contains(f);
    });
  }
  void finish_curvature(const TeamBlock& block, double* values) const {
    if (team_ == nullptr) return;
    add_fixed(block, values);
    for (const EntryRun& run : block.waiting) {
      detail::add_run_curvature(*design_, block, run, values);
    }
    if (!shared_.has_pairs()) return;
    detail::add_pair_curvature(*design_, block, values, [this](Code e, Code f) {
      return shared_.contains(e) && shared_.contains(f);
    });
  }

 private:
  static constexpr Index chunk_blocks = 4;

  static bool is_worth(const Design& design, const Team* team) {
    return team != nullptr && team->size() > 1 && design.rows() >= team->fewest_rows();
  }

  void place(TeamBlock& block, Index first) const {
    block.first = first;
    block.count = std::min(row_block_size, design_->rows() - first);
  }

  // All memory that a block will need: which member meets which block is left to chance.
  void reserve(TeamBlock& block, int member) const {
    const SparseRows& z = design_->z();
    block.member = member;
    block.fixed_gradient.resize(design_->fixed());
    block.fixed_curvature.resize(design_->fixed(), design_->fixed());
    block.reserve_weighted_x(design_->fixed());
    Index most = 0;
    for (Index first = 0; first < z.rows(); first += row_block_size) {
      most = std::max(most, z.end(std::min(first + row_block_size, z.rows()) - 1) - z.begin(first));
    }
    block.waiting.reserve(size_t(most));
  }

  void add_fixed(const TeamBlock& block, double* values) const {
    const Index p = design_->fixed(), stride = design_->pattern().dense();
    double* const corner = detail::fixed_corner(*design_, values);
    for (Index a = 0; a < p; ++a) {
      Eigen::Map<Vector>(corner + a * (stride + 1), p - a) +=
          block.fixed_curvature.col(a).tail(p - a);
    }
  }

  const Design* design_;
  Team* team_;
  SharedEffects shared_;
  std::vector<TeamBlock> blocks_;  // chunk_blocks for each member
};

}  // namespace mixed_glm
