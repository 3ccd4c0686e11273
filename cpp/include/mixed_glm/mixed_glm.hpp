// Everything that a program that embeds the library needs: a model from its arrays, and fits of it.
#pragma once

#include <mixed_glm/fit/fit.hpp>
#include <mixed_glm/inference/joint_density.hpp>
#include <mixed_glm/version.hpp>
