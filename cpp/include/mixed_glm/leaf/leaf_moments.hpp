// Second-order corrections around the mode of (v, beta) with covariance Sigma = H^-1, the leaf
// being integrated by quadrature. For each group g, with rows a_i, scores c_k, their deviations d_k
// and the shift h of leaf_scores.hpp, everything at node k (E_k, Cov_k: over its nodes):
//
//     s_i = a_i' Sigma a_i,   t_k = sum_i l''_ik s_i,   v_k = d_k' Sigma d_k
//     Delta   = 1/2 Sigma sum_g { sum_i E_k[l'''_ik s_i + 2 l''_ik a_i' Sigma d_k] a_i
//                                 + E_k[(t + v) d] }
//     E[f(u)] = E_k[f] + Delta' (Cov_k(c, f) - h E_k[f'])
//               + 1/2 { Cov_k(t + v, f) - 2 sum_c (Sigma h)_c' Cov_k(c, f'_c)
//                       + tr(h' Sigma h E_k[f'']) }
//
// Delta = -1/2 Sigma grad log|H| is the correction of the mean; f are the w_c, their products in
// pairs and their cubes, w = u - the centre of the group's nodes (leaf_powers.hpp). Where the
// search for the mode took a last step from the point that all this describes, that step is added
// to Delta in E[f(u)].
//
// The slope of the marginal in the family's hyperparameter phi is, with F_k = sum_i l_phi,ik,
//
//     sum_g { E_k[F] + 1/2 Cov_k(t + v, F) }
//         + sum_i E_k[1/2 s_i l''_phi,ik + l'_phi,ik a_i' Sigma d_k] + Delta' g,
//     g = sum_i E_k[l'_phi,ik] a_i + sum_g Cov_k(c, F):   dx/dphi = Sigma g
#pragma once

#include <mixed_glm/inference/conditional_mode.hpp>
#include <mixed_glm/leaf/leaf_likelihood.hpp>
#include <mixed_glm/leaf/leaf_powers.hpp>
#include <mixed_glm/leaf/leaf_third.hpp>
#include <mixed_glm/math/resize_buffer.hpp>
#include <mixed_glm/model/row_variance.hpp>

namespace mixed_glm {

class LeafMoments {
 public:
  LeafMoments(const LeafDesign& leaf, LeafLikelihood& likelihood)
      : leaf_(&leaf),
        likelihood_(&likelihood),
        members_(size_t(likelihood.nodes().members())),
        row_variance_(leaf.full().design().rows()),
        row_pull_(leaf.full().design().rows()),
        powers_(leaf.coordinates()),
        node_variance_(leaf.coordinates(), leaf.groups()),
        moments_(powers_.size(), leaf.groups()),
        slopes_(size_t(leaf.groups())),
        third_(leaf, likelihood.nodes().members()) {
    if (!has_shape(leaf.full().family())) return;
    for (Vector* of_rows : {&row_slope_, &row_information_, &row_family_pull_}) {
      of_rows->resize(leaf.full().design().rows());
    }
    group_slope_.setZero(leaf.groups());
  }

  // mode: found for the likelihood; sigma: the selected inverse of its H; fixed_third: whether the
  // third cumulants of beta are wanted, too.
  void compute(const SelectedInverse& sigma, const ConditionalMode& mode,
               bool fixed_third = false) {
    const Design& design = leaf_->reduced().design();
    sigma_ = &sigma;
    RowVariance variance(design, sigma);
    delta_.setZero(design.coefficients());
    family_pull_.setZero(has_family() ? design.coefficients() : 0);
    third_.open(sigma, fixed_third);
    const auto rows = [&](NodeChunk& chunk) { add_traces(chunk, variance); };
    const auto groups = [&](int member, Index g) { finish_group(member, g); };
    const auto again = [&](NodeChunk& chunk) { add_pulls(chunk); };
    const auto finish = [&](int member, const LeafBatch& batch) { add_to_delta(member, batch); };
    likelihood_->nodes().sweep<3>(rows, groups, again, finish);
    mode.precision().solve_in_place(delta_);
    move_ = delta_ + mode.last_step();
    if (has_family()) {
      family_slope_ = row_slope_.sum() + group_slope_.sum() + family_pull_.dot(move_) +
                      leaf_->family().constant_slope();
    }
    likelihood_->nodes().for_batches([&](int, const LeafBatch& batch) {
      for (Index g = batch.first_group; g < batch.last_group; ++g) {
        moments_.col(g) += slopes_[size_t(g)] * local_move(g);
      }
    });
  }

