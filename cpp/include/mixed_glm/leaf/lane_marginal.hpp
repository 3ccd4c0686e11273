// The marginal posterior of theta of a model with one variance component alone, its effects
// integrated by quadrature and beta by Laplace with the second-order correction of its mean: what
// leaf_marginal.hpp does for any leaf, by passes in which lanes are groups (group_lanes.hpp).
#pragma once

#include <mixed_glm/inference/marginal.hpp>
#include <mixed_glm/inference/second_order.hpp>
#include <mixed_glm/leaf/lane_correction.hpp>
#include <mixed_glm/leaf/leaf_settings.hpp>
#include <mixed_glm/linalg/selected_inverse.hpp>

namespace mixed_glm {

// A model without its random effects, rows as its design has them.
class FixedPart {
 public:
  // The model is viewed and must outlive this object.
  explicit FixedPart(const Model& model) : full_(&model) {
    const Design& design = model.design();
    const std::vector<std::int64_t> none(size_t(design.rows()) + 1, 0);
    const SparseRows rows(design.rows(), 0, none.data(), nullptr, nullptr);
    const SparseRows cliques(0, 0, none.data(), nullptr, nullptr);
    design_ = Design::with_cliques(design.x(), rows, cliques, {}, design.components());
    model_ = std::make_unique<Model>(*design_, model.family(), model.response(), model.prior(),
                                     model.offset());
  }
  // After the full model's response has been replaced.
  void update_response() { model_->set_rows(full_->response(), full_->offset()); }
  const Model& model() const { return *model_; }

 private:
  const Model* full_;
  std::unique_ptr<Design> design_;
  std::unique_ptr<Model> model_;
};

class LaneMarginal final : public Marginal {
 public:
  // Whether it is for this model.
  static bool suits(const Model& model) {
    return LaneDesign::suits(model.design()) && !has_shape(model.family()) &&
           rows_together(model.family()) == 1 && !has_gaps(model.family()) &&
           model.design().fixed() <= most_fixed;
  }

  // The model is viewed and must outlive this object.
  explicit LaneMarginal(const Model& model, const LeafSettings& settings = {})
      : settings_(with_quadrature_error(settings)),
        family_(model),
        lanes_(model),
        fixed_(model),
        likelihood_(lanes_, fixed_.model(), family_, settings.n_quad, settings.inner.team),
        mode_(likelihood_, fixed_.model().prior(), settings_.inner),
        sigma_(fixed_.model().design().pattern(), settings.inner.team),
        moments_(likelihood_, model.design().fixed() <= most_skew_fixed_effects),
        prior_(model.design(), model.prior()),
        second_moments_(model.design().effects()) {}

  auto covariance() const { return sigma_.border_block(); }  // of beta
  // Its mode, and how far its mean is from there to first order: H^-1 slope of -1/2 log|H|.
  const Vector& coefficients() const { return mode_.coefficients(); }
  const Vector& mean_shift() const { return moments_.delta(); }
  Vector fixed_mean() const {
    if (!settings_.mean_correction) return coefficients();
    return coefficients() + mean_shift();
  }
  const Precision& precision() const { return mode_.precision(); }
  // d mode / d psi.
  Vector psi_response() const {
    Vector move = 2.0 * effect_precision(theta_[0]) * effects().square_coupling();
    mode_.precision().solve_in_place(move);
    return move;
  }
  const GroupLanes& lanes() const { return lanes_; }
  Index n_quad() const { return settings_.n_quad; }
  const Model& fixed_part() const { return fixed_.model(); }
  // Of the effects in all lanes.
  const Vector& modes() const { return likelihood_.nodes().modes(); }

  bool evaluate(const Vector& theta) override {
    prior_.set(theta);
    family_.set(theta);
    if (valid_) predict(theta);
    theta_ = theta;
    likelihood_.nodes().set_sd(effect_sd(theta[0]));
    valid_ = mode_.find(theta);
    if (!valid_) return false;
    sigma_.compute(mode_.precision());
    const bool own = correction_ == Correction::own;
    if (own) moments_.compute(covariance(), mode_);
    finish(own);
    return valid_;
  }

