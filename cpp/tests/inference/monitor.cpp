// A monitor hears of every step, changes nothing, and ends the work by an exception.

#include <atomic>
#include <catch2/catch.hpp>
#include <mixed_glm/ep/ep_marginal.hpp>
#include <mixed_glm/inference/fit_marginal.hpp>
#include <mixed_glm/inference/joint_mode.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>
#include <mixed_glm/inference/monitor.hpp>
#include <mixed_glm/leaf/leaf_marginal.hpp>
#include <mixed_glm/variational/fit_variational.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

namespace {

// Lets so many passes and steps happen, and no more.
class Patience final : public Monitor {
 public:
  explicit Patience(int looks) : left_(looks) {}
  int looks() const { return looks_; }

 private:
  void look() override {
    ++looks_;
    if (--left_ < 0) throw Interrupted();
  }
  int left_, looks_ = 0;
};

constexpr int endless = 1'000'000;

using Fit = Vector (*)(const Model&, Monitor*);

Vector fit_marginal_mean(Marginal& marginal, Monitor* monitor) {
  MarginalFitSettings settings;
  settings.mode.monitor = monitor;
  return fit_marginal(marginal, Vector::Zero(marginal.model().design().components()), settings)
      .posterior.mean;
}

NewtonSettings inner(Monitor* monitor) {
  NewtonSettings settings = marginal_newton_settings();
  settings.monitor = monitor;
  return settings;
}

Vector laplace(const Model& model, Monitor* monitor) {
  LaplaceSettings settings;
  settings.inner = inner(monitor);
  LaplaceMarginal marginal(model, settings);
  return fit_marginal_mean(marginal, monitor);
}

Vector leaf(const Model& model, Monitor* monitor) {
  LeafSettings settings;
  settings.inner = inner(monitor);
  settings.n_quad = 5;
  LeafMarginal marginal(model, 0, settings);
  return fit_marginal_mean(marginal, monitor);
}

Vector ep(const Model& model, Monitor* monitor) {
  EpSettings settings;
  settings.laplace.inner = inner(monitor);
  EpMarginal marginal(model, settings);
  return fit_marginal_mean(marginal, monitor);
}

Vector joint(const Model& model, Monitor* monitor) {
  JointModeSettings settings;
  settings.monitor = monitor;
  return JointMode(model, settings).find(Vector::Zero(model.layout().size())).params;
}

VariationalSettings variational(Monitor* monitor) {
  VariationalSettings settings;
  settings.ascent.monitor = monitor;
  return settings;
}

Vector mean_field(const Model& model, Monitor* monitor) {
  return fit_mean_field(model, {}, variational(monitor)).mean;
}

Vector full_gaussian(const Model& model, Monitor* monitor) {
  return fit_full_gaussian(model, {}, variational(monitor)).mean;
}

}  // namespace

TEST_CASE("a monitor hears of every fit, changes nothing, and can end it at any time") {
  const auto source = random_design(Shape::one_factor, 60, 2, 3);
  const Design design = source.design();
  const Model model = random_model(design, source, BinomialLogit(), 3);
  for (const Fit fit : {&laplace, &leaf, &ep, &joint, &mean_field, &full_gaussian}) {
    const Vector expected = fit(model, nullptr);
    Patience listening(endless);
    CHECK(fit(model, &listening) == expected);
    CHECK(listening.progress().steps > 0);
    CHECK(std::isfinite(listening.progress().value));
    REQUIRE(listening.looks() > listening.progress().steps);
    for (const int looks : {0, 1, listening.looks() / 2, listening.looks() - 1}) {
      Patience impatient(looks);
      CHECK_THROWS_AS(fit(model, &impatient), Interrupted);
    }
    CHECK(fit(model, nullptr) == expected);
  }
}

TEST_CASE("integration is a stage of its own") {
  const auto source = random_design(Shape::one_factor, 60, 2, 3);
  const Design design = source.design();
  const Model model = random_model(design, source, PoissonLog(), 3);
  Patience listening(endless);
  CHECK(listening.progress().stage == Stage::search);
  laplace(model, &listening);
  CHECK(listening.progress().stage == Stage::integration);
  CHECK(std::string(to_string(Stage::search)) == "search");
}

TEST_CASE("one flag stops many") {
  std::atomic<bool> stop{false};
  StopMonitor one(stop), other(stop);
  one.pass();
  other.step(1.0);
  stop = true;
  CHECK_THROWS_AS(one.pass(), Interrupted);
  CHECK_THROWS_AS(other.pass(), Interrupted);
}
