// Draws from the posteriors that the fits found. Random numbers come from the caller, as standard
// normals.

#include <algorithm>
#include <mixed_glm/fit/effects_integral.hpp>
#include <mixed_glm/fit/make_draws.hpp>
#include <mixed_glm/inference/joint_density.hpp>
#include <mixed_glm/sampling/joint_mode_draws.hpp>
#include <mixed_glm/sampling/weighted_gaussian.hpp>
#include <numeric>

#include "bound_model.hpp"
#include "python_monitor.hpp"

namespace py = pybind11;

namespace bind_sampling_detail {

using bound_model::BoundModel;
using bound_model::check_length;
using mixed_glm::Approximation;
using mixed_glm::ConditionalDraws;
using mixed_glm::ConstVectorRef;
using mixed_glm::Design;
using mixed_glm::Index;
using mixed_glm::Matrix;
using mixed_glm::Monitor;
using mixed_glm::RowMatrix;
using mixed_glm::Vector;
using python_monitor::watched;
// One row for each draw.
using Rows = Eigen::Ref<const RowMatrix, 0, Eigen::OuterStride<>>;

struct Draws {
  RowMatrix params;  // one row for each: (beta, theta, u), all u or those wanted, as the caller has
  mixed_glm::DrawDensities log_density;  // m each

  Draws() = default;
  Draws(Index m, Index d) : params(m, d), log_density{Vector(m), Vector(m)} {}
};

void check_rows(const char* name, const Rows& rows, Index expected_rows, Index expected_cols) {
  check_length((std::string(name) + ": columns").c_str(), rows.cols(), expected_cols);
  check_length((std::string(name) + ": rows").c_str(), rows.rows(), expected_rows);
}

// x: (q + p) x m and psi: d x m, all hyperparameters, into the rows first .. of the draws.
void store(const Design& design, const RowMatrix& x, const Matrix& psi, Index first, Draws& draws) {
  for (Index c = 0; c < x.cols(); ++c) {
    draws.params.row(first + c) = design.join(Vector(x.col(c)), psi.col(c)).transpose();
  }
}

// Draws given psi; rows with the same node, where the approximation is evaluated, follow each
// other. Keeps the warm start of the last call. Of random effects all, or those that are wanted.
class BoundConditionalDraws {
 public:
  BoundConditionalDraws(const BoundModel& model, const Approximation& approximation)
      : draws_(mixed_glm::make_draws(model.model(), approximation)) {
    std::vector<Index> all(size_t(design().effects()));
    std::iota(all.begin(), all.end(), Index(0));
    want(all);
  }

  // effects: by the caller's numbers.
  void want(const std::vector<Index>& effects) {
    const Index q = design().effects();
    std::vector<Index> number(size_t(q), 0);
    for (Index j = 0; j < q; ++j) number[size_t(design().user_effect(j))] = j;
    wanted_.clear();
    for (const Index j : effects) {
      if (j < 0 || j >= q) throw std::invalid_argument("effects: there is no such random effect");
      wanted_.push_back(number[size_t(j)]);
    }
    drawn_ = draws_->want(wanted_);
  }

  // Standard normals that each draw takes: those of the effects that have to be drawn, and of the
  // fixed effects.
  Index normals() const { return Index(drawn_.size()) + design().fixed(); }

  // psi: where the tails of the fixed effects are taken from.
  void expand_fixed(const Vector& psi, bool thorough) {
    check_length("psi", psi.size(), draws_->model().hyperparameters().size());
    evaluated_ = false;
    if (!draws_->expand_fixed(psi, thorough)) {
      throw std::runtime_error("the conditional mode was not found");
    }
  }

  Draws draw(const Rows& psi, const Rows& nodes, const Rows& normals, Monitor* monitor) {
    const Index hyper = draws_->model().hyperparameters().size();
    check_rows("psi", psi, normals.rows(), hyper);
    check_rows("nodes", nodes, normals.rows(), hyper);
    check_rows("normals", normals, normals.rows(), this->normals());
    Draws draws(normals.rows(), design().fixed() + hyper + Index(wanted_.size()));
    const Index most = std::clamp<Index>(rows_between_looks / (design().rows() + 1), 8, 256);
    for (Index first = 0, last; first < normals.rows(); first = last) {
      mixed_glm::tell_pass(monitor);
      const Index end = std::min(normals.rows(), first + most);
      last = first + 1;
      while (last < end && nodes.row(last) == nodes.row(first)) ++last;
      evaluate(nodes.row(first));
      RowMatrix x = spread(normals.middleRows(first, last - first));
      const Matrix psi_columns = psi.middleRows(first, last - first).transpose();
      const mixed_glm::DrawDensities found = draws_->draw(psi_columns, x);
      draws.log_density.all.segment(first, last - first) = found.all;
      draws.log_density.fixed.segment(first, last - first) = found.fixed;
      keep(x, psi_columns, draws.params.middleRows(first, last - first));
    }
    return draws;
  }