  void set_correction(Correction correction) override {
    correction_ = correction;
    if (correction == Correction::none) moments_.forget();
    if (correction != Correction::held || !valid_) return;
    moments_.compute(covariance(), mode_, wants_third() && has_tails());
    finish(true);
  }
  bool can_hold_correction() const override { return model().design().effects() >= few_effects; }
  double held_part() const override {
    return correction_ == Correction::held ? -half_log_determinant_ + of_last_step() : 0.0;
  }

  void start_at(const Vector& coefficients) override {
    mode_.set_start(coefficients.tail(lanes_.fixed()));
    for_effects([&](Index effect, Index slot) {
      likelihood_.nodes().set_start(slot, coefficients[effect]);
    });
  }

  void begin_with_few_nodes() override {
    if (!settings_.by_need) return;
    const Index effects = model().design().effects();
    likelihood_.nodes().set_rule(effects < few_effects    ? nodes_for_few
                                 : effects < many_effects ? nodes_at_least
                                                          : nodes_for_many);
  }
  // On a line as wide as that of psi the effects may be wider than at its mode.
  bool take_more_nodes(double spread) override {
    const Index now = likelihood_.nodes().n_quad();
    if (!settings_.by_need || now >= most_nodes) return false;
    const Index next = now + (now < 9 ? 2 : now < 15 ? 4 : now < 31 ? 8 : 16);
    const auto for_line = Index(std::ceil(double(now) * std::exp(std::min(1.0, 2.8 * spread))));
    likelihood_.nodes().set_rule(now <= nodes_for_few ? std::max(next, for_line) : next);
    return true;
  }
  Index nodes() const override { return settings_.by_need ? likelihood_.nodes().n_quad() : 0; }

  void allow_decrement(double decrement) override { mode_.allow_decrement(decrement); }
  double last_decrement() const override { return mode_.decrement(); }

  void update_response() override {
    lanes_.update_response();
    fixed_.update_response();
    likelihood_.nodes().update_response();
  }
  void reset() override {
    update_response();
    likelihood_.nodes().reset();
    likelihood_.nodes().set_rule(settings_.n_quad);
    mode_.reset();
    correction_ = Correction::own;
    forget_fixed();
    valid_ = false;
  }

  double log_density() const override { return log_density_; }
  const SecondMoments& second_moments() const override { return second_moments_; }
  const CoefficientPrior& prior() const override { return prior_; }
  const Model& model() const override { return lanes_.model(); }
  int passes() const override { return mode_.iterations(); }
  double value_error() const override {
    const LaneNodes& nodes = likelihood_.nodes();
    if (nodes.is_exact() && nodes.n_quad() >= fewest_for_value) return Marginal::value_error();
    return leaf_quadrature_error + model().rounding();
  }

  ConditionalPosterior posterior() const override {
    const Index p = lanes_.fixed(), q = model().design().effects();
    ConditionalPosterior result;
    result.mean.resize(q + p);
    result.variance.resize(q + p);
    Vector third(q);
    for_effects([&](Index effect, Index slot) {
      result.mean[effect] = effects().mean(slot);
      result.variance[effect] = effects().variance(slot);
      third[effect] = effects().central_cube(slot);
    });
    result.mean.tail(p) = fixed_mean();
    result.fe_cov = covariance();
    add_tails(result, third);
    return result;
  }

  bool corrects_modes() const override { return settings_.mean_correction; }
  FixedCumulants fixed_cumulants(bool thorough) override {
    const bool second_order = thorough && lanes_.fixed() <= most_second_order &&
                              LaneCorrection::is_worth(model().design());
    if (!has_tails() || !(second_order || wants_third())) return {};
    if (correction_ != Correction::held || !moments_.has_third() || second_order) {
      moments_.compute(covariance(), mode_, true);
    }
    FixedCumulants cumulants;
    cumulants.gaussian = moments_.sigma();
    cumulants.third = moments_.third();
    if (second_order) {
      cumulants.covariance = second_order_covariance(
          mode_, LaneCorrection(lanes_, fixed_.model(), family_, likelihood_.nodes(), theta_));
    }
    return cumulants;
  }

