// The rows of a design, visited block by block, on one thread or by a team, with sums that have the
// same bits for any number of threads: every number gets its additions in the order of the rows.
//
// Rows come in chunks of a few blocks. What all chunks add to is summed by chunk first: the fixed
// effects, and, where there is a team, effects that several chunks touch (shared_effects.hpp; with
// sorted rows they are few of a grouping factor's). These sums are added to the others when it is
// the chunk's turn; all other effects are added to at once:
//
//     rows.for_blocks([&](TeamBlock& block) { ...; rows.add_gradient(block, gradient); },
//                     [&](TeamBlock& chunk) { rows.finish_gradient(chunk, gradient); });
//
// Turns overlap with the work on the next chunks, and cost time only where they make up more than
// one part in as many as there are threads.
#pragma once

#include <mixed_glm/model/row_sums.hpp>
#include <mixed_glm/model/shared_effects.hpp>
#include <mixed_glm/parallel/ordered_chunks.hpp>

namespace mixed_glm {

// Sums of one chunk for effects that others touch, too.
struct WaitingSums {
  std::vector<Code> effect;        // of each run
  std::vector<double> gradient;    // likewise
  std::vector<double> curvature;   // likewise, 1 + p: diagonal and border
  std::vector<std::int32_t> pair;  // positions of
  std::vector<double> pair_product;

  void clear() {
    effect.clear();
    gradient.clear();
    curvature.clear();
    pair.clear();
    pair_product.clear();
  }
};

// The block that a member of the team works on, and the sums of its chunk so far.
struct TeamBlock : RowBlock {
  int member = 0;
  bool opens_chunk = false;
  double sum = 0.0;        // of whatever the rows have
  Vector fixed_gradient;   // p
  Matrix fixed_curvature;  // p x p, lower triangle
  Vector group_sums;       // 2 + p: of the pull, the weight and X' weight of a group of rows
  WaitingSums waiting;
};

class RowTeam {
 public:
  // Both are viewed. No team, or few rows: the calling thread does it all.
  explicit RowTeam(const Design& design, Team* team = nullptr)
      : design_(&design),
        team_(is_worth(design, team) ? team : nullptr),
        chunk_rows_(row_block_size *
                    std::clamp<Index>(design.rows() / (64 * row_block_size), 4, 16)) {
    blocks_.resize(size_t(members()));
    for (size_t k = 0; k < blocks_.size(); ++k) {
      blocks_[k].member = int(k);
      blocks_[k].fixed_gradient.resize(design.fixed());
      blocks_[k].fixed_curvature.resize(design.fixed(), design.fixed());
      blocks_[k].group_sums.resize(2 + design.fixed());
    }
    if (team_ == nullptr) return;
    shared_ = SharedEffects(design.z(), chunk_rows_);
    for (TeamBlock& block : blocks_) reserve(block);
  }

  int members() const { return team_ == nullptr ? 1 : team_->size(); }

  template <class Prepare>
  void for_blocks(Prepare&& prepare) {
    for_blocks(prepare, [](TeamBlock&) {});
  }
  // prepare(block) may run in several threads at a time; finish(last block) comes once for each
  // chunk, in their order.
  template <class Prepare, class Finish>
  void for_blocks(Prepare&& prepare, Finish&& finish) {
    run_in_order(
        team_, (design_->rows() + chunk_rows_ - 1) / chunk_rows_,
        [&](int member, Index chunk) {
          TeamBlock& block = blocks_[size_t(member)];
          block.sum = 0.0;
          const Index begin = chunk * chunk_rows_;
          const Index end = std::min(design_->rows(), begin + chunk_rows_);
          for (block.first = begin; block.first < end; block.first += row_block_size) {
            block.count = std::min(row_block_size, end - block.first);
            block.opens_chunk = block.first == begin;
            prepare(block);
          }
        },
        [&](int member, Index) { finish(blocks_[size_t(member)]); });
  }

