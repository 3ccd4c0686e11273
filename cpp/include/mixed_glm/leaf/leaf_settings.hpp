// How a leaf is integrated by quadrature, whatever passes do it.
#pragma once

#include <mixed_glm/inference/conditional_mode.hpp>

namespace mixed_glm {

struct LeafSettings {
  Index n_quad = 25;
  bool by_need = false;  // a fit may take fewer, or more
  NewtonSettings inner;
  bool mean_correction = true;  // of (v, beta), and their skewness
};

constexpr double leaf_quadrature_error = 0.05;  // nats, of a very wide leaf

// Nodes move with (v, beta), and the gradient is that of the integral, not of the rule: with a wide
// leaf the two differ, and near the mode it is the gradient that counts.
inline LeafSettings with_quadrature_error(LeafSettings settings) {
  settings.inner.value_error = std::max(settings.inner.value_error, leaf_quadrature_error);
  settings.inner.stalled_tolerance = leaf_quadrature_error;
  return settings;
}

}  // namespace mixed_glm