 private:
  // Whether there are rows that keep thresholds apart: from far away the search here does not find
  // their mode.
  static bool has_gaps(const Family& family) {
    const auto* ordinal = std::get_if<CumulativeLogit>(&family);
    return ordinal != nullptr && ordinal->categories() > 2;
  }

  // Fixed effects from which on the products of their columns outgrow the caches.
  static constexpr Index most_fixed = 40;
  // Nodes to begin with. Few effects leave psi a wide range, and cost little, so that each
  // evaluation has its own correction, too; with many of them psi is known so well that a small
  // error is a large one.
  static constexpr Index few_effects = 100, many_effects = 2000, most_nodes = 63;
  static constexpr Index nodes_for_few = 9, nodes_at_least = 5, nodes_for_many = 7;
  // Below, values and gradients are those of slightly different functions.
  static constexpr Index fewest_for_value = 13;

  const LaneEffects& effects() const { return likelihood_.effects(); }
  // Beyond the Gaussian, of beta.
  bool has_tails() const {
    const Index p = lanes_.fixed();
    return settings_.mean_correction && p > 0 && p <= most_skew_fixed_effects;
  }

  // What -1/2 log|H| gains by the last step, after which it is not computed anew.
  double of_last_step() const {
    return settings_.inner.last_step ? moments_.delta().dot(mode_.gradient()) : 0.0;
  }

  // From the mode of beta and the second-order terms that there are; own: of this very point.
  void finish(bool own) {
    half_log_determinant_ =
        correction_ == Correction::none ? 0.0 : 0.5 * mode_.precision().log_determinant();
    log_density_ = mode_.log_density() + model().hyperparameters().log_density(theta_) +
                   0.5 * double(lanes_.fixed()) * log_two_pi - half_log_determinant_ +
                   of_last_step();
    likelihood_.effects().finish(likelihood_.nodes().shift(0), covariance(), mode_.last_step(),
                                 likelihood_.nodes().precision(), own, likelihood_.nodes().team());
    effects().for_batches(likelihood_.nodes().team(), [&](Index batch) {
      for_effects_of(batch, [&](Index effect, Index slot) {
        second_moments_.set(effect, effects().square(slot), effects().variance(slot));
      });
    });
    valid_ = std::isfinite(log_density_) && second_moments_.is_finite();
  }

  // visit(effect, slot) for each effect and its lane.
  template <class Visit>
  void for_effects(Visit&& visit) const {
    for (Index c = 0; c < Index(lanes_.batches().size()); ++c) for_effects_of(c, visit);
  }
  template <class Visit>
  void for_effects_of(Index batch, Visit&& visit) const {
    for (Index l = 0; l < lane_count; ++l) {
      const Index effect = lanes_.effect(batch, l);
      if (effect >= 0) visit(effect, batch * lane_count + l);
    }
  }

  // Starts at the last mode, moved to first order where theta goes not too far for that.
  void predict(const Vector& theta) {
    const double change = theta[0] - theta_[0];
    if (std::abs(change) > 1.0) return;
    mode_.set_start(mode_.coefficients() + change * psi_response());
  }

  LeafSettings settings_;
  FamilyAt family_;
  GroupLanes lanes_;
  FixedPart fixed_;
  LaneLikelihood likelihood_;
  ConditionalMode mode_;
  SelectedInverse sigma_;
  LaneMoments moments_;
  Vector theta_;
  CoefficientPrior prior_;  // of all coefficients
  SecondMoments second_moments_;
  Correction correction_ = Correction::own;
  double log_density_ = 0.0, half_log_determinant_ = 0.0;
  bool valid_ = false;
};

}  // namespace mixed_glm
