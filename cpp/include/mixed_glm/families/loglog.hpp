// Binomial family with log-log link: F(eta) = exp(-exp(-eta)).
//
// The mirror image of the complementary log-log link: F(eta) = 1 - F_cloglog(-eta), so successes
// and failures change places and odd derivatives change sign.
#pragma once

#include <mixed_glm/families/cloglog.hpp>

namespace mixed_glm {

class BinomialLoglog : public MirroredCloglog {
 public:
  BinomialLoglog() noexcept : MirroredCloglog("loglog", -1.0) {}
};

}  // namespace mixed_glm