 private:
  static constexpr Index rows_between_looks = Index(1) << 18;  // of all draws made together

  const Design& design() const { return draws_->model().design(); }

  // One column for each draw, in the order of the design.
  RowMatrix spread(const Rows& normals) const {
    if (Index(drawn_.size()) == design().effects()) return normals.transpose();
    RowMatrix x = RowMatrix::Zero(design().coefficients(), normals.rows());
    for (size_t k = 0; k < drawn_.size(); ++k) {
      x.row(drawn_[k]) = normals.col(Index(k)).transpose();
    }
    x.bottomRows(design().fixed()) = normals.rightCols(design().fixed()).transpose();
    return x;
  }

  void keep(const RowMatrix& x, const Matrix& psi, Eigen::Ref<RowMatrix> params) const {
    const Index p = design().fixed();
    params.leftCols(p) = x.bottomRows(p).transpose();
    params.middleCols(p, psi.rows()) = psi.transpose();
    for (size_t k = 0; k < wanted_.size(); ++k) {
      params.col(p + psi.rows() + Index(k)) = x.row(wanted_[k]).transpose();
    }
  }

  void evaluate(const Vector& node) {
    if (node_.size() == node.size() && node_ == node && evaluated_) return;
    node_ = node;
    evaluated_ = draws_->evaluate(node);
    if (!evaluated_) throw std::runtime_error("the conditional mode was not found");
  }

  std::unique_ptr<ConditionalDraws> draws_;
  std::vector<Index> wanted_, drawn_;  // numbers in the design
  Vector node_;
  bool evaluated_ = false;
};

Draws draw_joint_mode(const BoundModel& bound, const ConstVectorRef& params, const Rows& normals) {
  const Design& design = bound.design();
  bound.check_params(params);
  check_rows("normals", normals, normals.rows(), bound.model().layout().size());
  const mixed_glm::JointModeDraws mode(bound.model(), params);
  if (!mode.is_maximum()) {
    throw std::invalid_argument("params: minus the Hessian is not positive definite there");
  }
  Matrix psi = normals.leftCols(bound.hyper()).transpose();
  RowMatrix x = normals.rightCols(design.coefficients()).transpose();
  Draws draws(normals.rows(), bound.model().layout().size());
  draws.log_density = mode.draw(psi, x);
  store(design, x, psi, 0, draws);
  return draws;
}

// The coefficients have precision A' diag(weight) A + P, psi is independent.
Draws draw_weighted(const BoundModel& bound, const ConstVectorRef& mean,
                    const ConstVectorRef& psi_sd, const ConstVectorRef& weight,
                    const ConstVectorRef& effect_precision, const Rows& normals) {
  const Design& design = bound.design();
  bound.check_params(mean);
  check_length("psi_sd", psi_sd.size(), bound.hyper());
  check_length("weight", weight.size(), design.user_rows());
  check_length("effect_precision", effect_precision.size(), design.components());
  check_rows("normals", normals, normals.rows(), bound.model().layout().size());
  Vector coefficients, psi_mean;
  design.split(mean, coefficients, psi_mean);
  mixed_glm::Precision precision(design.pattern());
  if (!mixed_glm::factorize_weighted(bound.model(), weight, effect_precision, precision)) {
    throw std::invalid_argument("weight: the precision is not positive definite");
  }
  Matrix psi = normals.leftCols(bound.hyper()).transpose();
  RowMatrix x = normals.rightCols(design.coefficients()).transpose();
  Draws draws(normals.rows(), bound.model().layout().size());
  draws.log_density = mixed_glm::spread_by_precision(precision, x);
  x.colwise() += coefficients;
  const double normalizer =
      psi_sd.array().log().sum() + 0.5 * double(psi.rows()) * mixed_glm::log_two_pi;
  const Vector of_psi = -normalizer - 0.5 * psi.colwise().squaredNorm().transpose().array();
  draws.log_density.all += of_psi;
  draws.log_density.fixed += of_psi;
  psi = (psi_sd.asDiagonal() * psi).colwise() + psi_mean;
  store(design, x, psi, 0, draws);
  return draws;
}

Vector log_joint(const BoundModel& bound, const Rows& params, Monitor* monitor) {
  check_rows("params", params, params.rows(), bound.model().layout().size());
  mixed_glm::JointDensity density(bound.model());
  Vector values(params.rows());
  for (Index r = 0; r < params.rows(); ++r) {
    mixed_glm::tell_pass(monitor);
    values[r] = density.value(params.row(r).transpose());
  }
  return values;
}

// log p(y, psi | beta) for each row of psi, and of linear predictors without random effects.
// leaf: components to integrate by quadrature; none: Laplace for all.
Vector integrate_effects(const BoundModel& bound, const Rows& psi, const Rows& offsets,
                         const std::vector<Index>& leaf, Index n_quad, Monitor* monitor) {
  const Design& design = bound.design();
  if (design.fixed() > 0) throw std::invalid_argument("model: expected one without fixed effects");
  check_rows("psi", psi, offsets.rows(), bound.hyper());
  check_rows("offsets", offsets, offsets.rows(), design.rows());
  mixed_glm::EffectsIntegral integral(bound.model(), leaf, n_quad);
  Vector values(psi.rows());
  for (Index r = 0; r < psi.rows(); ++r) {
    mixed_glm::tell_pass(monitor);
    values[r] = integral.evaluate(psi.row(r).transpose(), offsets.row(r).transpose());
  }
  return values;
}

py::tuple as_tuple(Draws draws) {
  return py::make_tuple(std::move(draws.params), std::move(draws.log_density.all),
                        std::move(draws.log_density.fixed));
}

// Runs `draw` without the interpreter's lock.
template <class Draw>
py::tuple unlocked(Draw&& draw) {
  Draws draws;
  {
    const interpreter_lock::Released released;
    draws = draw();
  }
  return as_tuple(std::move(draws));
}

}  // namespace bind_sampling_detail

