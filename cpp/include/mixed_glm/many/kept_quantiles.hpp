// Quantiles of many responses, one row for each response: L x p (d, q) numbers in a row, level by
// level. NaN where there are none.
#pragma once

#include <memory>
#include <mixed_glm/inference/marginal_quantiles.hpp>
#include <vector>

namespace mixed_glm {

inline RowMatrix missing_numbers(Index rows, Index cols) {
  return RowMatrix::Constant(rows, cols, std::numeric_limits<double>::quiet_NaN());
}

// Which ones.
struct KeptQuantiles {
  QuantileLevels at;  // none: none
  Matrix way;         // c x p, combinations of the fixed effects; empty: each of them

  bool any() const { return at.size() > 0; }
};

class Quantiles {
 public:
  Quantiles(Index responses, const ParameterLayout& layout, bool keep_random_effects,
            const KeptQuantiles& kept)
      : at_(kept.at),
        way_(kept.way.size() > 0 ? kept.way : Matrix::Identity(layout.fixed, layout.fixed)),
        fe_(missing_numbers(responses, at_.size() * way_.rows())),
        theta_(missing_numbers(responses, at_.size() * layout.hyper)),
        u_(missing_numbers(responses, keep_random_effects ? at_.size() * layout.effects : 0)) {
    if (at_.size() > 0 && layout.hyper > 1) densities_.resize(size_t(responses));
  }

  const RowMatrix& fe() const { return fe_; }        // of way beta
  const RowMatrix& theta() const { return theta_; }  // of several: of their moments
  const RowMatrix& u() const { return u_; }          // or empty
  // Of several hyperparameters, what is known of their density: points, weights and shape. Null
  // where only moments are.
  const std::vector<std::shared_ptr<const MarginalFit>>& densities() const { return densities_; }

  // Different rows may be set by different threads.
  void set(Index row, const MarginalFit& fit, const ParameterLayout& layout) {
    if (at_.size() == 0 || fit.posterior.points.empty()) return;
    const MarginalQuantiles quantiles(fit, layout);
    put(quantiles.of_fixed(way_, at_), row, fe_);
    put(quantiles.of_theta(at_), row, theta_);
    if (u_.cols() > 0) put(quantiles.of_effects(at_), row, u_);
    const bool has_density = fit.grid_step > 0.0 || !fit.ridge.profiles.empty();
    if (!densities_.empty() && has_density) densities_[size_t(row)] = density_of(fit);
  }

 private:
  static void put(const RowMatrix& values, Index row, RowMatrix& rows) {
    rows.row(row) = Eigen::Map<const Eigen::RowVectorXd>(values.data(), values.size());
  }

  static std::shared_ptr<const MarginalFit> density_of(const MarginalFit& fit) {
    auto density = std::make_shared<MarginalFit>();
    density->mode = fit.mode;
    density->grid_step = fit.grid_step;
    density->ridge = fit.ridge;
    density->posterior.weights = fit.posterior.weights;
    for (const PosteriorPoint& point : fit.posterior.points) {
      PosteriorPoint& alone = density->posterior.points.emplace_back();
      alone.psi = point.psi;
      alone.log_density = point.log_density;
      alone.log_weight = point.log_weight;
    }
    return density;
  }

  QuantileLevels at_;
  Matrix way_;
  RowMatrix fe_, theta_, u_;
  std::vector<std::shared_ptr<const MarginalFit>> densities_;
};

}  // namespace mixed_glm
