// The joint log density log p(y, beta, theta, u), fully normalized, with gradient and Hessian in
// params = (beta, theta, u), u in the caller's order. One pass over the rows each.
//
//     d/d theta      hyper_derivatives.hpp, with E[u u'] = u u'
//     d2/d theta_i dx = C_i = -(dP/dtheta_i) x
#pragma once

#include <Eigen/SparseCore>
#include <mixed_glm/inference/hyper_derivatives.hpp>
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
    return pass<0>(nullptr, nullptr) + model_->log_likelihood_constant() +
           prior_.log_density(coefficients_) + model_->hyperparameters().log_density(theta_);
  }

  Vector gradient(ConstVectorRef params) {
    set(params);
    Vector gradient = Vector::Zero(coefficients_.size());
    pass<1>(&gradient, nullptr);
    prior_.add_gradient(coefficients_, gradient);
    return model_->design().join(gradient, hyper_gradient(*model_, prior_, moments(), theta_));
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
    add_theta_block(entries);
    const auto d = static_cast<std::int32_t>(model_->layout().size());
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
    if (params.size() != model_->layout().size()) {
      throw std::invalid_argument("params: expected length " +
                                  std::to_string(model_->layout().size()) + ", got " +
                                  std::to_string(params.size()));
    }
    model_->design().split(params, coefficients_, theta_);
    prior_.set(theta_);
  }

  template <int Order>
  double pass(Vector* gradient, double* values) const {
    const LikelihoodSites sites(*model_);
    RowTeam rows(model_->design());
    return pass_rows<Order>(*model_, sites, coefficients_, gradient, values, rows);
  }

  SecondMoments moments() const {
    return SecondMoments::of_point(coefficients_, model_->design().effects(),
                                   model_->design().effect_pairs());
  }

  // Number of a coefficient (u in elimination order, then beta) in params.
  std::int32_t place(Index coefficient) const {
    const ParameterLayout layout = model_->layout();
    const Index q = layout.effects;
    return static_cast<std::int32_t>(coefficient < q ? layout.effects_begin() +
                                                           model_->design().user_effect(coefficient)
                                                     : layout.beta_begin() + coefficient - q);
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

  void add_theta_block(Entries& entries) const {
    const auto theta_place = [begin = model_->layout().theta_begin()](Index i) {
      return static_cast<std::int32_t>(begin + i);
    };
    const Matrix curvature = hyper_curvature(*model_, prior_, moments(), theta_);
    for (Index i = 0; i < curvature.cols(); ++i) {
      for (Index k = 0; k < curvature.rows(); ++k) {
        if (k != i && curvature(k, i) == 0.0) continue;
        entries.emplace_back(theta_place(k), theta_place(i), -curvature(k, i));
      }
    }
    prior_.for_coupling(coefficients_, [&](Index j, Index i, double value) {
      entries.emplace_back(place(j), theta_place(i), value);
      entries.emplace_back(theta_place(i), place(j), value);
    });
  }

  const Model* model_;
  CoefficientPrior prior_;
  Vector coefficients_, theta_;
};

}  // namespace mixed_glm