  // Adds A' pull of the block, but for what waits for the chunk's turn.
  void add_gradient(TeamBlock& block, Vector& gradient) const {
    add_fixed_gradient(block);
    if (has_equal_shares()) {
      for_each_group(design_->z(), block.first, block.count, [&](const RowGroup& group) {
        const double sum = sum_of_group(block, group, block.pull);
        for_effects(group, [&](Code effect) { add_to_gradient(block, effect, sum, gradient); });
      });
      return;
    }
    for_each_run(
        design_->z(), block.first, block.count,
        [&](const EntryRun& run) { add_run_gradient(block, run, gradient); },
        [&](const ScatteredRows& rows) { add_scattered_gradient(block, rows, gradient); });
  }
  void finish_gradient(const TeamBlock& chunk, Vector& gradient) const {
    const WaitingSums& waiting = chunk.waiting;
    gradient.tail(design_->fixed()) += chunk.fixed_gradient;
    for (size_t k = 0; k < waiting.gradient.size(); ++k) {
      gradient[waiting.effect[k]] += waiting.gradient[k];
    }
  }

  // The same, and A' diag(weight) A.
  void add_expansion(TeamBlock& block, Vector& gradient, double* values) const {
    add_fixed_gradient(block);
    if (block.opens_chunk) block.fixed_curvature.setZero();
    detail::add_fixed_curvature(*design_, block, block.fixed_curvature.data(), design_->fixed());
    if (has_equal_shares()) {
      for_each_group(design_->z(), block.first, block.count, [&](const RowGroup& group) {
        add_group_expansion(block, group, gradient, values);
      });
      return;
    }
    for_each_run(
        design_->z(), block.first, block.count,
        [&](const EntryRun& run) {
          add_run_gradient(block, run, gradient);
          if (is_shared(run.effect)) return set_run_aside(block, run);
          detail::add_run_curvature(*design_, block, run, values);
        },
        [&](const ScatteredRows& rows) {
          add_scattered_gradient(block, rows, gradient);
          detail::add_scattered_curvature(
              *design_, block, rows, values, [this](Code effect) { return is_shared(effect); },
              [&](const double* share, Index stride) {
                for (Index a = 0; a <= design_->fixed(); ++a) {
                  block.waiting.curvature.push_back(share[a * stride]);
                }
              });
        });
    if (!design_->has_pairs()) return;
    if (team_ == nullptr) {
      detail::for_each_pair(
          *design_, block,
          [&](Code, Code, std::int32_t position, double product) { values[position] += product; });
      return;
    }
    detail::for_each_pair(
        *design_, block, [&](Code e, Code f, std::int32_t position, double product) {
          add_pair(block, is_shared(e) && is_shared(f), position, product, values);
        });
  }
  void finish_curvature(const TeamBlock& chunk, double* values) const {
    const WaitingSums& waiting = chunk.waiting;
    const BorderedPattern& pattern = design_->pattern();
    add_fixed(chunk, values);
    const double* sum = waiting.curvature.data();
    for (const Code effect : waiting.effect) {
      values[pattern.diagonal_position(effect)] += *sum++;
      double* const border = values + pattern.border_position(effect);
      for (Index a = 0; a < design_->fixed(); ++a) border[a] += *sum++;
    }
    for (size_t k = 0; k < waiting.pair.size(); ++k) {
      values[waiting.pair[k]] += waiting.pair_product[k];
    }
  }

 private:
  static bool is_worth(const Design& design, const Team* team) {
    return team != nullptr && team->size() > 1 && design.rows() >= team->fewest_rows();
  }
  bool is_shared(Code effect) const { return team_ != nullptr && shared_.contains(effect); }

  void add_fixed_gradient(TeamBlock& block) const {
    if (block.opens_chunk) {
      block.fixed_gradient.setZero();
      block.waiting.clear();
    }
    detail::add_fixed_gradient(*design_, block, block.fixed_gradient.data());
  }
  void add_run_gradient(TeamBlock& block, const EntryRun& run, Vector& gradient) const {
    const double sum = detail::product_with_run(design_->z(), run, block.pull.data(), block.count);
    add_to_gradient(block, run.effect, sum, gradient);
  }
  void add_to_gradient(TeamBlock& block, Code effect, double sum, Vector& gradient) const {
    if (is_shared(effect)) {
      block.waiting.effect.push_back(effect);
      block.waiting.gradient.push_back(sum);
    } else {
      gradient[effect] += sum;
    }
  }

  void add_scattered_gradient(TeamBlock& block, const ScatteredRows& rows, Vector& gradient) const {
    const SparseRows& z = design_->z();
    for (Index r = rows.begin, e = rows.entry; r < rows.end; ++r, e += rows.stride) {
      add_to_gradient(block, z.columns()[e], rounded(z.value(e) * block.pull[size_t(r)]), gradient);
    }
  }

