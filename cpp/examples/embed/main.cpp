// Fits  incidence / size ~ period + (1 | herd)  with a logit link to a csv, and prints a table.
// Usage: embed FILE.csv [auto|map|vb|vb_full|laplace|leaf|ep] [--exact]
//
// --exact: the numbers as hexadecimal fractions, which lose no bit.

#include <cstdio>
#include <cstring>
#include <exception>
#include <mixed_glm/mixed_glm.hpp>

#include "cattle.hpp"

namespace {

using namespace mixed_glm;

// Intercept, and an indicator for each period but the first.
Matrix fixed_effects(const std::vector<int>& period) {
  Matrix x = Matrix::Zero(Index(period.size()), 4);
  for (Index i = 0; i < x.rows(); ++i) {
    x(i, 0) = 1.0;
    if (period[size_t(i)] > 1) x(i, period[size_t(i)] - 1) = 1.0;
  }
  return x;
}

void print_table(const FitResult& result) {
  const char* names[] = {"(Intercept)", "period 2", "period 3", "period 4", "log sd(herd)"};
  std::printf("%s: %s, %d iterations\n\n", to_string(result.method), to_string(result.status),
              result.iterations);
  std::printf("%-12s %10s %10s\n", "", "mean", "sd");
  for (Index j = 0; j < 5; ++j) {
    std::printf("%-12s %10.4f %10.4f\n", names[j], result.mean[j], result.sd[j]);
  }
  std::printf("\nlog evidence %.4f\n", result.log_evidence);
}

void print_exact(const FitResult& result) {
  for (Index j = 0; j < result.mean.size(); ++j) {
    std::printf("%a %a\n", result.mean[j], result.sd[j]);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) throw std::invalid_argument("usage: embed FILE.csv [METHOD] [--exact]");
  const Cattle cattle = read_cattle(argv[1]);
  const Matrix x = fixed_effects(cattle.period);

  ModelData data;
  data.endog = cattle.cases;
  data.n_trials = cattle.size;
  data.exog = x;
  data.random = RandomEffects(x.rows());
  data.random.add_intercepts(cattle.herd, cattle.herds);
  data.family = BinomialLogit();
  const MixedModel model(data);

  FitOptions options;
  if (argc > 2) options.method = method_named(argv[2]);
  if (options.method == Method::leaf) options.n_quad = 15;  // else as many as are needed
  const FitResult result = fit(model, options);
  if (!result.has_result()) throw std::runtime_error("the fit failed");
  if (argc > 3 && std::strcmp(argv[3], "--exact") == 0) {
    print_exact(result);
  } else {
    print_table(result);
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "embed: %s\n", error.what());
  return 1;
}