  const Vector& delta() const { return delta_; }  // of (v, beta)
  const LeafThird& third() const { return third_; }
  // Of the family's hyperparameter (inference/marginal.hpp); g is of (v, beta).
  double family_slope() const { return family_slope_; }
  double family_information() const { return row_information_.sum(); }
  const Vector& family_pull() const { return family_pull_; }
  // E[u_gc]
  double mean(Index g, Index c) const {
    return likelihood_->nodes().centre(g, c) + moments_(powers_.first(c), g);
  }
  // E[u_gc u_gd]
  double square(Index g, Index c, Index d) const {
    const double centre_c = likelihood_->nodes().centre(g, c);
    const double centre_d = likelihood_->nodes().centre(g, d);
    const auto m = moments_.col(g);
    double square = centre_c * centre_d + (c == d ? 2.0 : 1.0) * centre_c * m[powers_.first(d)];
    if (c != d) square += centre_d * m[powers_.first(c)];
    return square + m[powers_.pair(c, d)];
  }
  double covariance(Index g, Index c, Index d) const {
    const auto m = moments_.col(g);
    return m[powers_.pair(c, d)] - m[powers_.first(c)] * m[powers_.first(d)];
  }
  // Where the second-order terms outweigh it, that of the nodes alone.
  double variance(Index g, Index c = 0) const {
    const double corrected = covariance(g, c, c);
    return corrected > 0.0 ? corrected : node_variance_(c, g);
  }
  // Third central moment.
  double central_cube(Index g, Index c) const {
    const auto m = moments_.col(g);
    const double first = m[powers_.first(c)], second = m[powers_.pair(c, c)];
    return m[powers_.cube(c)] - 3.0 * first * second + 2.0 * first * first * first;
  }
  // Adds the slope of 1/2 sum_g E_k[u' W u]: with W = -dP what a change of the precision of the
  // leaf's prior does to the gradient.
  void add_square_coupling(const TinyMatrix& weight, Vector& gradient) const {
    for (Index g = 0; g < leaf_->groups(); ++g) {
      if (is_empty(g)) continue;
      for (Index c = 0; c < weight.size(); ++c) {
        for (Index d = 0; d <= c; ++d) add_square_coupling(g, c, d, weight(c, d), gradient);
      }
    }
  }

 private:
  struct Slot {
    Matrix shift_product;        // Sigma h: size of the group x m
    TinyMatrix shift_variance;   // h' Sigma h
    Matrix product;              // Sigma d_k: size of the group x K
    Matrix effect_product;       // K x m: h' Sigma d_k
    Vector trace;                // K: t_k, then t_k + v_k less its mean
    Vector group_pull;           // size of the group: sum_k w_k (t_k + v_k) d_k
    TinyVector pull;             // sum_i factor_i times the pull of row i
    Vector family_slope;         // K: F_k
    Vector family_pull;          // size of the group: Cov_k(c, F)
    TinyVector family_row_pull;  // sum_i factor_i E_k[l'_phi,ik]
  };
  // What each member of the team has of its own.
  struct Member {
    RowBlock block;
    std::vector<Slot> slots = std::vector<Slot>(size_t(row_block_size));
    Vector predicted, weighted_trace;
    Matrix deviation, powers, gradient,
        covariance;  // the first: K x m, of the nodes from their centre
    Slot& slot(Index g) { return slots[size_t(g % row_block_size)]; }
  };

  bool has_family() const { return row_slope_.size() > 0; }
  bool is_empty(Index g) const { return leaf_->group_begin(g) == leaf_->group_end(g); }
  Index fixed() const { return leaf_->reduced().design().fixed(); }
  Index coordinates() const { return leaf_->coordinates(); }
  Index effect(Index g, Index place) const {
    return leaf_->touched()[size_t(leaf_->touched_begin(g) + place)];
  }

