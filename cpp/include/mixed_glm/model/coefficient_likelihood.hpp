// The log likelihood as a concave function of the coefficients (u, beta): what the search for their
// mode needs of it.
#pragma once

#include <mixed_glm/model/start_sites.hpp>

namespace mixed_glm {

class CoefficientLikelihood {
 public:
  CoefficientLikelihood() = default;
  CoefficientLikelihood(const CoefficientLikelihood&) = delete;  // others keep its address
  CoefficientLikelihood& operator=(const CoefficientLikelihood&) = delete;
  virtual ~CoefficientLikelihood() = default;
  virtual const Design& design() const = 0;
  virtual double rounding() const = 0;  // nats, model.hpp

  // All that follows is at theta.
  virtual void set_theta(ConstVectorRef theta) = 0;
  // Whether it is a quadratic function, which one Newton step maximizes.
  virtual bool is_quadratic() const { return false; }

  virtual double value(const Vector& coefficients) = 0;
  // The value; adds the gradient, and minus the Hessian to a bordered matrix.
  virtual double expand(const Vector& coefficients, Vector& gradient, double* curvature) = 0;
  // Adds pull and curvature of the family's own start (start_sites.hpp).
  virtual void start(Vector& pull, double* curvature) = 0;
};

// The rows' likelihoods as they are. Each expansion leaves a record of the rows behind.
class RowLikelihood final : public CoefficientLikelihood {
 public:
  // The team, if there is one, is viewed.
  explicit RowLikelihood(const Model& model, Team* team = nullptr)
      : model_(&model),
        family_(model),
        sites_(model, family_.kernel()),
        record_{Vector(model.design().rows()), Vector(model.design().rows())},
        rows_(model.design(), team) {}

  const Design& design() const override { return model_->design(); }
  double rounding() const override { return model_->rounding(); }
  void set_theta(ConstVectorRef theta) override { family_.set(theta); }
  bool is_quadratic() const override { return mixed_glm::is_quadratic(family_.kernel()); }
  double value(const Vector& coefficients) override {
    return family_.constant() +
           pass_rows<0>(*model_, sites_, coefficients, nullptr, nullptr, rows_);
  }
  double expand(const Vector& coefficients, Vector& gradient, double* curvature) override {
    return family_.constant() + pass_rows<2>(*model_, RecordingSites(sites_, record_), coefficients,
                                             &gradient, curvature, rows_);
  }
  // At the last point expanded.
  const RowRecord& record() const { return record_; }
  const Vector& third_derivative() const { return record_.third; }
  const LikelihoodSites& sites() const { return sites_; }
  const FamilyAt& family() const { return family_; }
  RowTeam& rows() { return rows_; }

  void start(Vector& pull, double* curvature) override {
    zero_.setZero(design().coefficients());
    pass_rows<2>(*model_, StartSites(*model_, family_.kernel()), zero_, &pull, curvature, rows_);
  }

 private:
  const Model* model_;
  FamilyAt family_;
  LikelihoodSites sites_;
  RowRecord record_;
  Vector zero_;
  RowTeam rows_;
};

}  // namespace mixed_glm
