// The joint log density log p(y, beta, psi, u), fully normalized, with gradient and Hessian in
// params = (beta, psi, u), u in the caller's order. One pass over the rows each.
//
//     d/d psi_k = D_k sum u_j^2 - n_k - psi_k / vcp_p_k^2
//     d2/d psi_k^2 = -2 D_k sum u_j^2 - 1 / vcp_p_k^2        d2/d psi_k d u_j = 2 D_k u_j
#pragma once

#include <Eigen/SparseCore>
#include <mixed_glm/model/coefficient_prior.hpp>
#include <mixed_glm/model/likelihood_sites.hpp>
#include <vector>

namespace mixed_glm {

using SparseMatrix = Eigen::SparseMatrix<double, Eigen::ColMajor, std::int32_t>;

class JointDensity {
 public:
  explicit JointDensity(const Model& model)
      : model_(&model), prior_(model.design(), model.prior()) {}

  double value(ConstVectorRef params) {
    set(params);
    return pass<0>(nullptr, nullptr) + model_->constant() + prior_.log_density(coefficients_) +
           model_->prior().log_density(psi_);
  }

  Vector gradient(ConstVectorRef params) {
    set(params);
    Vector gradient = Vector::Zero(coefficients_.size());
    pass<1>(&gradient, nullptr);
    prior_.add_gradient(coefficients_, gradient);
    const auto sd = model_->prior().vcp_p.array();
    const Vector psi_gradient = prior_.scaled_squares(coefficients_).array() -
                                model_->design().component_size().array() -
                                psi_.array() / sd.square();
    return model_->design().join(gradient, psi_gradient);
  }

  // Full symmetric matrix, columns sorted.
  SparseMatrix hessian(ConstVectorRef params) {
    set(params);
    Vector gradient = Vector::Zero(coefficients_.size());
    std::vector<double> values(size_t(model_->design().pattern().size()), 0.0);
    pass<2>(&gradient, values.data());
    prior_.add_precision(values.data());
    Entries entries;
    add_sparse_block(values, entries);
    add_dense_block(values, entries);
    add_psi_block(entries);
    const auto d = static_cast<std::int32_t>(model_->design().parameters());
    SparseMatrix result(d, d);
    result.setFromTriplets(entries.begin(), entries.end());
    return result;
  }

  // offset + X beta + Z u
  Vector linear_predictor(ConstVectorRef params) {
    set(params);
    const Design& design = model_->design();
    Vector eta(design.rows());
    RowBlock block;
    for (block.first = 0; block.first < design.rows(); block.first += row_block_size) {
      block.count = std::min(row_block_size, design.rows() - block.first);
      detail::predict(*model_, coefficients_, block);
      eta.segment(block.first, block.count) = block.view(block.eta);
    }
    return design.to_user_rows(eta);
  }

 private:
  using Entries = std::vector<Eigen::Triplet<double, std::int32_t>>;

  void set(ConstVectorRef params) {
    if (params.size() != model_->design().parameters()) {
      throw std::invalid_argument("params: expected length " +
                                  std::to_string(model_->design().parameters()) + ", got " +
                                  std::to_string(params.size()));
    }
    model_->design().split(params, coefficients_, psi_);
    prior_.set_psi(psi_);
  }

  template <int Order>
  double pass(Vector* gradient, double* values) const {
    const LikelihoodSites sites(*model_);
    RowTeam rows(model_->design());
    return pass_rows<Order>(*model_, sites, coefficients_, gradient, values, rows);
  }

  // Number of a coefficient (u in elimination order, then beta) in params.
  std::int32_t place(Index coefficient) const {
    const Design& design = model_->design();
    const Index q = design.effects();
    return static_cast<std::int32_t>(coefficient < q ? design.fixed() + design.components() +
                                                           design.user_effect(coefficient)
                                                     : coefficient - q);
  }

  // Minus a precision, in both triangles.
  void add(Index row, Index col, double precision, Entries& entries) const {
    if (precision == 0.0) return;
    entries.emplace_back(place(row), place(col), -precision);
    if (row != col) entries.emplace_back(place(col), place(row), -precision);
  }

  void add_sparse_block(const std::vector<double>& values, Entries& entries) const {
    const BorderedPattern& pattern = model_->design().pattern();
    for (Index j = 0; j < pattern.sparse(); ++j) {
      add(j, j, values[size_t(pattern.diagonal_position(j))], entries);
      for (Index e = pattern.column_begin(j); e < pattern.column_end(j); ++e) {
        add(pattern.rows()[e], j, values[size_t(pattern.lower_offset() + e)], entries);
      }
      for (Index a = 0; a < pattern.border(); ++a) {
        add(pattern.effects() + a, j, values[size_t(pattern.border_position(j) + a)], entries);
      }
    }
  }

  void add_dense_block(const std::vector<double>& values, Entries& entries) const {
    const BorderedPattern& pattern = model_->design().pattern();
    for (Index c = 0; c < pattern.dense(); ++c) {
      for (Index r = c; r < pattern.dense(); ++r) {
        add(pattern.sparse() + r, pattern.sparse() + c,
            values[size_t(pattern.dense_position(r, c))], entries);
      }
    }
  }

  void add_psi_block(Entries& entries) const {
    const Design& design = model_->design();
    const Vector squares = prior_.scaled_squares(coefficients_);
    const auto psi_place = [&](Index k) { return static_cast<std::int32_t>(design.fixed() + k); };
    for (Index k = 0; k < design.components(); ++k) {
      const double sd = model_->prior().vcp_p[k];
      entries.emplace_back(psi_place(k), psi_place(k), -2.0 * squares[k] - 1.0 / (sd * sd));
    }
    for (Index j = 0; j < design.effects(); ++j) {
      const double cross = 2.0 * prior_.precision()[j] * coefficients_[j];
      entries.emplace_back(place(j), psi_place(design.component(j)), cross);
      entries.emplace_back(psi_place(design.component(j)), place(j), cross);
    }
  }

  const Model* model_;
  CoefficientPrior prior_;
  Vector coefficients_, psi_;
};

}  // namespace mixed_glm