  void add_square_coupling(Index g, Index c, Index d, double weight, Vector& gradient) const {
    if (weight == 0.0) return;
    const auto& slopes = slopes_[size_t(g)];
    const double centre_c = likelihood_->nodes().centre(g, c);
    const double centre_d = likelihood_->nodes().centre(g, d);
    const double own = c == d ? 2.0 * centre_c : centre_c;
    leaf_->scatter(
        g, c == d ? 0.5 * weight : weight,
        (slopes.row(powers_.pair(c, d)) + own * slopes.row(powers_.first(d))).transpose(),
        gradient);
    if (c == d) return;
    leaf_->scatter(g, weight * centre_d, slopes.row(powers_.first(c)).transpose(), gradient);
  }

  void add_traces(NodeChunk& chunk, RowVariance& variance) {
    likelihood_->scores().add(chunk);
    Member& own = members_[size_t(chunk.member)];
    own.block.first = chunk.first;
    own.block.count = chunk.count;
    variance.evaluate(own.block, own.block.value);
    for (Index r = 0; r < chunk.count; ++r) {
      const Index i = chunk.first + r, g = leaf_->row_group()[size_t(i)];
      Slot& s = own.slot(g);
      if (i == leaf_->group_begin(g)) open(own, g, chunk.d2.cols());
      row_variance_[i] = own.block.value[size_t(r)] + shift_of_variance(g, i, s);
      s.trace += row_variance_[i] * chunk.d2.row(r).transpose();
      if (has_family()) add_family(chunk, r, g, s);
    }
  }

  void add_family(const NodeChunk& chunk, Index r, Index g, Slot& s) {
    const Index i = chunk.first + r;
    const auto w = likelihood_->nodes().weights(chunk.member, g);
    s.family_slope += chunk.slope.row(r).transpose();
    row_slope_[i] = 0.5 * row_variance_[i] * chunk.slope_d2.row(r).dot(w);
    row_information_[i] = chunk.information.row(r).dot(w);
  }

  // a_i' Sigma a_i - a'_i' Sigma a'_i.
  double shift_of_variance(Index g, Index i, const Slot& s) const {
    double sum = 0.0;
    for (Index c = 0; c < coordinates(); ++c) {
      const double factor = leaf_->factor(c)[i];
      if (factor == 0.0) continue;
      double of_coordinate = -2.0 * leaf_->product(g, i, s.shift_product.col(c));
      for (Index d = 0; d < coordinates(); ++d) {
        of_coordinate += leaf_->factor(d)[i] * s.shift_variance(d, c);
      }
      sum += factor * of_coordinate;
    }
    return sum;
  }

  void open(Member& own, Index g, Index nodes) const {
    Slot& s = own.slot(g);
    gather_covariance(own.covariance, g);
    const auto shift = likelihood_->scores().shift(g);
    const Index m = coordinates();
    resize_buffer(s.shift_product, shift.rows(), m);
    s.shift_variance = TinyMatrix(m);
    for (Index c = 0; c < m; ++c) {
      s.shift_product.col(c).noalias() = own.covariance * shift.col(c);
      for (Index d = 0; d < m; ++d) {
        s.shift_variance(d, c) = shift.col(d).dot(s.shift_product.col(c));
      }
    }
    resize_buffer(s.trace, nodes, 1);
    s.trace.setZero();
    s.pull = TinyVector(m);
    if (!has_family()) return;
    resize_buffer(s.family_slope, nodes, 1);
    s.family_slope.setZero();
    s.family_row_pull = TinyVector(m);
  }

