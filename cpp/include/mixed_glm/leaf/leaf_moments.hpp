// Second-order corrections around the mode of (v, beta) with covariance Sigma = H^-1, the leaf
// being integrated by quadrature. For each group g, with everything at node k (E_k, Cov_k: over its
// nodes):
//
//     d_k = c_k - E c,   t_k = sum_i l''_ik s_i,   v_k = d_k' Sigma d_k,   M_k = sum_i l''_ik a'_i
//     a'_i' Delta  = 1/2 Sigma sum_g { E_k[sum_i l'''_ik s_i a'_i] + Cov_k(t, c) + 2 E_k[M Sigma d]
//     + E_k[v d] } E[f(u_g)] = E_k[f] + Delta' Cov_k(c, f) + 1/2 Cov_k(t + v, f)
//
// Delta = -1/2 Sigma grad log|H| is the correction of the mean; f = u, u^2, u^3 about the group's
// mode.
#pragma once

#include <mixed_glm/leaf/leaf_likelihood.hpp>
#include <mixed_glm/math/resize_buffer.hpp>
#include <mixed_glm/model/row_variance.hpp>

namespace mixed_glm {

class LeafMoments {
 public:
  LeafMoments(const LeafDesign& leaf, LeafLikelihood& likelihood)
      : leaf_(&leaf),
        likelihood_(&likelihood),
        slots_(size_t(row_block_size)),
        row_variance_(leaf.full().design().rows()),
        node_variance_(leaf.groups()),
        moments_(3, leaf.groups()),
        couplings_(size_t(leaf.groups())) {}

  // likelihood: expanded at the mode; sigma: its selected inverse; cholesky: of H.
  void compute(const SelectedInverse& sigma, const BorderedCholesky& cholesky) {
    const Design& design = leaf_->reduced().design();
    sigma_ = &sigma;
    RowVariance variance(design, sigma);
    delta_.setZero(design.coefficients());
    const auto rows = [&](NodeChunk& chunk) { add_traces(chunk, variance); };
    const auto groups = [&](Index g) { finish_group(g); };
    const auto again = [&](NodeChunk& chunk) { add_pulls(chunk); };
    likelihood_->nodes().sweep<3>(rows, groups, again);
    cholesky.solve_in_place(delta_);
    for (Index g = 0; g < leaf_->groups(); ++g)
      moments_.col(g) += couplings_[size_t(g)] * local_delta(g);
  }

  const Vector& delta() const { return delta_; }  // of (v, beta)
  // E[(u_g - mode_g)^m], m = 1, 2, 3.
  auto moments(Index g) const { return moments_.col(g); }
  // Where the second-order terms outweigh it, that of the nodes alone.
  double variance(Index g) const {
    const auto m = moments_.col(g);
    const double corrected = m[1] - m[0] * m[0];
    return corrected > 0.0 ? corrected : node_variance_[g];
  }
  // Adds Cov_k(c, u^2) over all groups: what a change of the leaf's precision does to the gradient.
  void add_square_coupling(double factor, Vector& gradient) const {
    for (Index g = 0; g < leaf_->groups(); ++g) {
      if (is_empty(g)) continue;
      const double mode = likelihood_->nodes().modes().mode()[g];
      const auto& coupling = couplings_[size_t(g)];
      scatter(g, factor * (coupling.row(1) + 2.0 * mode * coupling.row(0)).transpose(), gradient);
    }
  }

 private:
  struct Slot {
    Matrix product;  // Sigma d_k: size of the group x K
    Vector trace;    // K: t_k, then t_k + v_k less its mean
  };

  bool is_empty(Index g) const { return leaf_->group_begin(g) == leaf_->group_end(g); }
  Slot& slot(Index g) { return slots_[size_t(g % row_block_size)]; }
  Index fixed() const { return leaf_->reduced().design().fixed(); }
  Index effect(Index g, Index place) const {
    return leaf_->touched()[size_t(leaf_->touched_begin(g) + place)];
  }

  void add_traces(NodeChunk& chunk, RowVariance& variance) {
    likelihood_->scores().add(chunk);
    block_.first = chunk.first;
    block_.count = chunk.count;
    variance.evaluate(block_, block_.value);
    row_variance_.segment(chunk.first, chunk.count) = block_.view(block_.value);
    for (Index r = 0; r < chunk.count; ++r) {
      const Index g = leaf_->row_group()[size_t(chunk.first + r)];
      Vector& trace = slot(g).trace;
      if (chunk.first + r == leaf_->group_begin(g)) {
        resize_buffer(trace, chunk.d2.cols(), 1);
        trace.setZero();
      }
      trace += block_.value[size_t(r)] * chunk.d2.row(r).transpose();
    }
  }

