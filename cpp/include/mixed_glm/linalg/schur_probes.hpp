// Estimates of the inverse and the determinant of S~ beyond its coarse space (coarse_space.hpp), by
// probes z of signs (Hutchinson 1990; Bekas, Kokiopoulou and Saad 2007). The sign is a hash of the
// level and the probe, the same whatever S~ is: results are reproducible, and smooth in psi.
//
//     x = R z by conjugate gradients on P S~ P from P z      r = x - P z = (P E P + ...) z
//     R = P + E[z r']                 e = P E P z, of which E[z_j e_j] is known, is the control
//     log|P S~ P|_+ = E |P z|^2 sum omega (log theta + 1 - theta) - tr P E P
//
// with the nodes theta and weights omega of Lanczos. Sixteen probes are solved for at once, in
// single precision: one cache line for each level.
#pragma once

#include <mixed_glm/linalg/coarse_space.hpp>

namespace mixed_glm {

class SchurProbes {
 public:
  static constexpr int together = 16;
  static constexpr double tolerance = 1e-4;
  using Block = std::vector<float>;  // levels x together

  // Viewed.
  SchurProbes(const ScaledSchur<float>& schur, Index eliminated)
      : schur_(&schur), cg_(schur, eliminated) {}

  // Blocks of probes; more of them leave those that there are as they are.
  Index blocks() const { return Index(excess_.size()); }
  static float sign(std::uint64_t bits, int probe) {
    return (bits >> probe & 1) != 0 ? 1.0F : -1.0F;
  }
  static std::uint64_t signs(Index block, Index level) {
    return mix(mix(std::uint64_t(block) + 1) ^ std::uint64_t(level));
  }
  const Block& excess(Index block) const { return excess_[size_t(block)]; }  // r
  // Mean of z_j e_j over all probes, and over those of the first block.
  const Vector& control() const { return control_; }
  Vector control_of_first() const {
    const Eigen::Map<const Eigen::MatrixXf> each(first_control_.data(), together, schur_->levels());
    return each.colwise().mean().transpose().cast<double>();
  }
  const Block& first_control() const { return first_control_; }  // z_j e_j of the first block

  void clear() {
    excess_.clear();
    log_determinants_.clear();
    control_.setZero(schur_->levels());
    first_control_.assign(size_t(schur_->levels() * together), 0.0F);
  }

  // False where conjugate gradients do not converge.
  bool add(const CoarseSpace& coarse) {
    const Index block = blocks(), levels = schur_->levels();
    const double before = double(block) / double(block + 1);
    Block z(size_t(levels * together)), x(z.size());
    for_levels(schur_->team(), levels, [&](Index first, Index last) {
      for (Index j = first; j < last; ++j) {
        const std::uint64_t bits = signs(block, j);
        for (int c = 0; c < together; ++c) z[size_t(j * together + c)] = sign(bits, c);
      }
    });
    const auto project = [&](Block& y) { coarse.project<together>(schur_->team(), y); };
    project(z);
    const auto each = [&](int iteration, const Block&, const Block& product) {
      if (iteration > 0) return;
      for_levels(schur_->team(), levels, [&](Index first, Index last) {
        for (Index j = first; j < last; ++j) {
          const std::uint64_t bits = signs(block, j);
          float sum = 0.0F;
          for (int c = 0; c < together; ++c) {
            const auto e = size_t(j * together + c);
            const float own = sign(bits, c) * (z[e] - product[e]);
            if (block == 0) first_control_[e] = own;
            sum += own;
          }
          control_[j] = before * control_[j] + (1.0 - before) * double(sum) / together;
        }
      });
    };
    if (!cg_.solve(z, x, tolerance, true, project, each)) return false;
    for (const LanczosSteps& steps : cg_.steps()) {
      log_determinants_.push_back(
          steps.quadrature([](double theta) { return std::log(theta) + 1.0 - theta; }));
    }
    for (size_t e = 0; e < x.size(); ++e) x[e] -= z[e];
    excess_.push_back(std::move(x));
    return true;
  }

  // log|P S~ P|_+ + tr P E P, and its Monte Carlo error.
  double log_determinant() const { return mean(log_determinants_); }
  double log_determinant_error() const { return error_of_mean(log_determinants_); }
  double log_determinant_of_first() const {
    return mean({log_determinants_.begin(), log_determinants_.begin() + together});
  }

  static double mean(const std::vector<double>& values) {
    double sum = 0.0;
    for (const double value : values) sum += value;
    return sum / double(values.size());
  }
  static double error_of_mean(const std::vector<double>& values) {
    const double center = mean(values), n = double(values.size());
    double squares = 0.0;
    for (const double value : values) squares += (value - center) * (value - center);
    return std::sqrt(squares / (n * (n - 1.0)));
  }

 private:
  // splitmix64 (Steele, Lea and Flood 2014).
  static std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  }

  const ScaledSchur<float>* schur_;
  BlockCG<together, float> cg_;
  std::vector<Block> excess_;
  Block first_control_;
  std::vector<double> log_determinants_;
  Vector control_;
};

}  // namespace mixed_glm