  void finish_group(int member, Index g) {
    const auto w = likelihood_->nodes().weights(member, g);
    Member& own = members_[size_t(member)];
    expand_nodes(own, member, g);
    auto moments = moments_.col(g);
    moments = own.powers * w;
    for (Index c = 0; c < coordinates(); ++c) node_variance_(c, g) = covariance(g, c, c);
    auto& slopes = slopes_[size_t(g)];
    slopes.setZero(powers_.size(), likelihood_->scores().size(g));
    if (is_empty(g)) return;
    resize_buffer(own.gradient, powers_.size(), coordinates());
    powers_.expand_gradient(moments, own.gradient);
    close_scores(member, g, moments);
    Slot& s = own.slot(g);
    const auto scores = likelihood_->scores().of(member, g);
    resize_buffer(own.weighted_trace, w.size(), 1);
    own.weighted_trace = w.cwiseProduct(s.trace);
    resize_buffer(s.group_pull, scores.rows(), 1);
    s.group_pull.noalias() = scores * own.weighted_trace;
    if (has_family()) {
      group_slope_[g] = s.family_slope.dot(w + 0.5 * own.weighted_trace);
      s.family_pull = scores * w.cwiseProduct(s.family_slope);
    }
    moments += 0.5 * (own.powers * own.weighted_trace);
    for (Index k = 0; k < w.size(); ++k) own.powers.col(k) *= w[k];
    add_abt(own.powers, scores, slopes);
    powers_.add_shift(s.shift_variance, s.shift_product, slopes, own.gradient, moments);
    for (Index c = 0; c < coordinates(); ++c) {
      slopes -= own.gradient.col(c) * likelihood_->scores().shift(g).col(c).transpose();
    }
  }

  void expand_nodes(Member& own, int member, Index g) const {
    const LeafNodes& nodes = likelihood_->nodes();
    resize_buffer(own.deviation, nodes.n_quad(), coordinates());
    for (Index c = 0; c < coordinates(); ++c) {
      own.deviation.col(c) = nodes.nodes(member, g, c).array() - nodes.centre(g, c);
    }
    resize_buffer(own.powers, powers_.size(), nodes.n_quad());
    powers_.expand(own.deviation, own.powers);
  }

  // means: of the deviations, among the moments.
  template <class Moments>
  void close_scores(int member, Index g, const Moments& means) {
    Member& own = members_[size_t(member)];
    likelihood_->scores().apply_shift(member, g, likelihood_->prior().precision(), [&](Index c) {
      return (own.deviation.col(c).array() - means[powers_.first(c)]).matrix();
    });
    const auto scores = likelihood_->scores().of(member, g);
    Slot& s = own.slot(g);
    gather_covariance(own.covariance, g);
    resize_buffer(s.product, own.covariance.rows(), scores.cols());
    s.product.setZero();
    add_ab(own.covariance, scores, s.product);
    resize_buffer(s.effect_product, scores.cols(), coordinates());
    for (Index c = 0; c < coordinates(); ++c) {
      s.effect_product.col(c).noalias() = scores.transpose() * s.shift_product.col(c);
    }
    third_.add_group(member, g, likelihood_->nodes().weights(member, g), s.product);
    s.trace += scores.cwiseProduct(s.product).colwise().sum().transpose();
    s.trace.array() -= s.trace.dot(likelihood_->nodes().weights(member, g));
  }

  // Sigma on the coefficients that the group touches.
  void gather_covariance(Matrix& covariance, Index g) const {
    const Index touched = leaf_->touched_count(g), size = touched + fixed();
    resize_buffer(covariance, size, size);
    const std::int32_t* position = leaf_->clique(g);
    for (Index a = 0; a < touched; ++a) {
      for (Index b = 0; b <= a; ++b) {
        covariance(a, b) = covariance(b, a) = sigma_->values()[*position++];
      }
      covariance.col(a).tail(fixed()) = sigma_->with_border(effect(g, a));
      covariance.row(a).tail(fixed()) = covariance.col(a).tail(fixed()).transpose();
    }
    covariance.bottomRightCorner(fixed(), fixed()) = sigma_->border_block();
  }

  void add_pulls(const NodeChunk& chunk) {
    Member& own = members_[size_t(chunk.member)];
    for (Index r = 0; r < chunk.count; ++r) {
      const Index i = chunk.first + r, g = leaf_->row_group()[size_t(i)];
      const auto w = likelihood_->nodes().weights(chunk.member, g).array();
      Slot& s = own.slot(g);
      predict(own.predicted, i, s);
      const auto d2 = chunk.d2.row(r).transpose().array();
      const auto d3 = chunk.d3.row(r).transpose().array();
      const double pull =
          0.5 * (w * (row_variance_[i] * d3 + 2.0 * d2 * own.predicted.array())).sum();
      row_pull_[i] = pull;
      for (Index c = 0; c < coordinates(); ++c) s.pull[c] += leaf_->factor(c)[i] * pull;
      if (has_family()) add_family_pull(chunk, r, g, own.predicted, s);
      third_.add_row(chunk, r, g, w.matrix(), s.product, s.shift_product);
    }
    third_.close_chunk(chunk);
  }

