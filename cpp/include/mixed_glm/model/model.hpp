// A generalized linear mixed model: design, response, offset, family and priors.
//
//     eta = offset + X beta + Z u,   y_i | eta_i ~ family
//     beta ~ N(0, diag(fe_p^2))     u | theta: coefficient_prior.hpp
//     theta: hyperparameters.hpp
#pragma once

#include <mixed_glm/families/family.hpp>
#include <mixed_glm/families/response.hpp>
#include <mixed_glm/model/design.hpp>
#include <mixed_glm/model/hyperparameters.hpp>
#include <mixed_glm/model/prior.hpp>
#include <mixed_glm/model/shape_constants.hpp>
#include <utility>

namespace mixed_glm {

class Model {
 public:
  // The design is viewed and must outlive the model; many models may share one. Response and offset
  // (empty: zero) are in the caller's order of rows.
  Model(const Design& design, Family family, Response response, Prior prior,
        ConstVectorRef offset = Vector())
      : design_(&design),
        family_(family),
        offset_(design.rows()),
        prior_(checked(std::move(prior), design)),
        hyperparameters_(prior_.of_psi(), prior_.cor, prior_.of_family(has_shape(family_) ? 1 : 0),
                         design.correlated_orders()) {
    check_rows(response, offset);
    log_likelihood_constant_ = response.constant.sum();
    // One after the other, so that the memory of each is free for the next.
    response_.constant = design.summed(std::move(response.constant));
    if (has_shape(family_)) {
      response_.a = design.summed(response.a);
      response_.b = design.summed(response.b);
      set_shape_constants(response);
    } else {
      response_.a = design.summed(std::move(response.a));
      response_.b = design.summed(std::move(response.b));
    }
    set_offset(offset);
  }

  // Another response, and its offset, in the place of this one: whoever views the model sees it.
  void set_rows(const Response& response, ConstVectorRef offset) {
    check_rows(response, offset);
    log_likelihood_constant_ = response.constant.sum();
    design_->sum_to_design_rows(response.a, response_.a);
    design_->sum_to_design_rows(response.b, response_.b);
    design_->sum_to_design_rows(response.constant, response_.constant);
    if (has_shape(family_)) set_shape_constants(response);
    set_offset(offset);
  }

  const Design& design() const { return *design_; }
  const Family& family() const { return family_; }
  const Response& response() const { return response_; }  // rows in the design's order
  const Vector& offset() const { return offset_; }        // likewise
  const Prior& prior() const { return prior_; }
  const Hyperparameters& hyperparameters() const { return hyperparameters_; }
  ParameterLayout layout() const {
    return {design_->fixed(), hyperparameters_.size(), design_->effects(),
            hyperparameters_.psi().size, hyperparameters_.cor().size};
  }
  // What the sum of the rows' kernels lacks: their normalizing constants, but for what the
  // family's hyperparameter makes of them (family_at.hpp).
  double log_likelihood_constant() const { return log_likelihood_constant_; }
  const ShapeConstants& shape_constants() const { return shape_constants_; }
  // Nats that rounding may hide of a log likelihood: with large counts or trials it is the small
  // difference between terms as large as the constant.
  double rounding() const { return 1e-15 * std::abs(log_likelihood_constant_); }

 private:
  static Prior checked(Prior prior, const Design& design) {
    prior.check(design.fixed(), design.components(), design.correlations());
    return prior;
  }

  void set_shape_constants(const Response& response) {
    shape_constants_.set(family_, response.a, response.b, design_->to_user_rows(response_.a),
                         design_->to_user_rows(response_.b));
  }

  void set_offset(ConstVectorRef offset) {
    if (offset.size() > 0) {
      design_->to_design_rows(offset, offset_);
    } else {
      offset_.setZero();
    }
  }

  void check_rows(const Response& response, const ConstVectorRef& offset) const {
    check_length("endog", response.a.size());
    if (offset.size() > 0) check_length("offset", offset.size());
  }

  void check_length(const char* name, Index size) const {
    if (size == design_->user_rows()) return;
    throw std::invalid_argument(std::string(name) + ": expected length " +
                                std::to_string(design_->user_rows()) + ", got " +
                                std::to_string(size));
  }

  const Design* design_;
  Family family_;
  Response response_;
  Vector offset_;
  Prior prior_;
  Hyperparameters hyperparameters_;
  double log_likelihood_constant_;
  ShapeConstants shape_constants_;
};

}  // namespace mixed_glm
