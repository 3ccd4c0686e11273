// The families of the library as one type, and what a family of your own has to provide.
//
// A family reduces each row of the response to two numbers a, b and a constant, with
//
//   log p(y | eta) = evaluate(eta, a, b).value + constant.
//
// A class of this shape works as one, through CustomFamily(MyKernel()), in every method:
//
//   class MyKernel {
//    public:
//     static constexpr const char* family_name = "mine";
//     static constexpr const char* link_name = "log";
//     RowDerivatives evaluate(double eta, double a, double b) const noexcept;
//     bool supports(double y, double trials) const noexcept;  // false for NaN
//     RowCode encode(double y, double trials, double weight) const;
//     double initial_eta(double a, double b) const noexcept;  // finite, near the row's maximum
//     double mean(double eta) const noexcept;                 // of one trial
//   };
//
// evaluate() must be concave in eta, finite for every finite eta (hold_finite.hpp), and free
// of library calls and branches if the loop over rows is to vectorize: math/ has what it needs.
// A family with a hyperparameter that the data estimate has more members: shape.hpp. Where it is
// not concave, no fit is guaranteed to find the one mode.
#pragma once

#include <mixed_glm/families/cloglog.hpp>
#include <mixed_glm/families/cumulative_interval.hpp>
#include <mixed_glm/families/cumulative_logit.hpp>
#include <mixed_glm/families/custom_family.hpp>
#include <mixed_glm/families/exponential.hpp>
#include <mixed_glm/families/gamma.hpp>
#include <mixed_glm/families/gaussian.hpp>
#include <mixed_glm/families/logit.hpp>
#include <mixed_glm/families/loglog.hpp>
#include <mixed_glm/families/negative_binomial.hpp>
#include <mixed_glm/families/poisson.hpp>
#include <mixed_glm/families/probit.hpp>
#include <variant>

namespace mixed_glm {

// Every loop over rows is compiled for each of them: what differs in a sign or in a number that is
// known is one.
using Family = std::variant<BinomialLogit, BinomialProbit, MirroredCloglog, PoissonLog,
                            ExponentialLog, NegativeBinomialLog, CustomFamily, GaussianIdentity,
                            GammaLog, CumulativeLogit, CumulativeInterval>;

}  // namespace mixed_glm
