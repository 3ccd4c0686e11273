// The prior N(0, P_t(theta)^-1) of the effects of one term: the list of those that there are. A new
// covariance is a class with the functions below in a file of its own, and its name in the list.
//
// x is the vector of all coefficients (u, beta), and theta that of all hyperparameters: a term
// knows where its own stand in them, and reads and adds there. It is looked up once for each theta,
// never for each row or effect.
//
//     parameters()                       how many of theta are its own
//     set(theta)                         what follows is at theta
//     half_log_determinant()             1/2 log|P|, of its range
//     set_diagonal(diagonal)             diag P; all terms share one vector, so that the prior of
//                                        independent effects is one sum over all of them
//     add_off_diagonal(pattern, values)  adds the rest, O = P - diag P, to a bordered matrix
//     subtract_off_diagonal(x, out)      out -= O x
//     off_diagonal_form(x)               x' O x
//
// Derivatives in theta, with M = E[u u'] and S = Cov(u) of the moments:
//
//     add_gradient(moments, g)           1/2 tr(P^-1 dP_i) - 1/2 tr(dP_i M), that of E log p(u |
//     theta) add_curvature(moments, c)          minus the second derivatives, M held
//     add_information(moments, i)        1/2 tr((P^-1 - S) dP_i (P^-1 - S) dP_j)
//     for_coupling(x, visit)             visit(effect, i, value) for the entries of -dP_i x
#pragma once

#include <mixed_glm/terms/correlated.hpp>
#include <mixed_glm/terms/independent.hpp>
#include <variant>

namespace mixed_glm {

using EffectPrior = std::variant<IndependentEffects, CorrelatedEffects>;

}  // namespace mixed_glm
