// In which order effects are eliminated, and whether the factor is to be filled: for crossed
// factors with many levels, whose exact factor ends in a large dense block, conjugate gradients are
// faster (linalg/krylov_factor.hpp).
#pragma once

#include <mixed_glm/linalg/bordered_pattern.hpp>
#include <mixed_glm/model/row_order.hpp>
#include <utility>

namespace mixed_glm {

enum class Factorization { automatic, exact, iterative };

struct Elimination {
  std::vector<Code> order;  // order[k]: the column of z that is eliminated as the k-th
  BorderedPattern pattern;
  bool in_communities = false;  // which hardly meet one another, and make a small factor
};

namespace detail {

inline std::vector<Code> numbers_of(const std::vector<Code>& order) {
  std::vector<Code> number(order.size());
  for (size_t k = 0; k < order.size(); ++k) number[size_t(order[k])] = static_cast<Code>(k);
  return number;
}

// Of each effect by its number in the elimination.
inline Neighbours renumbered(const Neighbours& neighbours, const std::vector<Code>& order) {
  const std::vector<Code> number = numbers_of(order);
  Neighbours result(neighbours.size());
  for (size_t k = 0; k < order.size(); ++k) {
    result[k] = neighbours[size_t(order[k])];
    for (Code& other : result[k]) other = number[size_t(other)];
  }
  return result;
}

inline Elimination filled_elimination(const Neighbours& neighbours, std::vector<Code> order,
                                      Index fixed) {
  BorderedPattern pattern(renumbered(neighbours, order), fixed);
  return {std::move(order), std::move(pattern), false};
}

// Multiplications of a factorization and an inversion in the dense block, and as many as take as
// long as those of sparse columns: with the dense block, and with one another, where each is looked
// up.
constexpr double work_with_dense = 5.0, work_of_lookup = 50.0;
inline double filled_work(const BorderedPattern& pattern) {
  double work = std::pow(double(pattern.dense()), 3.0);
  for (Index j = 0; j < pattern.sparse(); ++j) {
    const auto all = double(pattern.column_end(j) - pattern.column_begin(j));
    const auto dense = double(pattern.column_end(j) - pattern.column_tail(j));
    work += work_with_dense * dense * dense + work_of_lookup * (all * all - dense * dense);
  }
  return work;
}

// Large components first: those of which no two effects are neighbours leave no fill behind where
// the others are nested, and the smallest dense block where they are crossed at random.
inline std::vector<Code> order_by_size(const std::vector<Code>& component, const Vector& size) {
  std::vector<Code> order(component.size());
  std::iota(order.begin(), order.end(), Code{0});
  std::stable_sort(order.begin(), order.end(), [&](Code a, Code b) {
    return size[component[size_t(a)]] > size[component[size_t(b)]];
  });
  return order;
}

// Multiplications below which what is exact is cheap: some hundredths of a second in all, up to
// some 650 remaining levels.
constexpr double least_work = 3e8;

// Whether the effects after the first ones, of which some are looked at, meet few of their kind
// once the first ones are eliminated, and these by many ways: communities. Where all meet one
// another by chance, minimum degree takes long and finds nothing.
inline bool are_communities(const std::vector<Code>& order, const Neighbours& neighbours,
                            Index first) {
  const std::vector<Code> number = numbers_of(order);
  const auto size = Index(order.size());
  const Index step = std::max<Index>(1, (size - first) / 64);
  std::vector<Index> seen_by(order.size(), -1);
  double ways = 0.0, met = 0.0, others = 0.0;
  for (Index j = first; j < size; j += step, others += double(size - first)) {
    const auto see = [&](Code other) {
      if (number[size_t(other)] < first || number[size_t(other)] == j) return;
      ways += 1.0;
      if (std::exchange(seen_by[size_t(other)], j) != j) met += 1.0;
    };
    for (const Code other : neighbours[size_t(order[size_t(j)])]) {
      see(other);
      if (number[size_t(other)] >= first) continue;
      for (const Code next : neighbours[size_t(other)]) see(next);
    }
  }
  return met < 0.5 * ways && met < 0.05 * others;
}

inline double count_couplings(const Neighbours& neighbours) {
  double twice = 0.0;
  for (const auto& list : neighbours) twice += double(list.size());
  return 0.5 * twice;
}

// In multiplications a millisecond or two, for which nothing is tried; so few couplings, and few of
// each effect, are put in another order in some hundredths of a second.
constexpr double least_filled_work = 1e7, few_couplings = 5e4;

inline Elimination filled_elimination(const Neighbours& neighbours,
                                      const std::vector<Code>& component, const Vector& size,
                                      Index fixed) {
  Elimination by_size = filled_elimination(neighbours, order_by_size(component, size), fixed);
  const auto first = size.size() > 0 ? Index(size.maxCoeff()) : 0;
  const double work = filled_work(by_size.pattern);
  if (work < least_filled_work) return by_size;
  const double couplings = count_couplings(neighbours);
  const bool is_quick = couplings < few_couplings && couplings < 4.0 * double(component.size());
  if (!is_quick && !are_communities(by_size.order, neighbours, first)) return by_size;
  Elimination by_degree = filled_elimination(neighbours, fill_reducing_order(neighbours), fixed);
  by_degree.in_communities = 2.0 * filled_work(by_degree.pattern) < work;
  return by_degree.in_communities ? by_degree : by_size;
}

// Effects of small components join the border if one beside the eliminated one does not.
constexpr Index most_small_levels = 50, most_small_effects = 100;

// component: of each column; eliminated: of which each row touches at most one effect.
inline Elimination unfilled_elimination(const Neighbours& neighbours,
                                        const std::vector<Code>& component, const Vector& size,
                                        Index eliminated, Index fixed) {
  const Index components = size.size();
  std::vector<int> place(size_t(components), 1);  // 0: eliminated, 1: the rest, 2: small
  place[size_t(eliminated)] = 0;
  double largest = 0.0, small = 0.0;
  for (Index k = 0; k < components; ++k) {
    if (k != eliminated) largest = std::max(largest, size[k]);
  }
  for (Index k = 0; k < components; ++k) {
    if (k == eliminated || largest <= most_small_levels || size[k] > most_small_levels) continue;
    if (small + size[k] > most_small_effects) continue;
    small += size[k];
    place[size_t(k)] = 2;
  }
  std::vector<Code> order(component.size());
  std::iota(order.begin(), order.end(), Code{0});
  const auto key = [&](Code c) {
    const Code k = component[size_t(c)];
    return std::pair(place[size_t(k)], k);
  };
  std::stable_sort(order.begin(), order.end(), [&](Code a, Code b) { return key(a) < key(b); });
  Unfilled unfilled;
  unfilled.eliminated = Index(size[eliminated]);
  unfilled.small = Index(small);
  for (const Code c : order) unfilled.part.push_back(component[size_t(c)]);
  BorderedPattern pattern(renumbered(neighbours, order), fixed, std::move(unfilled));
  return {std::move(order), std::move(pattern), false};
}

// As many take as long as conjugate gradients and probes do for an effect or a coupling, twice
// over: what is exact is not given up for less. Measured with 3 to 30 rows a level, and for 73,000
// ratings of 1,128 lecturers by 2,972 students. In communities iterations and probes are many.
constexpr double work_of_coupling = 1e4, work_in_communities = 5e4;

inline bool is_iterating_faster(const Elimination& filled, const Neighbours& neighbours) {
  const double couplings = count_couplings(neighbours) + double(neighbours.size());
  const double work = filled_work(filled.pattern);
  const double each = filled.in_communities ? work_in_communities : work_of_coupling;
  return work > least_work && work > each * couplings;
}

}  // namespace detail

// component: of each column; single: components of which each row of z touches at most one effect.
// Throws std::length_error where the factor cannot be numbered.
inline Elimination choose_elimination(const Neighbours& neighbours,
                                      const std::vector<Code>& component, const Vector& size,
                                      const std::vector<bool>& single, Index fixed,
                                      Factorization factorization) {
  Elimination filled = detail::filled_elimination(neighbours, component, size, fixed);
  const Index eliminated = largest_single_component(single, size);
  const bool can_iterate = eliminated >= 0 && size[eliminated] < size.sum();
  const bool iterate = can_iterate && (factorization == Factorization::iterative ||
                                       (factorization == Factorization::automatic &&
                                        detail::is_iterating_faster(filled, neighbours)));
  if (iterate) {
    filled = detail::unfilled_elimination(neighbours, component, size, eliminated, fixed);
  }
  filled.pattern.require_numbered();
  return filled;
}

}  // namespace mixed_glm
