// The joint log density log p(y, beta, theta, u), fully normalized, with gradient and Hessian in
// params = (beta, theta, u), u in the caller's order. One pass over the rows each.
//
//     d/d theta      hyper_derivatives.hpp, with E[u u'] = u u'
//     d2/d theta_i dx = C_i = -(dP/dtheta_i) x
#pragma once

#include <Eigen/SparseCore>
#include <mixed_glm/inference/hyper_derivatives.hpp>
#include <mixed_glm/model/likelihood_sites.hpp>
#include <mixed_glm/model/shape_sites.hpp>
#include <vector>

namespace mixed_glm {

using SparseMatrix = Eigen::SparseMatrix<double, Eigen::ColMajor, std::int32_t>;

class JointDensity {
 public:
  explicit JointDensity(const Model& model)
      : model_(&model), family_(model), prior_(model.design(), model.prior()) {}

  double value(ConstVectorRef params) {
    set(params);
    return pass<0>(nullptr, nullptr) + family_.constant() + prior_.log_density(coefficients_) +
           model_->hyperparameters().log_density(theta_);
  }

  Vector gradient(ConstVectorRef params) {
    set(params);
    Vector gradient = Vector::Zero(coefficients_.size());
    pass<1>(&gradient, nullptr);
    prior_.add_gradient(coefficients_, gradient);
    double of_family = 0.0;
    family_pull(of_family);
    return model_->design().join(gradient,
                                 hyper_gradient(*model_, prior_, moments(), theta_, of_family));
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
    family_.set(theta_);
  }

  template <int Order>
  double pass(Vector* gradient, double* values) const {
    const LikelihoodSites sites(*model_, family_.kernel());
    RowTeam rows(model_->design());
    return pass_rows<Order>(*model_, sites, coefficients_, gradient, values, rows);
  }

  // A' l'_phi of the family's hyperparameter, empty where it has none; slope: sum of l_phi.
  Vector family_pull(double& slope) const {
    if (model_->hyperparameters().family().size == 0) return {};
    Vector pull = Vector::Zero(coefficients_.size());
    RowTeam rows(model_->design());
    slope = family_.constant_slope() + pass_rows<1>(*model_, ShapeSites(*model_, family_.kernel()),
                                                    coefficients_, &pull, nullptr, rows);
    return pull;
  }

  // Minus the sum of l_phi_phi, by a difference of the slopes.
  double family_curvature() {
    const Hyperparameters::Block family = model_->hyperparameters().family();
    if (family.size == 0) return 0.0;
    constexpr double step = 1e-4;
    const auto slope_at = [&](double shift) {
      Vector moved = theta_;
      moved[family.begin] += shift;
      family_.set(moved);
      double slope = 0.0;
      family_pull(slope);
      return slope;
    };
    const double below = slope_at(-step), above = slope_at(step);
    family_.set(theta_);
    return (below - above) / (2.0 * step);
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

  void add_theta_block(Entries& entries) {
    const auto theta_place = [begin = model_->layout().theta_begin()](Index i) {
      return static_cast<std::int32_t>(begin + i);
    };
    const Matrix curvature =
        hyper_curvature(*model_, prior_, moments(), theta_, family_curvature());
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
    double slope = 0.0;
    const Vector pull = family_pull(slope);
    const auto family = theta_place(model_->hyperparameters().family().begin);
    for (Index j = 0; j < pull.size(); ++j) {
      entries.emplace_back(place(j), family, pull[j]);
      entries.emplace_back(family, place(j), pull[j]);
    }
  }

  const Model* model_;
  FamilyAt family_;
  CoefficientPrior prior_;
  Vector coefficients_, theta_;
};

}  // namespace mixed_glm