  // Whether rows lie in groups and add the same numbers to each of their effects.
  bool has_equal_shares() const { return design_->z().has_groups() && design_->z().is_indicator(); }
  template <class Visit>
  void for_effects(const RowGroup& group, Visit&& visit) const {
    const Code* const effects = design_->z().columns() + group.entry;
    for (Index e = 0; e < group.width; ++e) visit(effects[e]);
  }
  static double sum_of_group(const TeamBlock& block, const RowGroup& group,
                             const RowBlock::Column& values) {
    return detail::sum_rows(values.data() + group.begin, group.length(), block.count - group.begin);
  }

  void add_group_expansion(TeamBlock& block, const RowGroup& group, Vector& gradient,
                           double* values) const {
    const Index p = design_->fixed();
    const double weight = sum_of_group(block, group, block.weight);
    const double pull = sum_of_group(block, group, block.pull);
    double* const curvature = block.group_sums.data();
    curvature[0] = weight;
    std::fill_n(curvature + 1, p, 0.0);
    add_column_products(block.weight.data() + group.begin, group.length(),
                        block.count - group.begin, design_->x_from(block.first + group.begin),
                        design_->x().outerStride(), p, curvature + 1);
    for_effects(group, [&](Code effect) {
      add_to_gradient(block, effect, pull, gradient);
      add_to_curvature(block, effect, curvature, values);
    });
    const Code* const effects = design_->z().columns() + group.entry;
    const std::int32_t* pair =
        design_->pair_positions() + design_->pair_begin(block.first + group.begin);
    for (Index e = 1; e < group.width; ++e) {
      const bool shared = is_shared(effects[e]);
      for (Index f = 0; f < e; ++f) {
        add_pair(block, shared && is_shared(effects[f]), *pair++, weight, values);
      }
    }
  }
  // sums: 1 + p, to the diagonal and the border of an effect.
  void add_to_curvature(TeamBlock& block, Code effect, const double* sums, double* values) const {
    const Index p = design_->fixed();
    if (is_shared(effect)) {
      block.waiting.curvature.insert(block.waiting.curvature.end(), sums, sums + 1 + p);
      return;
    }
    const BorderedPattern& pattern = design_->pattern();
    values[pattern.diagonal_position(effect)] += sums[0];
    double* const border = values + pattern.border_position(effect);
    for (Index a = 0; a < p; ++a) border[a] += sums[1 + a];
  }
  static void add_pair(TeamBlock& block, bool waits, std::int32_t position, double product,
                       double* values) {
    if (waits) {
      block.waiting.pair.push_back(position);
      block.waiting.pair_product.push_back(product);
    } else {
      values[position] += product;
    }
  }

  void set_run_aside(TeamBlock& block, const EntryRun& run) const {
    std::vector<double>& sums = block.waiting.curvature;
    const size_t first = sums.size();
    sums.resize(first + size_t(1 + design_->fixed()), 0.0);
    detail::add_run_curvature(*design_, block, run, sums[first], sums.data() + first + 1);
  }

  // All memory that a block will need: which member meets which chunk is left to chance.
  void reserve(TeamBlock& block) const {
    block.reserve_weighted(design_->fixed());
    const auto entries = size_t(shared_.most_entries()), pairs = size_t(shared_.most_pairs());
    block.waiting.effect.reserve(entries);
    block.waiting.gradient.reserve(entries);
    block.waiting.curvature.reserve(entries * size_t(1 + design_->fixed()));
    block.waiting.pair.reserve(pairs);
    block.waiting.pair_product.reserve(pairs);
  }

  void add_fixed(const TeamBlock& chunk, double* values) const {
    const Index p = design_->fixed(), stride = design_->pattern().dense();
    double* const corner = detail::fixed_corner(*design_, values);
    for (Index a = 0; a < p; ++a) {
      Eigen::Map<Vector>(corner + a * (stride + 1), p - a) +=
          chunk.fixed_curvature.col(a).tail(p - a);
    }
  }

  const Design* design_;
  Team* team_;
  Index chunk_rows_;  // follows from the design alone, so that the bits do, too
  SharedEffects shared_;
  std::vector<TeamBlock> blocks_;  // of each member
};

}  // namespace mixed_glm
