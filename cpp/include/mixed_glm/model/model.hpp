// A generalized linear mixed model: design, response, offset, family and priors.
//
//     eta = offset + X beta + Z u,   y_i | eta_i ~ family
//     beta_a ~ N(0, fe_p_a^2)      psi_k ~ N(0, vcp_p_k^2), psi: log standard deviations
#pragma once

#include <mixed_glm/families/family.hpp>
#include <mixed_glm/families/response.hpp>
#include <mixed_glm/model/design.hpp>
#include <utility>

namespace mixed_glm {

struct Prior {
  Vector fe_p;   // p standard deviations of the fixed effects
  Vector vcp_p;  // K standard deviations of the log standard deviations

  // log p(psi)
  double log_density(ConstVectorRef psi) const {
    return -0.5 * (psi.array() / vcp_p.array()).square().sum() - vcp_p.array().log().sum() -
           0.5 * double(psi.size()) * log_two_pi;
  }

  void check(Index fixed, Index components) const {
    const auto check_one = [](const char* name, const Vector& sd, Index size) {
      if (sd.size() != size) {
        throw std::invalid_argument(std::string(name) + ": expected length " +
                                    std::to_string(size) + ", got " + std::to_string(sd.size()));
      }
      if (!((sd.array() > 0.0).all() && sd.allFinite())) {
        throw std::invalid_argument(std::string(name) + ": expected positive, finite values");
      }
    };
    check_one("fe_p", fe_p, fixed);
    check_one("vcp_p", vcp_p, components);
  }
};

class Model {
 public:
  // The design is viewed and must outlive the model; many models may share one. Response and offset
  // (empty: zero) are in the caller's order of rows.
  Model(const Design& design, Family family, const Response& response, Prior prior,
        ConstVectorRef offset = Vector())
      : design_(&design),
        family_(family),
        response_{Vector(design.rows()), Vector(design.rows()), Vector(design.rows())},
        offset_(design.rows()),
        prior_(std::move(prior)) {
    prior_.check(design.fixed(), design.components());
    set_rows(response, offset);
  }

  // Another response, and its offset, in the place of this one: whoever views the model sees it.
  void set_rows(const Response& response, ConstVectorRef offset) {
    check_length("endog", response.a.size());
    if (offset.size() > 0) check_length("offset", offset.size());
    constant_ = response.constant.sum();
    design_->sum_to_design_rows(response.a, response_.a);
    design_->sum_to_design_rows(response.b, response_.b);
    design_->sum_to_design_rows(response.constant, response_.constant);
    if (offset.size() > 0) {
      design_->to_design_rows(offset, offset_);
    } else {
      offset_.setZero();
    }
  }

  const Design& design() const { return *design_; }
  const Family& family() const { return family_; }
  const Response& response() const { return response_; }  // rows in the design's order
  const Vector& offset() const { return offset_; }        // likewise
  const Prior& prior() const { return prior_; }
  double constant() const { return constant_; }  // sum of the rows' normalizing constants
  // Nats that rounding may hide of a log likelihood: with large counts or trials it is the small
  // difference between terms as large as the constant.
  double rounding() const { return 1e-15 * std::abs(constant_); }

 private:
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
  double constant_;
};

}  // namespace mixed_glm
