// Every allocation of every kind of fit fails in turn: std::bad_alloc comes out, and all that was
// built until then is destroyed once (the sanitizers see to that; without them glibc often does).

// clang-format off
#include "allocation_count.hpp"  // before all of Eigen
// clang-format on

#include <catch2/catch.hpp>
#include <functional>
#include <mixed_glm/ep/ep_marginal.hpp>
#include <mixed_glm/inference/fit_marginal.hpp>
#include <mixed_glm/inference/joint_covariance.hpp>
#include <mixed_glm/inference/joint_mode.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>
#include <mixed_glm/leaf/leaf_marginal.hpp>
#include <mixed_glm/many/many_fitter.hpp>
#include <mixed_glm/variational/fit_variational.hpp>
#include <string>

#include "../support/random_model.hpp"

using namespace mixed_glm;

namespace {

using Fit = std::function<void(const Model&)>;

void fit(Marginal& marginal) {
  fit_marginal(marginal, Vector::Zero(marginal.model().design().components()));
}

// The same response three times.
void fit_many(const Model& model) {
  const Design& design = model.design();
  MarginalMethod method;
  method.approximation = {ApproximationName::leaf, design.largest_single(), 9, true};
  const Matrix y = Matrix::NullaryExpr(design.user_rows(), 3, [](Index i, Index) { return i % 2; });
  const Matrix trials = Matrix::Ones(design.user_rows(), 1);
  ManyFitter fitter(design, model.family(), model.prior(), method);
  ManySettings settings;
  settings.n_jobs = 1;
  fitter.fit({y, trials, Matrix(), Vector::Ones(design.user_rows())}, settings);
}

const std::vector<std::pair<std::string, Fit>>& fits() {
  static const std::vector<std::pair<std::string, Fit>> all = {
      {"laplace",
       [](const Model& model) {
         LaplaceMarginal marginal(model);
         fit(marginal);
       }},
      {"leaf",
       [](const Model& model) {
         LeafMarginal marginal(model, model.design().largest_single());
         fit(marginal);
       }},
      {"ep",
       [](const Model& model) {
         EpMarginal marginal(model);
         fit(marginal);
       }},
      {"mean field", [](const Model& model) { fit_mean_field(model); }},
      {"full covariance", [](const Model& model) { fit_full_gaussian(model); }},
      {"joint mode",
       [](const Model& model) {
         const Vector start = Vector::Zero(model.layout().size());
         joint_covariance(model, JointMode(model).find(start).params);
       }},
      {"many responses", fit_many},
  };
  return all;
}

}  // namespace

TEST_CASE("whichever allocation fails, nothing is freed twice") {
  // All of them take some minutes, so without this variable only the first and a sample fail.
  const bool every = std::getenv("MIXED_GLM_EVERY_ALLOCATION") != nullptr;
  const auto source = test_support::random_design(test_support::Shape::crossed, 30, 2, 3);
  for (const auto& [name, run] : fits()) {
    CAPTURE(name);
    const auto whole = [&source, &fit_model = run] {
      const Design design = source.design();
      fit_model(test_support::random_model(design, source, BinomialLogit(), 3));
    };
    long allocations = 0;
    {
      const Watch watch;
      whole();
      allocations = allocation_count::eigen + allocation_count::others;
    }
    CHECK(allocations > 100);
    long failed = 0, tried = 0;
    for (long k = 0; k < allocations; k += every || k < 100 ? 1 : 149) {
      ++tried;
      const Watch watch(k);
      try {
        whole();
      } catch (const std::bad_alloc&) {
        ++failed;
      }
    }
    CHECK(failed == tried);
  }
}
