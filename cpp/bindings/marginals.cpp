// The approximations of the marginal posterior, which all other units know by name only.

#include <mixed_glm/fit/apart.hpp>
