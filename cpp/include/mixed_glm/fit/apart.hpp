// All approximations, to be compiled once: in a program whose units are compiled with
// MIXED_GLM_APART one of them includes this header, and all others know the approximations by
// make_marginal() and make_draws() alone, which saves each of them most of its time to compile.
#pragma once

#include <mixed_glm/fit/draws_of_name.hpp>
#include <mixed_glm/fit/marginal_of_name.hpp>