void bind_sampling(py::module_& m) {
  using namespace bind_sampling_detail;

  py::class_<BoundConditionalDraws>(m, "ConditionalDraws", py::module_local())
      .def(py::init<const BoundModel&, const Approximation&>(), py::arg("model"),
           py::arg("approximation"), py::keep_alive<1, 2>())
      .def(
          "expand_fixed",
          [](BoundConditionalDraws& self, const Vector& psi, bool thorough) {
            const interpreter_lock::Released released;
            self.expand_fixed(psi, thorough);
          },
          py::arg("psi"), py::kw_only(), py::arg("thorough"))
      .def("want", &BoundConditionalDraws::want, py::arg("effects"))
      .def_property_readonly("normals", &BoundConditionalDraws::normals)
      .def(
          "draw",
          [](BoundConditionalDraws& self, const Rows& psi, const Rows& nodes, const Rows& normals) {
            return as_tuple(watched(py::none(), [&](Monitor* monitor) {
              return self.draw(psi, nodes, normals, monitor);
            }));
          },
          py::arg("psi"), py::arg("nodes"), py::arg("normals"));
  m.def(
      "draw_joint_mode",
      [](const BoundModel& model, const ConstVectorRef& params, const Rows& normals) {
        return unlocked([&] { return draw_joint_mode(model, params, normals); });
      },
      py::arg("model"), py::arg("params"), py::arg("normals"));
  m.def(
      "draw_weighted",
      [](const BoundModel& model, const ConstVectorRef& mean, const ConstVectorRef& psi_sd,
         const ConstVectorRef& weight, const ConstVectorRef& effect_precision,
         const Rows& normals) {
        return unlocked(
            [&] { return draw_weighted(model, mean, psi_sd, weight, effect_precision, normals); });
      },
      py::arg("model"), py::arg("mean"), py::arg("psi_sd"), py::arg("weight"),
      py::arg("effect_precision"), py::arg("normals"));
  m.def(
      "integrate_effects",
      [](const BoundModel& model, const Rows& psi, const Rows& offsets,
         const std::vector<Index>& leaf, Index n_quad) {
        return watched(py::none(), [&](Monitor* monitor) {
          return integrate_effects(model, psi, offsets, leaf, n_quad, monitor);
        });
      },
      py::arg("model"), py::arg("psi"), py::arg("offsets"), py::kw_only(),
      py::arg("leaf") = std::vector<Index>(), py::arg("n_quad") = 25);
  m.def(
      "log_joint",
      [](const BoundModel& model, const Rows& params) {
        return watched(py::none(),
                       [&](Monitor* monitor) { return log_joint(model, params, monitor); });
      },
      py::arg("model"), py::arg("params"));
}
