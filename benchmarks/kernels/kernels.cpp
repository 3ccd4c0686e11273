// Parts of the engine behind a C interface, to be timed one by one. Built by build.py.

#include <cstdint>
#include <memory>
#include <mixed_glm/ep/ep_gaussian.hpp>
#include <mixed_glm/families/named_family.hpp>
#include <mixed_glm/leaf/lane_marginal.hpp>
#include <mixed_glm/model/coefficient_likelihood.hpp>
#include <mixed_glm/variational/mean_field_bound.hpp>
#include <stdexcept>
#include <vector>

namespace {

using namespace mixed_glm;

constexpr Index ep_nodes = 11;   // as fit_ep has them
constexpr Index leaf_nodes = 5;  // as fits of some hundred groups begin

Prior flat_prior(Index fixed, Index components) {
  return {Vector::Constant(fixed, 2.0), Vector::Constant(components, 1.0)};
}

// Leaf quadrature in lanes, of a model with a single component.
class LeafPass {
 public:
  explicit LeafPass(const Model& model)
      : family_(model),
        lanes_(model),
        fixed_(model),
        likelihood_(lanes_, fixed_.model(), family_, leaf_nodes),
        beta_(Vector::Zero(model.design().fixed())),
        gradient_(beta_.size()),
        curvature_(size_t(fixed_.model().design().pattern().size())) {
    likelihood_.nodes().set_sd(1.0);
  }

  // Log likelihood of beta with the effects integrated out, gradient and curvature.
  double run() {
    gradient_.setZero();
    std::fill(curvature_.begin(), curvature_.end(), 0.0);
    return likelihood_.expand(beta_, gradient_, curvature_.data());
  }

 private:
  FamilyAt family_;
  GroupLanes lanes_;
  FixedPart fixed_;
  LaneLikelihood likelihood_;
  Vector beta_, gradient_;
  std::vector<double> curvature_;
};

// A model at a point where everything has been evaluated once.
class Bench {
 public:
  Bench(Eigen::Map<const Matrix> x, Eigen::Map<const Vector> y, SparseRows z,
        const std::vector<Code>& ident, Index components, bool poisson)
      : x_(x),
        design_(x_, std::move(z), ident, components, {}, Factorization::exact),
        family_(make_family(poisson ? "poisson" : "binomial", poisson ? "log" : "logit")),
        model_(design_, family_, response(y), flat_prior(x.cols(), components)),
        likelihood_(model_),
        prior_(design_, model_.prior()),
        precision_(design_.pattern()),
        sigma_(design_.pattern()),
        bound_(model_),
        ep_(model_, ep_nodes),
        coefficients_(Vector::Zero(design_.coefficients())),
        gradient_(design_.coefficients()),
        mean_(Vector::Zero(model_.layout().size())),
        sd_(Vector::Constant(model_.layout().size(), 0.3)) {
    prior_.set(Vector::Zero(components));
    ep_.set_theta(Vector::Zero(components));
    ep_.expand_at(coefficients_);
    pass();
    matrix_.assign(precision_.values(), precision_.values() + design_.pattern().size());
    factorize();
    invert();
  }

  // Log likelihood, gradient, and precision matrix.
  double pass() {
    gradient_.setZero();
    precision_.set_zero();
    const double value = likelihood_.expand(coefficients_, gradient_, precision_.values());
    prior_.add_precision(precision_.values());
    return value;
  }

  // The matrix is copied into place first.
  double factorize() {
    std::copy(matrix_.begin(), matrix_.end(), precision_.values());
    if (!precision_.factorize()) throw std::runtime_error("not positive definite");
    return precision_.log_determinant();
  }

  double invert() {
    sigma_.compute(precision_);
    return sigma_.variance(0);
  }

  double bound_gradient() { return bound_.gradient(mean_, sd_).value; }

  // Factorization, selected inverse, all rows' moments, new sites.
  double ep_sweep() {
    if (!ep_.refresh()) throw std::runtime_error("not positive definite");
    return ep_.sweep(1.0);
  }

  // NaN where lanes are not for the model.
  double leaf_pass() {
    if (!LaneMarginal::suits(model_)) return std::numeric_limits<double>::quiet_NaN();
    if (!leaf_) leaf_ = std::make_unique<LeafPass>(model_);
    return leaf_->run();
  }

  // Numbers in the factor, and operations of its factorization.
  Index factor_size() const { return design_.pattern().size(); }
  double factor_operations() const {
    const BorderedPattern& pattern = design_.pattern();
    double sum = 0.0;
    for (Index j = 0; j < pattern.sparse(); ++j) {
      const auto below = double(pattern.column_end(j) - pattern.column_begin(j) + pattern.border());
      sum += below * (below + 2.0);
    }
    const auto dense = double(pattern.dense());
    return sum + dense * dense * dense / 3.0;
  }

 private:
  Response response(Eigen::Map<const Vector> y) const {
    return encode_response(family_, y, Vector::Ones(y.size()), Vector::Ones(y.size()));
  }

  Matrix x_;
  Design design_;
  Family family_;
  Model model_;
  RowLikelihood likelihood_;
  CoefficientPrior prior_;
  Precision precision_;
  SelectedInverse sigma_;
  MeanFieldBound bound_;
  EpGaussian ep_;
  std::unique_ptr<LeafPass> leaf_;
  Vector coefficients_, gradient_, mean_, sd_;
  std::vector<double> matrix_;
};

}  // namespace

extern "C" {

void* bench_new(std::int64_t n, std::int64_t p, const double* x, const double* y, std::int64_t q,
                const std::int64_t* indptr, const std::int32_t* indices, const std::int32_t* ident,
                std::int64_t components, int poisson) {
  try {
    const SparseRows z(n, q, indptr, indices, nullptr);
    return new Bench({x, n, p}, {y, n}, z, std::vector<Code>(ident, ident + q), components,
                     poisson != 0);
  } catch (const std::exception&) {
    return nullptr;
  }
}

void bench_delete(void* bench) { delete static_cast<Bench*>(bench); }

double bench_pass(void* bench) { return static_cast<Bench*>(bench)->pass(); }
double bench_factorize(void* bench) { return static_cast<Bench*>(bench)->factorize(); }
double bench_invert(void* bench) { return static_cast<Bench*>(bench)->invert(); }
double bench_bound_gradient(void* bench) { return static_cast<Bench*>(bench)->bound_gradient(); }
double bench_ep_sweep(void* bench) { return static_cast<Bench*>(bench)->ep_sweep(); }
double bench_leaf_pass(void* bench) { return static_cast<Bench*>(bench)->leaf_pass(); }
double bench_factor_size(void* bench) { return double(static_cast<Bench*>(bench)->factor_size()); }
double bench_factor_operations(void* bench) {
  return static_cast<Bench*>(bench)->factor_operations();
}
}
