// Log likelihoods and their derivatives in eta of some rows of a batch (group_lanes.hpp), each
// group with an effect u of its own:
//
//     value_g = sum_i l_i(eta_i + factor_i u_g),   l'_i, l''_i, l'''_i
//
// Where the factor is one for the whole group, exp(eta_i + factor u) = exp(eta_i) exp(factor u),
// and families that are functions of it need no exponential for each row and effect; of logistic
// ones log(1 + e) is taken of the product of some rows. That is exact as long as nothing overflows;
// what is farther out, and all other families, are evaluated by the kernel itself. Counts are
// separable, l'_ik = y_i - mean_i growth_k, so that rows and nodes need never meet.
#pragma once

#include <mixed_glm/families/evaluate_rows.hpp>
#include <mixed_glm/families/family.hpp>
#include <mixed_glm/leaf/group_lanes.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/log.hpp>
#include <mixed_glm/math/resize_buffer.hpp>
#include <optional>

namespace mixed_glm {

// Of a family that is a function of exp(eta).
struct ExponentialForm {
  enum class Kind { none, logistic, counts } kind = Kind::none;
  double shift = 0.0;     // logistic: of eta
  double failures = 1.0;  // logistic: trials are a + failures b
  bool single = false;    // logistic: every row is one trial

  // Of a family with the rows of lanes.
  static ExponentialForm of(const Family& family, const GroupLanes& lanes) {
    ExponentialForm form;
    if (std::holds_alternative<PoissonLog>(family)) {
      form.kind = Kind::counts;
    } else if (std::holds_alternative<BinomialLogit>(family)) {
      form.kind = Kind::logistic;
    } else if (const auto* kernel = std::get_if<NegativeBinomialLog>(&family)) {
      const std::optional<double> alpha = kernel->alpha();
      if (!alpha) return form;
      form.kind = Kind::logistic;
      form.shift = std::log(*alpha);
      form.failures = 1.0 / *alpha;
    }
    if (form.kind != Kind::logistic) return form;
    form.single = true;
    for (Index r = 0; r < lanes.rows(); ++r) {
      for (Index l = 0; l < lane_count; ++l) {
        const double trials = lanes.a(r)[l] + form.failures * lanes.b(r)[l];
        form.single = form.single && trials == 1.0;
        if (trials > most_trials) return {};
      }
    }
    return form;
  }

 private:
  static constexpr double most_trials = 1e5;  // their multiple of the rounding of log(1 + e)
};

class LaneRows {
 public:
  static constexpr Index most_rows = 64;  // that are opened together

  // Both are viewed.
  LaneRows(const GroupLanes& lanes, const Family& family)
      : lanes_(&lanes),
        family_(&family),
        buffer_(2 * most_rows * lane_count),
        exponential_(most_rows * lane_count) {}

  // For the rows first .. first + count - 1 of lanes; eta: of all of these, which is viewed.
  void open(const GroupLanes::Batch& batch, const ExponentialForm& form, Index first, Index count,
            const double* eta) {
    first_ = first;
    count_ = count;
    full_ = std::clamp<Index>(batch.first + batch.full - first, 0, count);
    eta_ = eta;
    form_ = batch.uniform && count > 0 ? form : ExponentialForm();
    if (form_.kind != ExponentialForm::Kind::none) open_exponentials();
  }

  // u: an effect for each lane. Adds to value, for each lane, if it is not null; the derivatives,
  // as many as Order says, lane_count for each row, are set. Of masked rows all is zero.
  template <int Order>
  void evaluate(const double* u, double* value, double* d1, double* d2, double* d3) {
    if (form_.kind == ExponentialForm::Kind::none || !is_near(u)) {
      evaluate_kernel<Order>(u, value, d1, d2, d3);
    } else if (form_.kind == ExponentialForm::Kind::counts) {
      evaluate_counts<Order>(u, value, d1, d2, d3);
    } else if (form_.single) {
      evaluate_logistic<Order, true>(u, value, d1, d2, d3);
    } else {
      evaluate_logistic<Order, false>(u, value, d1, d2, d3);
    }
    if constexpr (Order >= 1) hide(d1);
    if constexpr (Order >= 2) hide(d2);
    if constexpr (Order >= 3) hide(d3);
  }

