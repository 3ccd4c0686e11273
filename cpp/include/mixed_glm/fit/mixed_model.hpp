// A model from the caller's arrays: what a program that embeds the library begins with.
//
//     ModelData data;
//     data.endog = y;                     // n
//     data.exog = x;                      // n x p, column by column
//     data.random = std::move(z);         // fit/random_effects.hpp
//     data.family = PoissonLog();
//     const MixedModel model(data);
//
// exog is viewed and must outlive the model; it is copied only where rows are sorted
// (model/row_order.hpp) or merged (model/merged_rows.hpp). All other arrays are needed during the
// construction only.
#pragma once

#include <memory>
#include <mixed_glm/families/named_family.hpp>
#include <mixed_glm/families/support.hpp>
#include <mixed_glm/fit/check_argument.hpp>
#include <mixed_glm/fit/random_effects.hpp>
#include <mixed_glm/fit/views.hpp>
#include <mixed_glm/model/model.hpp>

namespace mixed_glm {

// Names are those of the Python package. Not given: one trial, weights of one, no offset.
struct ModelData {
  VectorView endog;         // n responses; numbers of successes for a binomial
  MatrixView exog;          // n x p; no columns: no fixed effects
  RandomEffects random{0};  // q effects in K components; no rows: none
  Family family = BinomialLogit();
  VectorView n_trials;      // n, binomial only
  VectorView freq_weights;  // n, how often each row counts
  VectorView offset;        // n, added to the linear predictor
  VectorView fe_p;          // p prior standard deviations of the fixed effects; not given: 2
  VectorView vcp_p;         // K, of the log standard deviations of the random effects; not given: 1
  std::vector<HyperPrior> sd_priors;  // K, in the place of vcp_p (priors/hyper_prior.hpp)
  bool merge_rows = true;  // rows equal in exog, random effects and offset are one, where that
                           // pays; false for fits of other responses with offsets of their own
};

class MixedModel {
 public:
  // Throws std::invalid_argument that names the member of ModelData, what was expected and what
  // came.
  explicit MixedModel(const ModelData& data)
      : design_(make_design(data)), model_(make_model(data, *design_)) {}

  const Design& design() const { return *design_; }
  const Model& model() const { return *model_; }

 private:
  static Vector or_constant(VectorView values, Index size, double constant) {
    return values.empty() ? Vector(Vector::Constant(size, constant)) : Vector(values.map());
  }

  static constexpr double unbounded = std::numeric_limits<double>::lowest();

  static void check_finite(const char* name, const ConstVectorRef& values, double least) {
    if (values.size() == 0 || (values.allFinite() && values.minCoeff() >= least)) return;
    for (Index i = 0; i < values.size(); ++i) {
      if (std::isfinite(values[i]) && values[i] >= least) continue;
      refuse_row(name, least == 0.0 ? "finite values, none negative" : "finite values", values[i],
                 i);
    }
  }

  // Names the first row that is none.
  [[noreturn]] MIXED_GLM_COLD static void refuse_response(const ModelData& data,
                                                          const Vector& trials) {
    Index i = 0;
    while (supports(data.family, data.endog.map().segment(i, 1), trials.segment(i, 1))) ++i;
    throw std::invalid_argument("endog: " + std::to_string(data.endog[i]) + " in row " +
                                std::to_string(i) + " is no response of the " +
                                family_name(data.family) + " family");
  }

  static void check_support(const ModelData& data, const Vector& trials) {
    if (!supports(data.family, data.endog.map(), trials)) refuse_response(data, trials);
  }

  static std::unique_ptr<Design> make_design(const ModelData& data) {
    const Index n = data.endog.size();
    const MatrixView x = data.exog.cols() > 0 ? data.exog : MatrixView(nullptr, n, 0);
    check_length("exog", x.rows(), n);
    for (Index a = 0; a < x.cols(); ++a) check_finite("exog", x.map().col(a), unbounded);
    if (!data.offset.empty()) check_length("offset", data.offset.size(), n);
    check_finite("offset", data.offset.map(), unbounded);
    const RandomEffects none(n);
    const RandomEffects& z = data.random.components() == 0 ? none : data.random;
    check_length("random", z.rows(), n);
    if (data.merge_rows) {
      return Design::merged(x.map(), z.matrix(), z.ident(), z.components(), data.offset.map());
    }
    return std::make_unique<Design>(x.map(), z.matrix(), z.ident(), z.components());
  }

  static std::unique_ptr<Model> make_model(const ModelData& data, const Design& design) {
    const Index n = design.user_rows();
    const Vector trials = or_constant(data.n_trials, n, 1.0);
    const Vector weights = or_constant(data.freq_weights, n, 1.0);
    check_length("n_trials", trials.size(), n);
    check_length("freq_weights", weights.size(), n);
    check_finite("n_trials", trials, 0.0);
    check_finite("freq_weights", weights, 0.0);
    check_support(data, trials);
    return std::make_unique<Model>(
        design, data.family, encode_response(data.family, data.endog.map(), trials, weights),
        Prior{or_constant(data.fe_p, design.fixed(), 2.0),
              or_constant(data.vcp_p, design.components(), 1.0), data.sd_priors},
        data.offset.map());
  }

  std::unique_ptr<Design> design_;
  std::unique_ptr<Model> model_;
};

}  // namespace mixed_glm
