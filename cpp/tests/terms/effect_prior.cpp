// The priors of the effects of one term, each against dense linear algebra of its own precision
// matrix P(theta) and against finite differences in theta.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <mixed_glm/terms/effect_prior.hpp>

using namespace mixed_glm;

namespace effect_prior_test {

constexpr Index coefficients = 7;  // one of them, the last, is none of any term

// Where every effect is a neighbour of every other, so that any P has its place.
BorderedPattern dense_pattern() {
  Neighbours all(size_t(coefficients) - 1);
  for (size_t j = 0; j < all.size(); ++j) {
    for (size_t k = 0; k < all.size(); ++k) {
      if (k != j) all[j].push_back(static_cast<Code>(k));
    }
  }
  return {all, 1};
}

// One term seen through the functions that are to be checked and through P.
struct DenseTerm {
  EffectPrior term;
  std::vector<Code> effects;
  BorderedPattern pattern = dense_pattern();

  template <class Visit>
  auto visit(Visit&& each) const {
    return std::visit(each, term);
  }
  void set(const Vector& theta) {
    std::visit([&](auto& own) { own.set(theta); }, term);
  }
  // On its own effects.
  Matrix precision(const Vector& theta) {
    set(theta);
    Vector diagonal = Vector::Zero(coefficients);
    std::vector<double> values(size_t(pattern.size()), 0.0);
    visit([&](const auto& own) {
      own.set_diagonal(diagonal);
      own.add_off_diagonal(pattern, values.data());
    });
    const auto n = Index(effects.size());
    Matrix p(n, n);
    for (Index a = 0; a < n; ++a) {
      for (Index b = 0; b < n; ++b) {
        const Code j = effects[size_t(a)], k = effects[size_t(b)];
        p(a, b) = j == k ? diagonal[j] : values[size_t(pattern.position(j, k))];
      }
    }
    return p;
  }
  Matrix precision_slope(Vector theta, Index i) {
    const double h = 1e-5;
    theta[i] += h;
    const Matrix up = precision(theta);
    theta[i] -= 2.0 * h;
    return (up - precision(theta)) / (2.0 * h);
  }
  Vector own(const Vector& x) const {
    Vector result(effects.size());
    for (size_t a = 0; a < effects.size(); ++a) result[Index(a)] = x[effects[a]];
    return result;
  }
};

// The lists of effects are viewed.
const std::vector<Code> some = {1, 2, 5}, others = {0, 3}, none;

// A new covariance adds its examples here.
std::vector<DenseTerm> examples() {
  return {{IndependentEffects(some, 0), some},
          {IndependentEffects(others, 2), others},
          {IndependentEffects(none, 1), none}};
}

const Vector at = (Vector(3) << -0.4, 0.3, 0.9).finished();
const Vector x = (Vector(7) << 0.3, -1.1, 0.7, 0.2, -0.5, 1.4, 0.8).finished();

// Diagonal second moments: of x, with variances.
SecondMoments moments() {
  const Vector variance = (Vector(7) << 0.2, 0.5, 0.1, 0.3, 0.4, 0.05, 0.0).finished();
  return SecondMoments::of_gaussian(x, variance, coefficients - 1);
}
Vector diagonal(const DenseTerm& term, double (SecondMoments::*which)(Index) const) {
  const SecondMoments all = moments();
  return Vector::NullaryExpr(Index(term.effects.size()),
                             [&](Index a) { return (all.*which)(term.effects[size_t(a)]); });
}

TEST_CASE("the log determinant and the form of a term are those of its precision") {
  for (DenseTerm& term : examples()) {
    const Matrix p = term.precision(at);
    const double half = p.size() > 0 ? 0.5 * std::log(p.determinant()) : 0.0;
    CHECK(term.visit([](const auto& own) { return own.half_log_determinant(); }) == Approx(half));
    const Matrix rest = p - Matrix(p.diagonal().asDiagonal());
    const Vector u = term.own(x);
    CHECK(term.visit([](const auto& own) { return own.off_diagonal_form(x); }) ==
          Approx(u.dot(rest * u)).margin(1e-14));
    Vector out = Vector::Zero(coefficients);
    term.visit([&](const auto& own) { own.subtract_off_diagonal(x, out); });
    CHECK((term.own(out) + rest * u).norm() <= 1e-13);
    CHECK(out.norm() == Approx(term.own(out).norm()));
  }
}

TEST_CASE("gradient and curvature of a term are derivatives in theta") {
  for (DenseTerm& term : examples()) {
    const Vector squares = diagonal(term, &SecondMoments::square);
    // E log p(u | theta) but for its constant.
    const auto value = [&](const Vector& theta) {
      const Matrix p = term.precision(theta);
      const double half = p.size() > 0 ? 0.5 * std::log(p.determinant()) : 0.0;
      return half - 0.5 * p.diagonal().dot(squares);
    };
    const auto gradient_at = [&](const Vector& theta) {
      term.set(theta);
      Vector gradient = Vector::Zero(3);
      term.visit([&](const auto& own) { own.add_gradient(moments(), gradient); });
      return gradient;
    };
    const Vector gradient = gradient_at(at);
    Matrix curvature = Matrix::Zero(3, 3);
    term.visit([&](const auto& own) { own.add_curvature(moments(), curvature); });
    const double h = 1e-5;
    for (Index i = 0; i < 3; ++i) {
      Vector up = at, down = at;
      up[i] += h;
      down[i] -= h;
      CAPTURE(i);
      CHECK(gradient[i] ==
            Approx((value(up) - value(down)) / (2.0 * h)).epsilon(1e-7).margin(1e-9));
      const Vector bend = (gradient_at(down) - gradient_at(up)) / (2.0 * h);
      CHECK((curvature.col(i) - bend).norm() <= 1e-7 * (1.0 + bend.norm()));
    }
  }
}

TEST_CASE("the coupling of a term is minus the slope of P u") {
  for (DenseTerm& term : examples()) {
    term.set(at);
    Matrix coupling = Matrix::Zero(coefficients, 3);
    Index entries = 0;
    term.visit([&](const auto& own) {
      own.for_coupling(x, [&](Index j, Index i, double value) {
        coupling(j, i) += value;
        ++entries;
      });
    });
    CHECK(entries == Index(term.effects.size()) *
                         term.visit([](const auto& own) { return own.parameters(); }));
    for (Index i = 0; i < 3; ++i) {
      const Vector column = coupling.col(i);
      const Vector expected = -term.precision_slope(at, i) * term.own(x);
      CHECK((term.own(column) - expected).norm() <= 1e-8 * (1.0 + expected.norm()));
      CHECK(column.norm() == Approx(term.own(column).norm()));
    }
  }
}

TEST_CASE("the information of a term is that of a balanced Gaussian model") {
  for (DenseTerm& term : examples()) {
    term.set(at);
    Matrix information = Matrix::Zero(3, 3);
    term.visit([&](const auto& own) { own.add_information(moments(), information); });
    if (term.effects.empty()) {
      CHECK(information.norm() == 0.0);
      continue;
    }
    const Matrix left = term.precision(at).inverse() -
                        Matrix(diagonal(term, &SecondMoments::variance).asDiagonal());
    for (Index i = 0; i < 3; ++i) {
      for (Index k = 0; k < 3; ++k) {
        const double expected =
            0.5 * (left * term.precision_slope(at, i) * left * term.precision_slope(at, k)).trace();
        CHECK(information(i, k) == Approx(expected).epsilon(1e-7).margin(1e-9));
      }
    }
  }
}

TEST_CASE("a collapsed component neither overflows nor gives NaN") {
  IndependentEffects term(some, 0);
  term.set(Vector::Constant(1, -1e6));
  CHECK(std::isfinite(term.precision()));
  Vector gradient = Vector::Zero(1);
  term.add_gradient(SecondMoments::of_point(Vector::Zero(7), 6), gradient);
  CHECK(gradient[0] == -3.0);
  CHECK(effect_sd(-1e6) > 0.0);
  CHECK(effect_sd(0.7) == Approx(std::exp(0.7)));
}

}  // namespace effect_prior_test
