// The response as the kernels see it: two numbers and a constant per row (family.hpp).
#pragma once

#include <mixed_glm/families/family.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/typedefs.hpp>
#include <stdexcept>
#include <string>
#include <variant>

namespace mixed_glm {

struct Response {
  Vector a;
  Vector b;
  Vector constant;
};

// y: response (number of successes for a binomial), trials: per row, ignored unless binomial,
// weights: how often each row counts. Both may be empty: ones. The caller has checked that y is in
// the family's support.
template <class Kernel>
void encode_response(const Kernel& kernel, const ConstVectorRef& y, const ConstVectorRef& trials,
                     const ConstVectorRef& weights, Response& response) {
  const Index n = y.size();
  const bool once = trials.size() == 0, alike = weights.size() == 0;
  if ((!once && trials.size() != n) || (!alike && weights.size() != n)) {
    throw std::invalid_argument("encode_response: expected trials and weights of length " +
                                std::to_string(n) + ", got " + std::to_string(trials.size()) +
                                " and " + std::to_string(weights.size()));
  }
  for (Vector* column : {&response.a, &response.b, &response.constant}) column->resize(n);
  for (Index i = 0; i < n; ++i) {
    const RowCode row = kernel.encode(y[i], once ? 1.0 : trials[i], alike ? 1.0 : weights[i]);
    response.a[i] = row.a;
    response.b[i] = row.b;
    response.constant[i] = row.constant;
  }
}

template <class Kernel>
Response encode_response(const Kernel& kernel, const ConstVectorRef& y,
                         const ConstVectorRef& trials, const ConstVectorRef& weights) {
  Response response;
  encode_response(kernel, y, trials, weights, response);
  return response;
}

inline void encode_response(const Family& family, const ConstVectorRef& y,
                            const ConstVectorRef& trials, const ConstVectorRef& weights,
                            Response& response) {
  std::visit([&](const auto& kernel) { encode_response(kernel, y, trials, weights, response); },
             family);
}

inline Response encode_response(const Family& family, const ConstVectorRef& y,
                                const ConstVectorRef& trials, const ConstVectorRef& weights) {
  return std::visit([&](const auto& kernel) { return encode_response(kernel, y, trials, weights); },
                    family);
}

}  // namespace mixed_glm