  void finish_group(Index g) {
    const auto w = likelihood_->nodes().weights(g);
    resize_buffer(deviation_, w.size(), 1);
    deviation_ = likelihood_->nodes().nodes(g).array() - likelihood_->nodes().modes().mode()[g];
    resize_buffer(powers_, 3, w.size());
    powers_.row(0) = deviation_.transpose();
    powers_.row(1) = deviation_.cwiseAbs2().transpose();
    powers_.row(2) = deviation_.array().cube().matrix().transpose();
    moments_.col(g) = powers_ * w;
    node_variance_[g] = moments_(1, g) - moments_(0, g) * moments_(0, g);
    couplings_[size_t(g)].setZero(3, likelihood_->scores().size(g));
    if (is_empty(g)) return;
    const auto scores = likelihood_->scores().of(g);
    Slot& s = slot(g);
    gather_covariance(g);
    resize_buffer(s.product, covariance_.rows(), scores.cols());
    s.product.noalias() = covariance_ * scores;
    s.trace += scores.cwiseProduct(s.product).colwise().sum().transpose();
    s.trace.array() -= s.trace.dot(w);
    couplings_[size_t(g)].noalias() = powers_ * w.asDiagonal() * scores.transpose();
    moments_.col(g) += 0.5 * powers_ * w.cwiseProduct(s.trace);
  }

  // Sigma on the coefficients that the group touches.
  void gather_covariance(Index g) {
    const Index touched = leaf_->touched_count(g), size = touched + fixed();
    resize_buffer(covariance_, size, size);
    const std::int32_t* position = leaf_->clique(g);
    for (Index a = 0; a < touched; ++a) {
      for (Index b = 0; b <= a; ++b) {
        covariance_(a, b) = covariance_(b, a) = sigma_->values()[*position++];
      }
      covariance_.col(a).tail(fixed()) = sigma_->with_border(effect(g, a));
      covariance_.row(a).tail(fixed()) = covariance_.col(a).tail(fixed()).transpose();
    }
    covariance_.bottomRightCorner(fixed(), fixed()) = sigma_->border_block();
  }

  void add_pulls(const NodeChunk& chunk) {
    const Design& design = leaf_->reduced().design();
    block_.first = chunk.first;
    block_.count = chunk.count;
    for (Index r = 0; r < chunk.count; ++r) {
      const Index i = chunk.first + r, g = leaf_->row_group()[size_t(i)];
      const auto w = likelihood_->nodes().weights(g).array();
      const Slot& s = slot(g);
      resize_buffer(predicted_, w.size(), 1);
      predicted_.noalias() =
          s.product.bottomRows(fixed()).transpose() * design.x().row(i).transpose();
      for (Index e = design.z().begin(i); e < design.z().end(i); ++e) {
        const Code place = leaf_->entry_place()[size_t(e)];
        predicted_ += design.z().value(e) * s.product.row(place).transpose();
      }
      const auto d2 = chunk.d2.row(r).transpose().array();
      const auto d1 = chunk.d1.row(r).transpose().array();
      const auto d3 = chunk.d3.row(r).transpose().array();
      block_.pull[size_t(r)] =
          0.5 * (w * (row_variance_[i] * d3 + 2.0 * d2 * predicted_.array() + s.trace.array() * d1))
                    .sum();
    }
    detail::add_gradient(design, block_, delta_);
  }

  Vector local_delta(Index g) const {
    const Index touched = leaf_->touched_count(g);
    Vector local(touched + fixed());
    for (Index a = 0; a < touched; ++a) local[a] = delta_[effect(g, a)];
    local.tail(fixed()) = delta_.tail(fixed());
    return local;
  }

  void scatter(Index g, const Vector& local, Vector& gradient) const {
    const Index touched = leaf_->touched_count(g);
    for (Index a = 0; a < touched; ++a) gradient[effect(g, a)] += local[a];
    gradient.tail(fixed()) += local.tail(fixed());
  }

  const LeafDesign* leaf_;
  LeafLikelihood* likelihood_;
  const SelectedInverse* sigma_ = nullptr;
  RowBlock block_;
  std::vector<Slot> slots_;
  Vector row_variance_, deviation_, predicted_, delta_;
  Matrix powers_, covariance_;
  Vector node_variance_;
  Matrix moments_;                 // 3 x groups
  std::vector<Matrix> couplings_;  // of each group, 3 x size: Cov_k(f, c)
};

}  // namespace mixed_glm
