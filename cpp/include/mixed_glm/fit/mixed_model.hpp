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
// (model/row_order.hpp) or merged (model/merged_rows.hpp), and where priors in units of the data
// ask for centred and scaled columns. All other arrays are needed during the construction only.
//
// An ordinal model (family_categories()) has no constant column. Its thresholds are fixed effects
// before those of exog, in results, too, and it has rows of its own (model/ordinal_rows.hpp).
#pragma once

#include <memory>
#include <mixed_glm/families/named_family.hpp>
#include <mixed_glm/families/support.hpp>
#include <mixed_glm/fit/check_argument.hpp>
#include <mixed_glm/fit/model_priors.hpp>
#include <mixed_glm/model/make_ordinal_rows.hpp>
#include <mixed_glm/model/model.hpp>
#include <mixed_glm/model/ordered_normals.hpp>
#include <utility>

namespace mixed_glm {

class MixedModel {
 public:
  // Throws std::invalid_argument that names the member of ModelData, what was expected and what
  // came.
  explicit MixedModel(const ModelData& data) {
    const Index n = data.endog.size();
    const MatrixView given = data.exog.cols() > 0 ? data.exog : MatrixView(nullptr, n, 0);
    const Vector trials = or_ones(data.n_trials, n), weights = or_ones(data.freq_weights, n);
    check(data, given, trials, weights);
    const double scale =
        response_scale(data.family, data.endog.map(), data.freq_weights.map(), data.offset.map());
    const FixedPriors fixed(data, given, scale);
    coordinates_ = fixed.coordinates();
    const bool keeps_columns = !coordinates_ || coordinates_->keeps_columns();
    if (!keeps_columns) exog_ = coordinates_->apply(given.map());
    MatrixView x = keeps_columns ? given : MatrixView(exog_);
    Vector offset = data.offset.map();
    if (coordinates_) offset = coordinates_->offset(offset, x.map());
    const RandomEffects none(n);
    const RandomEffects& random = data.random.components() == 0 ? none : data.random;
    SparseRows z = random.matrix();
    Prior prior = model_prior(data, fixed, z, scale);
    Response response;
    if (fixed.thresholds() > 0) {
      const Vector origin = threshold_origin(fixed.thresholds());
      const OrdinalRows& rows = make_ordinal(data);
      encode_ordinal(data, rows, weights, origin, prior, response);
      prior.fe_start = Vector::Zero(prior.fe_p.size());
      prior.fe_start.head(origin.size()) = rows.any_thresholds() - origin;
      z = rows.effects(z);
      offset = rows.offset(offset, origin);
      exog_ = rows.exog(x.map());
      x = MatrixView(exog_);
    } else {
      encode_response(data.family, data.endog.map(), trials, weights, response);
    }
    // Rows that belong together are none to be merged one by one.
    const bool merge_rows = data.merge_rows && rows_together(data.family) == 1;
    design_ = make_design(x, std::move(z), random, offset, merge_rows);
    if (design_->x().data() != exog_.data())
      exog_.resize(0, 0);  // it has its own, sorted or merged
    model_ = std::make_unique<Model>(*design_, data.family, response, std::move(prior), offset);
  }

  // What the methods work on: its fixed effects are those of coordinates().
  const Design& design() const { return *design_; }
  const Model& model() const { return *model_; }
  // How observations became rows; null unless ordinal.
  const OrdinalRows* ordinal() const { return ordinal_.get(); }
  // Of centred and scaled columns, or with an origin that is not zero, where priors ask for it.
  // None: the columns as they were given.
  const std::optional<Standardization>& coordinates() const { return coordinates_; }
  // (b, theta, u) of model() -> (beta, theta, u) of the columns as they were given.
  Vector params_back(const ConstVectorRef& params) const {
    return coordinates_ ? coordinates_->params_back(params) : Vector(params);
  }

 private:
  static Vector or_ones(VectorView values, Index size) {
    return values.empty() ? Vector(Vector::Ones(size)) : Vector(values.map());
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

  static void check(const ModelData& data, const MatrixView& x, const Vector& trials,
                    const Vector& weights) {
    const Index n = data.endog.size();
    check_length("exog", x.rows(), n);
    for (Index a = 0; a < x.cols(); ++a) check_finite("exog", x.map().col(a), unbounded);
    if (!data.offset.empty()) check_length("offset", data.offset.size(), n);
    check_finite("offset", data.offset.map(), unbounded);
    if (data.random.components() > 0) check_length("random", data.random.rows(), n);
    check_length("n_trials", trials.size(), n);
    check_length("freq_weights", weights.size(), n);
    check_finite("n_trials", trials, 0.0);
    check_finite("freq_weights", weights, 0.0);
    check_support(data, trials);
    if (family_categories(data.family)) check_no_constant(x, weights);
  }

  // Thresholds are what a constant would be.
  static void check_no_constant(const MatrixView& x, const Vector& weights) {
    const Index constant = ColumnSpreads(x.map(), weights).constant;
    if (constant < 0) return;
    refuse_argument("exog", "no constant column beside thresholds",
                    "one at column " + std::to_string(constant));
  }

  Vector threshold_origin(Index thresholds) const {
    if (!coordinates_ || coordinates_->origin().size() == 0) return Vector::Zero(thresholds);
    return coordinates_->origin().head(thresholds);
  }

  const OrdinalRows& make_ordinal(const ModelData& data) {
    ordinal_ = data.any_response ? make_ordinal_rows(data.family, data.endog.size())
                                 : make_ordinal_rows(data.family, data.endog.map());
    return *ordinal_;
  }

  static void encode_ordinal(const ModelData& data, const OrdinalRows& rows, const Vector& weights,
                             const Vector& origin, const Prior& prior, Response& response) {
    const double normalizer = log_ordered_probability(origin, prior.fe_p.head(origin.size()));
    if (rows.encode(data.endog.map(), weights, normalizer, response)) return;
    if (data.any_response) return;
    const Vector counts = rows.count(data.endog.map(), weights);
    Index k = 1;
    while (counts[k] > 0.0) ++k;
    refuse_argument("endog", "an observation in each category between others",
                    "none in category " + std::to_string(k));
  }

  static std::unique_ptr<Design> make_design(const MatrixView& x, SparseRows z,
                                             const RandomEffects& random, const Vector& offset,
                                             bool merge_rows) {
    const Index components = random.components();
    if (!merge_rows) {
      return std::make_unique<Design>(x.map(), std::move(z), random.ident(), components,
                                      random.correlated());
    }
    return Design::merged(x.map(), std::move(z), random.ident(), components, offset,
                          random.correlated());
  }

  std::optional<Standardization> coordinates_;
  std::unique_ptr<OrdinalRows> ordinal_;
  Matrix exog_;  // in them, where they are other columns or rows
  std::unique_ptr<Design> design_;
  std::unique_ptr<Model> model_;
};

}  // namespace mixed_glm