  // Whether at all of some nodes, lane_count numbers each, the derivatives are those of separable
  // rows.
  bool are_separable(const double* nodes, Index count) const {
    if (form_.kind != ExponentialForm::Kind::counts) return false;
    bool near = true;
    for (Index k = 0; k < count; ++k) near = near && is_near(nodes + k * lane_count);
    return near;
  }
  // Their parts: of the rows y_i, and `stride` behind it mean_i; of the nodes growth_k.
  void separate(const double* nodes, Index count, double* rows, Index stride,
                double* growths) const {
    const double* const a = lanes_->a(first_);
    const double* const mask = lanes_->mask(first_);
    for (Index s = 0; s < count_ * lane_count; s += lane_count) {
      store(rows + s, load(a + s) * load(mask + s));
      store(rows + stride + s, load(exponential_.data() + s));
    }
    for (Index k = 0; k < count; ++k) {
      store(growths + k * lane_count, growth(nodes + k * lane_count));
    }
  }
  // Adds the value of separable rows at a node.
  void add_separable(const double* u, double* value) const {
    add_to(value, load(pulled_) + load(pull_of_factor_) * load(u) - load(means_) * growth(u));
  }
  // Adds sum_i factor l'_i and sum_i factor^2 l''_i, where no row needs to be evaluated for them by
  // itself.
  bool add_slopes(const double* u, double* first, double* second) const {
    if (form_.kind == ExponentialForm::Kind::none || !is_near(u)) return false;
    const Lanes factor = load(lanes_->factor(first_)), up = growth(u);
    Lanes mean = 0.0, bend = 0.0;
    if (form_.kind == ExponentialForm::Kind::counts) {
      mean = bend = load(means_) * up;
    } else if (form_.single) {
      add_means<true>(up, mean, bend);
    } else {
      add_means<false>(up, mean, bend);
    }
    add_to(first, factor * (load(counts_) - mean));
    add_to(second, -(factor * factor * bend));
    return true;
  }

 private:
  static constexpr double reach = 80.0;  // of eta: the product of so many exponentials is finite
  static constexpr Index rows_of_product = 8;

  void open_exponentials() {
    const double* const mask = lanes_->mask(first_);
    const double* const a = lanes_->a(first_);
    double* const e = exponential_.data();
    const Index size = count_ * lane_count, full = full_ * lane_count;
    const double shift = form_.shift;
    for (Index s = 0; s < size; ++s) e[s] = math::exp(eta_[s] + shift);
    for (Index s = full; s < size; ++s) e[s] *= mask[s];
    if (form_.kind == ExponentialForm::Kind::counts) {
      const double* const b = lanes_->b(first_);
      Lanes total = 0.0;
      for (Index s = 0; s < size; s += lane_count) {
        const Lanes mean = load(e + s) * load(b + s);
        store(e + s, mean);
        total += mean;
      }
      store(means_, total);
    }
    largest_eta_ = (Eigen::Map<const Eigen::ArrayXd>(eta_, size) + shift).abs().maxCoeff();
    Lanes pulled = 0.0, all = 0.0;
    const auto add = [&](Index s, Lanes successes) {
      pulled += successes * (load(eta_ + s) + shift);
      all += successes;
    };
    for (Index s = 0; s < full; s += lane_count) add(s, load(a + s));
    for (Index s = full; s < size; s += lane_count) add(s, load(a + s) * load(mask + s));
    store(pulled_, pulled);
    store(pull_of_factor_, load(lanes_->factor(first_)) * all);
    store(counts_, all);
  }

  // Whether the exponentials at these effects neither overflow nor lose their digits.
  bool is_near(const double* u) const {
    const double* const factor = lanes_->factor(first_);
    double largest = 0.0;
    for (Index l = 0; l < lane_count; ++l) {
      largest = std::max(largest, std::abs(factor[l] * u[l]));
    }
    return largest + largest_eta_ <= reach;
  }

  // exp(factor u) of each lane.
  Lanes growth(const double* u) const {
    const double* const factor = lanes_->factor(first_);
    double result[lane_count];
    for (Index l = 0; l < lane_count; ++l) result[l] = math::exp(factor[l] * u[l]);
    return load(result);
  }

  // Adds the rows' means and minus their l''.
  template <bool Single>
  void add_means(Lanes up, Lanes& mean, Lanes& bend) const {
    const double* const a = lanes_->a(first_);
    const double* const b = lanes_->b(first_);
    const Lanes one = 1.0;
    for (Index s = 0; s < count_ * lane_count; s += lane_count) {
      const Lanes t = load(exponential_.data() + s) * up, q = one / (one + t);
      const Lanes of_row = Single ? t * q : (load(a + s) + form_.failures * load(b + s)) * t * q;
      mean += of_row;
      bend += of_row * q;
    }
  }

