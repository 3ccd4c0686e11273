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
  explicit MixedModel(ModelData data) {
    const Index n = data.endog.size();
    const MatrixView given = data.exog.cols() > 0 ? data.exog : MatrixView(nullptr, n, 0);
    check(data, given);
    const double scale =
        response_scale(data.family, data.endog.map(), data.freq_weights.map(), data.offset.map());
    const FixedPriors fixed(data, given, scale);
    coordinates_ = fixed.coordinates();
    const bool keeps_columns = !coordinates_ || coordinates_->keeps_columns();
    if (!keeps_columns) exog_ = coordinates_->apply(given.map());
    MatrixView x = keeps_columns ? given : MatrixView(exog_);
    Vector offset = data.offset.map();
    if (coordinates_) offset = coordinates_->offset(offset, x.map());
    if (data.random.components() == 0) data.random = RandomEffects(n);
    SparseRows z = data.random.take_matrix();
    Prior prior = model_prior(data, fixed, z, scale);
    Response response;
    if (fixed.thresholds() > 0) {
      const Vector weights = or_ones(data.freq_weights, n);
      const Vector origin = threshold_origin(fixed.thresholds());
      const OrdinalRows& rows = make_ordinal(data);
      encode_ordinal(data, rows, weights, origin, prior, response);
      prior.fe_start = Vector::Zero(prior.fe_p.size());
      prior.fe_start.head(origin.size()) = rows.any_thresholds() - origin;
      z = rows.effects(z);
      offset = rows.offset(offset, origin);
      exog_ = rows.exog(x.map());
      x = MatrixView(exog_);
    }
    // Rows that belong together are none to be merged one by one.
    const bool merge_rows = data.merge_rows && rows_together(data.family) == 1;
    double* const own = x.map().data() == exog_.data() ? exog_.data() : data.exog_own;
    design_ = merge_rows ? Design::merged(x.map(), std::move(z), data.random.ident(),
                                          data.random.components(), offset,
                                          data.random.correlated(), data.factorization, own)
                         : std::make_unique<Design>(
                               x.map(), std::move(z), data.random.ident(), data.random.components(),
                               data.random.correlated(), data.factorization, own);
    if (fixed.thresholds() == 0) encode(data, response);
    model_ = std::make_unique<Model>(*design_, data.family, std::move(response), std::move(prior),
                                     offset);
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
    // NaN and infinities times zero are NaN.
    const bool is_finite = (values.array() * 0.0).sum() == 0.0;
    if (values.size() == 0 || (is_finite && values.minCoeff() >= least)) return;
    for (Index i = 0; i < values.size(); ++i) {
      if (std::isfinite(values[i]) && values[i] >= least) continue;
      refuse_row(name, least == 0.0 ? "finite values, none negative" : "finite values", values[i],
                 i);
    }
  }

  // Names the first row that is none.
  [[noreturn]] MIXED_GLM_COLD static void refuse_response(const ModelData& data) {
    const Vector trials = or_ones(data.n_trials, data.endog.size());
    Index i = 0;
    while (supports(data.family, data.endog.map().segment(i, 1), trials.segment(i, 1))) ++i;
    throw std::invalid_argument("endog: " + std::to_string(data.endog[i]) + " in row " +
                                std::to_string(i) + " is no response of the " +
                                family_name(data.family) + " family");
  }

  static void encode(const ModelData& data, Response& response) {
    encode_response(data.family, data.endog.map(), data.n_trials.map(), data.freq_weights.map(),
                    response);
  }

  static void check_rows(const char* name, const VectorView& values, Index rows, double least) {
    if (values.empty()) return;  // not given
    check_length(name, values.size(), rows);
    check_finite(name, values.map(), least);
  }

  static void check(const ModelData& data, const MatrixView& x) {
    const Index n = data.endog.size();
    check_length("exog", x.rows(), n);
    for (Index a = 0; a < x.cols(); ++a) check_finite("exog", x.map().col(a), unbounded);
    check_rows("offset", data.offset, n, unbounded);
    if (data.random.components() > 0) check_length("random", data.random.rows(), n);
    check_rows("n_trials", data.n_trials, n, 0.0);
    check_rows("freq_weights", data.freq_weights, n, 0.0);
    if (!supports(data.family, data.endog.map(), data.n_trials.map())) refuse_response(data);
    if (family_categories(data.family)) check_no_constant(x, data.freq_weights.map());
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

  std::optional<Standardization> coordinates_;
  std::unique_ptr<OrdinalRows> ordinal_;
  Matrix exog_;  // in them, where they are other columns or rows
  std::unique_ptr<Design> design_;
  std::unique_ptr<Model> model_;
};

}  // namespace mixed_glm
