// A marginal posterior (inference/marginal.hpp) by the name of its approximation. All of them stand
// behind this; with MIXED_GLM_APART they are compiled elsewhere (fit/apart.hpp).
#pragma once

#include <memory>
#include <mixed_glm/fit/approximation.hpp>
#include <mixed_glm/inference/marginal.hpp>
#include <mixed_glm/inference/rows_left_out.hpp>

namespace mixed_glm {

// The model is viewed and must outlive the marginal. Throws std::invalid_argument where the
// approximation is not for this model.
MIXED_GLM_ONCE std::unique_ptr<Marginal> make_marginal(const Model& model,
                                                       const Approximation& approx,
                                                       const NewtonSettings& inner);
// Whether leaf quadrature has its fast form here, of all that there is (leaf/lane_marginal.hpp).
MIXED_GLM_ONCE bool has_lanes(const Model& model);
// A shorter way at so many points, where the marginal has one; null: it has none. The marginal is
// viewed.
MIXED_GLM_ONCE std::unique_ptr<RowsLeftOut> make_rows_left_out(const Marginal& marginal,
                                                               Index points);

}  // namespace mixed_glm

#ifndef MIXED_GLM_APART
#include <mixed_glm/fit/marginal_of_name.hpp>
#endif