  // a (eta + shift) - (a + failures b) log(1 + t), t = exp(eta + shift).
  template <int Order, bool Single>
  void evaluate_logistic(const double* u, double* value, double* d1, double* d2, double* d3) {
    const double* const a = lanes_->a(first_);
    const double* const b = lanes_->b(first_);
    const double* const e = exponential_.data();
    double* const logs = buffer_.data();
    const Lanes one = 1.0, failures = form_.failures, up = growth(u);
    Lanes product = one;
    double* next = logs;
    for (Index r = 0; r < count_; ++r) {
      const Index s = r * lane_count;
      const Lanes t = load(e + s) * up, sum = one + t;
      if constexpr (Single) {
        product *= sum;
        if (r % rows_of_product == rows_of_product - 1) {
          store(next, product);
          next += lane_count;
          product = one;
        }
      } else {
        store(logs + s, sum);
      }
      if constexpr (Order >= 1) {
        const Lanes q = one / sum, p = t * q, y = load(a + s);
        const Lanes trials = Single ? one : y + failures * load(b + s);
        const Lanes mean = Single ? p : trials * p;
        store(d1 + s, y - mean);
        if constexpr (Order >= 2) {
          const Lanes bend = -(mean * q);
          store(d2 + s, bend);
          if constexpr (Order >= 3) store(d3 + s, bend * (q - p));
        }
      }
    }
    if (value == nullptr) return;
    Lanes total = load(pulled_) + load(pull_of_factor_) * load(u);
    if constexpr (Single) {
      store(next, product);
      next += lane_count;
      take_logs(next - logs);
      for (const double* log = logs; log != next; log += lane_count) total -= load(log);
    } else {
      take_logs(count_ * lane_count);
      for (Index s = 0; s < count_ * lane_count; s += lane_count) {
        total -= (load(a + s) + failures * load(b + s)) * load(logs + s);
      }
    }
    add_to(value, total);
  }

  void take_logs(Index count) {
    double* const logs = buffer_.data();
    for (Index s = 0; s < count; ++s) logs[s] = math::log(logs[s]);
  }

  // a eta - b exp(eta); the exponentials are b exp(eta).
  template <int Order>
  void evaluate_counts(const double* u, double* value, double* d1, double* d2, double* d3) const {
    const double* const a = lanes_->a(first_);
    const double* const e = exponential_.data();
    const Lanes up = growth(u);
    Lanes total = load(pulled_) + load(pull_of_factor_) * load(u);
    for (Index r = 0; r < count_; ++r) {
      const Index s = r * lane_count;
      const Lanes mean = load(e + s) * up;
      total -= mean;
      if constexpr (Order >= 1) store(d1 + s, load(a + s) - mean);
      if constexpr (Order >= 2) store(d2 + s, -mean);
      if constexpr (Order >= 3) store(d3 + s, -mean);
    }
    if (value != nullptr) add_to(value, total);
  }

  template <int Order>
  void evaluate_kernel(const double* u, double* value, double* d1, double* d2, double* d3) {
    const Index size = count_ * lane_count;
    const Index width = lanes_->width() * lane_count;
    const double* factor = lanes_->factor(first_);
    double* const eta = buffer_.data();
    double* const values = eta + most_rows * lane_count;
    const Lanes effect = load(u);
    for (Index s = 0; s < size; s += lane_count) {
      store(eta + s, load(eta_ + s) + load(factor) * effect);
      factor += width;
    }
    const auto expand = [&](const auto& kernel) {
      evaluate_rows<Order>(kernel, size, eta, lanes_->a(first_), lanes_->b(first_), values, d1, d2,
                           d3);
    };
    std::visit(expand, *family_);
    if (value == nullptr) return;
    hide(values);
    Lanes total = 0.0;
    for (Index s = 0; s < size; s += lane_count) total += load(values + s);
    add_to(value, total);
  }

  void hide(double* of_rows) const {
    for (Index r = full_; r < count_; ++r) {
      double* const at = of_rows + r * lane_count;
      store(at, load(at) * load(lanes_->mask(first_ + r)));
    }
  }

  const GroupLanes* lanes_;
  const Family* family_;
  Vector buffer_, exponential_;
  Index first_ = 0, count_ = 0, full_ = 0;
  const double* eta_ = nullptr;
  ExponentialForm form_;
  double largest_eta_ = 0.0;
  // Sums over the rows: of y eta, y factor, y and, of counts, their means at eta.
  double pulled_[lane_count], pull_of_factor_[lane_count], counts_[lane_count];
  double means_[lane_count];
};

}  // namespace mixed_glm
