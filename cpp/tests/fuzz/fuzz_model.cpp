// libFuzzer over what the bindings hand to the core: index arrays, labels, numbers of any bit
// pattern. A model is refused with std::invalid_argument, or is made and fitted; under the address
// and undefined-behaviour sanitizers nothing may be read or written out of bounds, nothing may
// overflow, and a fit that says it has converged must have finite numbers.
//
//     clang++ -std=c++17 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize=null \
//         -fno-sanitize-recover=all \
//         -I cpp/include -isystem /usr/include/eigen3 cpp/tests/fuzz/fuzz_model.cpp -o fuzz_model
// (-fno-sanitize=null: blocks of empty matrices are null references inside Eigen.)
//     ./fuzz_model -max_len=512 -timeout=20 -max_total_time=600

#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <cstdlib>
#include <mixed_glm/ep/ep_marginal.hpp>
#include <mixed_glm/families/named_family.hpp>
#include <mixed_glm/inference/fit_marginal.hpp>
#include <mixed_glm/inference/joint_covariance.hpp>
#include <mixed_glm/inference/joint_mode.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>
#include <mixed_glm/leaf/leaf_marginal.hpp>
#include <mixed_glm/variational/fit_variational.hpp>

namespace {

using namespace mixed_glm;

constexpr double largest = 1e50;  // the Python layer lets nothing beyond pass

// Mostly moderate numbers; sometimes any at all that may come.
double any_number(FuzzedDataProvider& data) {
  switch (data.ConsumeIntegralInRange(0, 5)) {
    case 0:
      return data.ConsumeFloatingPointInRange(-largest, largest);
    case 1:
      return data.PickValueInArray({0.0, 1.0, -1.0, 5e-324, 1e-310, 1e50, -1e50, 1e-50, 700.0});
    default:
      return data.ConsumeFloatingPointInRange(-4.0, 4.0);
  }
}

Matrix numbers(FuzzedDataProvider& data, Index rows, Index cols) {
  Matrix out(rows, cols);
  for (Index k = 0; k < out.size(); ++k) out.data()[k] = any_number(data);
  return out;
}

Family any_family(FuzzedDataProvider& data) {
  switch (data.ConsumeIntegralInRange(0, 6)) {
    case 0:
      return BinomialLogit();
    case 1:
      return BinomialProbit();
    case 2:
      return BinomialCloglog();
    case 3:
      return BinomialLoglog();
    case 4:
      return PoissonLog();
    case 5:
      return NegativeBinomialLog(data.PickValueInArray({1.0, 1e-100, 1e-8, 0.3, 50.0, 1e8, 1e100}));
    default:
      return ExponentialLog();
  }
}

// Sound or not: indptr, indices and labels are any integers.
struct Rows {
  std::vector<std::int64_t> indptr;
  std::vector<Code> indices;
  std::vector<double> values;

  Rows(FuzzedDataProvider& data, Index rows, Index effects) {
    const bool sound = data.ConsumeIntegralInRange(0, 3) > 0;
    indptr.push_back(sound ? 0 : data.ConsumeIntegral<std::int8_t>());
    for (Index i = 0; i < rows; ++i) {
      const Code first = effects > 0 ? data.ConsumeIntegralInRange<Code>(0, Code(effects) - 1) : 0;
      for (Index e = data.ConsumeIntegralInRange<Index>(0, effects > 0 ? 3 : 0); e > 0; --e) {
        indices.push_back(sound ? Code((first + 2 * e) % effects)
                                : data.ConsumeIntegral<std::int8_t>());
        values.push_back(data.ConsumeBool() ? 1.0 : any_number(data));
      }
      indptr.push_back(sound ? std::int64_t(indices.size()) : data.ConsumeIntegral<std::int8_t>());
    }
    if (indptr.back() != std::int64_t(indices.size())) {
      throw std::invalid_argument("refused by the bindings");
    }
  }
};

void require_finite(bool claimed, const Vector& values) {
  if (claimed && !values.allFinite()) std::abort();
}

void fit_marginal_of(Marginal& marginal, FuzzedDataProvider& data) {
  MarginalFitSettings settings;
  settings.integrate =
      data.PickValueInArray({Integrate::mode, Integrate::grid, Integrate::ccd, Integrate::ridge});
  settings.grid = GridSettings{1.4, 7.0};
  const MarginalFit fit =
      fit_marginal(marginal, Vector::Zero(marginal.model().design().components()), settings);
  if (fit.posterior.points.empty()) return;
  require_finite(fit.status == FitStatus::converged, fit.posterior.mean);
}

void fit(const Model& model, FuzzedDataProvider& data) {
  const Design& design = model.design();
  switch (data.ConsumeIntegralInRange(0, 5)) {
    case 0: {
      const JointModeResult mode = JointMode(model).find(Vector::Zero(model.layout().size()));
      require_finite(mode.converged, mode.params);
      joint_covariance(model, mode.params);
      return;
    }
    case 1: {
      LaplaceMarginal marginal(model);
      return fit_marginal_of(marginal, data);
    }
    case 2: {
      if (design.largest_single() < 0) return;
      LeafMarginal marginal(model, design.largest_single());
      return fit_marginal_of(marginal, data);
    }
    case 3: {
      EpMarginal marginal(model);
      return fit_marginal_of(marginal, data);
    }
    default: {
      const bool full = data.ConsumeBool();
      const VariationalFit q = full ? fit_full_gaussian(model) : fit_mean_field(model);
      return require_finite(q.converged, q.mean);
    }
  }
}

// Something in the family's support.
double any_response(FuzzedDataProvider& data, const Family& family, double trials) {
  if (family_name(family) == "exponential") return std::abs(any_number(data));
  const double count = std::floor(std::abs(any_number(data)));
  return family_name(family) == "binomial" ? std::min(count, trials) : count;
}

void run(FuzzedDataProvider& data) {
  const Index n = data.ConsumeIntegralInRange<Index>(0, 9);
  const Index p = data.ConsumeIntegralInRange<Index>(0, 3);
  const Index q = data.ConsumeIntegralInRange<Index>(0, 7);
  const Index components = data.ConsumeIntegralInRange<Index>(0, 3);
  std::vector<Code> ident(static_cast<size_t>(q));
  for (Code& k : ident) k = data.ConsumeIntegralInRange<Code>(-1, 3);
  const Matrix x = numbers(data, n, p);
  const Rows rows(data, n, q);
  const Design design(x,
                      SparseRows(n, q, rows.indptr.data(), rows.indices.data(), rows.values.data()),
                      ident, components);
  const Family family = any_family(data);
  Vector trials(n), y(n), weights(n);
  for (Index i = 0; i < n; ++i) {
    trials[i] = data.ConsumeBool() ? 1.0 : std::floor(std::abs(any_number(data)));
    y[i] = any_response(data, family, trials[i]);
    weights[i] = data.ConsumeBool() ? 1.0 : std::abs(any_number(data));
  }
  const Prior prior{numbers(data, p, 1), numbers(data, components, 1)};
  const Vector offset = data.ConsumeBool() ? Vector(numbers(data, n, 1)) : Vector();
  const Model model(design, family, encode_response(family, y, trials, weights), prior, offset);
  fit(model, data);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  FuzzedDataProvider data(bytes, size);
  try {
    run(data);
  } catch (const std::invalid_argument&) {  // refused
  }
  return 0;
}
