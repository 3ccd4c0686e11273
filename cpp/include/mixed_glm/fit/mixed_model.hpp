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
// (model/row_order.hpp). All other arrays are needed during the construction only.
#pragma once

#include <memory>
#include <mixed_glm/families/named_family.hpp>
#include <mixed_glm/families/support.hpp>
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

  static void check_length(const char* name, Index got, Index expected) {
    if (got == expected) return;
    throw std::invalid_argument(std::string(name) + ": expected length " +
                                std::to_string(expected) + ", got " + std::to_string(got));
  }

  static void check_finite(const char* name, const ConstVectorRef& values, double least) {
    for (Index i = 0; i < values.size(); ++i) {
      if (std::isfinite(values[i]) && values[i] >= least) continue;
      throw std::invalid_argument(std::string(name) + ": expected finite values" +
                                  (least == 0.0 ? ", none negative" : "") + ", got " +
                                  std::to_string(values[i]) + " in row " + std::to_string(i));
    }
  }

  static void check_support(const ModelData& data, const Vector& trials) {
    const VectorView& y = data.endog;
    for (Index i = 0; i < y.size(); ++i) {
      if (supports(data.family, y.map().segment(i, 1), trials.segment(i, 1))) continue;
      throw std::invalid_argument("endog: " + std::to_string(y[i]) + " in row " +
                                  std::to_string(i) + " is no response of the " +
                                  family_name(data.family) + " family");
    }
  }

  static std::unique_ptr<Design> make_design(const ModelData& data) {
    const Index n = data.endog.size();
    constexpr double none = std::numeric_limits<double>::lowest();
    const MatrixView x = data.exog.cols() > 0 ? data.exog : MatrixView(nullptr, n, 0);
    check_length("exog", x.rows(), n);
    for (Index a = 0; a < x.cols(); ++a) check_finite("exog", x.map().col(a), none);
    const RandomEffects& z = data.random;
    if (z.components() == 0) {
      return std::make_unique<Design>(x.map(), RandomEffects(n).matrix(), z.ident(), 0);
    }
    check_length("random", z.rows(), n);
    return std::make_unique<Design>(x.map(), z.matrix(), z.ident(), z.components());
  }

  static std::unique_ptr<Model> make_model(const ModelData& data, const Design& design) {
    const Index n = design.rows();
    const Vector trials = or_constant(data.n_trials, n, 1.0);
    const Vector weights = or_constant(data.freq_weights, n, 1.0);
    check_length("n_trials", trials.size(), n);
    check_length("freq_weights", weights.size(), n);
    check_finite("n_trials", trials, 0.0);
    check_finite("freq_weights", weights, 0.0);
    check_finite("offset", data.offset.map(), std::numeric_limits<double>::lowest());
    check_support(data, trials);
    return std::make_unique<Model>(design, data.family,
                                   encode_response(data.family, data.endog.map(), trials, weights),
                                   Prior{or_constant(data.fe_p, design.fixed(), 2.0),
                                         or_constant(data.vcp_p, design.components(), 1.0)},
                                   data.offset.map());
  }

  std::unique_ptr<Design> design_;
  std::unique_ptr<Model> model_;
};

}  // namespace mixed_glm