  void add_family_pull(const NodeChunk& chunk, Index r, Index g, const Vector& predicted, Slot& s) {
    const Index i = chunk.first + r;
    const auto w = likelihood_->nodes().weights(chunk.member, g).array();
    const auto slopes = chunk.slope_d1.row(r).transpose().array();
    row_slope_[i] += (w * slopes * predicted.array()).sum();
    row_family_pull_[i] = (w * slopes).sum();
    for (Index c = 0; c < coordinates(); ++c) {
      s.family_row_pull[c] += leaf_->factor(c)[i] * row_family_pull_[i];
    }
  }

  void add_to_delta(int member, const LeafBatch& batch) {
    Member& own = members_[size_t(member)];
    for (Index g = batch.first_group; g < batch.last_group; ++g) {
      if (is_empty(g)) continue;
      const Slot& s = own.slot(g);
      leaf_->scatter(g, 0.5, s.group_pull, delta_);
      for (Index c = 0; c < coordinates(); ++c) {
        leaf_->scatter(g, -s.pull[c], likelihood_->scores().shift(g).col(c), delta_);
      }
      if (!has_family()) continue;
      leaf_->scatter(g, 1.0, s.family_pull, family_pull_);
      for (Index c = 0; c < coordinates(); ++c) {
        leaf_->scatter(g, -s.family_row_pull[c], likelihood_->scores().shift(g).col(c),
                       family_pull_);
      }
    }
    add_row_pulls(own, batch, row_pull_, delta_);
    if (has_family()) add_row_pulls(own, batch, row_family_pull_, family_pull_);
    third_.finish(member, batch);
  }

  void add_row_pulls(Member& own, const LeafBatch& batch, const Vector& pulls, Vector& sum) const {
    batch.for_blocks([&](Index first, Index last) {
      own.block.first = first;
      own.block.count = last - first;
      own.block.view(own.block.pull) = pulls.segment(first, last - first);
      detail::add_gradient(leaf_->reduced().design(), own.block, sum);
    });
  }

  // a_i' Sigma d_k at every node.
  void predict(Vector& predicted, Index i, const Slot& s) const {
    const Design& design = leaf_->reduced().design();
    resize_buffer(predicted, s.effect_product.rows(), 1);
    predicted = -leaf_->factor()[i] * s.effect_product.col(0);
    for (Index c = 1; c < coordinates(); ++c) {
      predicted -= leaf_->factor(c)[i] * s.effect_product.col(c);
    }
    predicted.noalias() +=
        s.product.bottomRows(fixed()).transpose() * design.x().row(i).transpose();
    for (Index e = design.z().begin(i); e < design.z().end(i); ++e) {
      const Code place = leaf_->entry_place()[size_t(e)];
      predicted += design.z().value(e) * s.product.row(place).transpose();
    }
  }

  Vector local_move(Index g) const {
    const Index touched = leaf_->touched_count(g);
    Vector local(touched + fixed());
    for (Index a = 0; a < touched; ++a) local[a] = move_[effect(g, a)];
    local.tail(fixed()) = move_.tail(fixed());
    return local;
  }

  const LeafDesign* leaf_;
  LeafLikelihood* likelihood_;
  const SelectedInverse* sigma_ = nullptr;
  std::vector<Member> members_;
  Vector row_variance_, row_pull_, delta_;  // n, n, size of (v, beta)
  Vector move_;  // of the coefficients, from the point where the rows were expanded to their mean
  LeafPowers powers_;
  Matrix node_variance_;        // m x groups
  Matrix moments_;              // powers x groups, of the deviations from the centre
  std::vector<Matrix> slopes_;  // of each group, powers x size: of E_k[f] in x
  LeafThird third_;             // of (v, beta)
  // Of the family's hyperparameter; empty where it has none.
  Vector row_slope_, row_information_, row_family_pull_;  // n
  Vector group_slope_;                                    // groups
  Vector family_pull_;                                    // size of (v, beta)
  double family_slope_ = 0.0;
};

}  // namespace mixed_glm
