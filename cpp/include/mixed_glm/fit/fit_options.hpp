// What a fit may be asked for, and the check of it.
#pragma once

#include <mixed_glm/fit/approximation.hpp>
#include <mixed_glm/fit/check_argument.hpp>
#include <mixed_glm/fit/checked_leaf.hpp>
#include <mixed_glm/inference/integration.hpp>

namespace mixed_glm {

// As MixedGLM's fit(), fit_map(), fit_vb(), fit_vb(covariance="full"), fit_laplace(),
// fit_laplace(n_quad=15), fit_ep() in Python; leaf is that with FitOptions::n_quad = 15, without it
// as many nodes as are needed are taken.
enum class Method { automatic, map, vb, vb_full, laplace, leaf, ep };

inline constexpr EnumNames<Method, 7> method_names = {{
    {Method::automatic, "auto"},
    {Method::map, "map"},
    {Method::vb, "vb"},
    {Method::vb_full, "vb_full"},
    {Method::laplace, "laplace"},
    {Method::leaf, "leaf"},
    {Method::ep, "ep"},
}};

constexpr const char* to_string(Method method) { return name_of(method_names, method); }

// Throws std::invalid_argument for an unknown name.
inline Method method_named(std::string_view name) {
  return value_named(method_names, "method", name);
}

struct FitOptions {
  Method method = Method::automatic;
  Integrate integrate = Integrate::automatic;  // over psi; automatic, laplace, leaf and ep only
  LeafBlock leaf = {};          // leaf only: components integrated by quadrature; none: the largest
                                // with all others of the same groups
  Index n_quad = 0;             // vb, leaf, ep: nodes of the quadrature; 0: the method's own number
  bool mean_correction = true;  // laplace, leaf: of the means, to second order
  double tolerance = 0.0;       // of the search for the optimum; 0: the method's own
  int max_iterations = 0;       // 0: the method's own
  Vector start = {};            // all hyperparameters; not for vb; empty: the method's own
  int n_jobs = 1;               // threads, -1: all; not for map, vb; the same bits for any number
  Monitor* monitor = nullptr;   // told of every step; what it throws ends the fit

  // Throws std::invalid_argument that names the member, what was expected and what came.
  void check(const Model& model) const {
    const Index hyper = model.hyperparameters().size();
    if (n_quad < 0) refuse("n_quad", "0 or a number of nodes", double(n_quad));
    if (n_jobs == 0) refuse("n_jobs", "a positive number, or a negative one", 0.0);
    if (!(tolerance >= 0.0)) refuse("tolerance", "0 or a positive number", tolerance);
    if (max_iterations < 0) refuse("max_iterations", "0 or a number", max_iterations);
    if (start.size() > 0 && start.size() != hyper) {
      refuse_length("start", hyper, start.size());
    }
    if (!start.allFinite()) throw std::invalid_argument("start: expected finite values");
    resolve(integrate, hyper);
    if (method == Method::leaf) checked_leaf(model.design(), leaf);
  }

 private:
  static void refuse(const char* name, const char* expected, double got) {
    refuse_argument(name, expected, std::to_string(got));
  }
};

}  // namespace mixed_glm
