// Every kernel at chosen points against 50-digit values (mpmath, as in tests/test_families.py),
// and what must hold everywhere: finite, concave, NaN in NaN out.

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <mixed_glm/families/family.hpp>
#include <mixed_glm/families/named_family.hpp>
#include <string>
#include <variant>
#include <vector>

using namespace mixed_glm;

namespace {

struct Case {
  Family family;
  double y;
  double trials;
  double eta;
  RowDerivatives exact;  // value with its constant
};

RowDerivatives evaluate(const Family& family, double eta, double y, double trials, double weight) {
  return std::visit(
      [&](const auto& kernel) {
        const RowCode row = kernel.encode(y, trials, weight);
        RowDerivatives out = kernel.evaluate(eta, row.a, row.b);
        out.value += row.constant;
        return out;
      },
      family);
}

std::vector<Family> all_families() {
  return {BinomialLogit(), BinomialProbit(),         BinomialCloglog(), BinomialLoglog(),
          PoissonLog(),    NegativeBinomialLog(0.5), ExponentialLog()};
}

void check_close(double got, double exact, double scale) {
  CHECK(std::fabs(got - exact) <= 1e-13 * (std::fabs(exact) + scale));
}

// clang-format off
const std::vector<Case>& cases() {
  static const std::vector<Case> table = {
    {BinomialLogit(), 0, 1, -600, {-2.6503965530043108e-261, -2.6503965530043108e-261, -2.6503965530043108e-261, -2.6503965530043108e-261}},
    {BinomialLogit(), 0, 1, -30.5, {-5.675685232632561e-14, -5.6756852326324e-14, -5.6756852326320784e-14, -5.675685232631434e-14}},
    {BinomialLogit(), 0, 1, -1.25, {-0.2519290813453729, -0.22270013882530884, -0.173104786992497, -0.09600386680338781}},
    {BinomialLogit(), 0, 1, 0.5, {-0.9740769841801067, -0.6224593312018546, -0.2350037122015945, 0.05755679485232074}},
    {BinomialLogit(), 0, 1, 4.75, {-4.758614483762176, -0.991422514586288, -0.008503912157689543, 0.008358027792705404}},
    {BinomialLogit(), 0, 1, 40, {-40.0, -1.0, -4.248354255291589e-18, 4.248354255291589e-18}},
    {BinomialLogit(), 1, 1, -600, {-600.0, 1.0, -2.6503965530043108e-261, -2.6503965530043108e-261}},
    {BinomialLogit(), 1, 1, -30.5, {-30.500000000000057, 0.9999999999999433, -5.6756852326320784e-14, -5.675685232631434e-14}},
    {BinomialLogit(), 1, 1, -1.25, {-1.501929081345373, 0.7772998611746912, -0.173104786992497, -0.09600386680338781}},
    {BinomialLogit(), 1, 1, 0.5, {-0.4740769841801067, 0.37754066879814546, -0.2350037122015945, 0.05755679485232074}},
    {BinomialLogit(), 1, 1, 4.75, {-0.008614483762175558, 0.008577485413711986, -0.008503912157689543, 0.008358027792705404}},
    {BinomialLogit(), 1, 1, 40, {-4.248354255291589e-18, 4.248354255291589e-18, -4.248354255291589e-18, 4.248354255291589e-18}},
    {BinomialLogit(), 3, 10, -600, {-1795.212508257218, 3.0, -2.6503965530043107e-260, -2.6503965530043107e-260}},
    {BinomialLogit(), 3, 10, -30.5, {-86.71250825721852, 2.9999999999994325, -5.675685232632078e-13, -5.675685232631434e-13}},
    {BinomialLogit(), 3, 10, -1.25, {-1.4817990706716828, 0.7729986117469114, -1.7310478699249703, -0.960038668033878}},
    {BinomialLogit(), 3, 10, 0.5, {-3.4532780990190206, -3.2245933120185457, -2.350037122015945, 0.5755679485232074}},
    {BinomialLogit(), 3, 10, 4.75, {-28.54865309483971, -6.91422514586288, -0.08503912157689543, 0.08358027792705403}},
    {BinomialLogit(), 3, 10, 40, {-275.21250825721796, -7.0, -4.248354255291589e-17, 4.248354255291589e-17}},
    {BinomialProbit(), 0, 1, -600, {0, 0, 0, 0}},
    {BinomialProbit(), 0, 1, -30.5, {-1.3029379131780763e-204, -3.97822342728212e-203, -1.2133581453210467e-201, -3.69676411980191e-200}},
    {BinomialProbit(), 0, 1, -1.25, {-0.11165782847292517, -0.20422545889867674, -0.29698986168572106, -0.2883176497905164}},
    {BinomialProbit(), 0, 1, 0.5, {-1.1759117615936185, -1.1410777703680646, -0.731519592844121, -0.16260392517612296}},
    {BinomialProbit(), 0, 1, 4.75, {-13.798571593147466, -4.945030139214693, -0.9644299164718929, -0.01219776577145426}},
    {BinomialProbit(), 0, 1, 40, {-804.6084420137538, -40.02496884720726, -0.9993773316214086, -3.101744039648625e-05}},
    {BinomialProbit(), 1, 1, -600, {-180007.31587096618, 600.0016666574076, -0.9999972222685174, 9.258950628000275e-09}},
    {BinomialProbit(), 1, 1, -30.5, {-469.4627373229121, 30.53271677066016, -0.9989318922172501, 6.959321154757246e-05}},
    {BinomialProbit(), 1, 1, -1.25, {-2.247625677214318, 1.728816627331054, -0.8277861467725028, 0.09863159803253194}},
    {BinomialProbit(), 1, 1, 0.5, {-0.3689464152886564, 0.5091604338370335, -0.5138245643036329, 0.27099012446870785}},
    {BinomialProbit(), 1, 1, 4.75, {-1.017083759798215e-06, 5.02951240402523e-06, -2.3890209215114864e-05, 0.00010844922167997753}},
    {BinomialProbit(), 1, 1, 40, {0, 0, 0, 0}},
    {BinomialProbit(), 3, 10, -600, {-540017.1601211558, 1800.0049999722225, -2.999991666805552, 2.7776851884000823e-08}},
    {BinomialProbit(), 3, 10, -30.5, {-1403.6007202259543, 91.59815031198048, -2.9967956766517503, 0.0002087796346427174}},
    {BinomialProbit(), 3, 10, -1.25, {-2.736990088171385, 3.7568716697024245, -4.562287472117556, -1.722328754436019}},
    {BinomialProbit(), 3, 10, 0.5, {-4.550729834239253, -6.460063091065351, -6.662110842819746, -0.3252571028267373}},
    {BinomialProbit(), 3, 10, 4.75, {-91.8025124605015, -34.61519588596564, -6.751081085930896, -0.08505901273513988}},
    {BinomialProbit(), 3, 10, 40, {-5627.471602353495, -280.1747819304508, -6.9956413213498605, -0.00021712208277540373}},
    {BinomialCloglog(), 0, 1, -600, {-2.6503965530043108e-261, -2.6503965530043108e-261, -2.6503965530043108e-261, -2.6503965530043108e-261}},
    {BinomialCloglog(), 0, 1, -30.5, {-5.675685232632723e-14, -5.675685232632723e-14, -5.675685232632723e-14, -5.675685232632723e-14}},
    {BinomialCloglog(), 0, 1, -1.25, {-0.2865047968601901, -0.2865047968601901, -0.2865047968601901, -0.2865047968601901}},
    {BinomialCloglog(), 0, 1, 0.5, {-1.6487212707001282, -1.6487212707001282, -1.6487212707001282, -1.6487212707001282}},
    {BinomialCloglog(), 0, 1, 4.75, {-115.58428452718766, -115.58428452718766, -115.58428452718766, -115.58428452718766}},
    {BinomialCloglog(), 0, 1, 40, {-2.3538526683702e+17, -2.3538526683702e+17, -2.3538526683702e+17, -2.3538526683702e+17}},
    {BinomialCloglog(), 1, 1, -600, {-600.0, 1.0, -1.3251982765021554e-261, -1.3251982765021554e-261}},
    {BinomialCloglog(), 1, 1, -30.5, {-30.50000000000003, 0.9999999999999716, -2.8378426163163074e-14, -2.8378426163162538e-14}},
    {BinomialCloglog(), 1, 1, -1.25, {-1.3898345266754089, 0.8635786781145472, -0.12960888892552141, -0.11603980833824588}},
    {BinomialCloglog(), 1, 1, 0.5, {-0.21355918537343416, 0.3925222382799095, -0.4087112327392714, -0.06116359745295523}},
    {BinomialCloglog(), 1, 1, 4.75, {-6.34429012521517e-51, 7.333002349558972e-49, -8.402468276604008e-47, 9.543150174369622e-45}},
    {BinomialCloglog(), 1, 1, 40, {0, 0, 0, 0}},
    {BinomialCloglog(), 3, 10, -600, {-1795.212508257218, 3.0, -2.252837070053664e-260, -2.252837070053664e-260}},
    {BinomialCloglog(), 3, 10, -30.5, {-86.71250825721843, 2.9999999999995177, -4.824332447737798e-13, -4.824332447737782e-13}},
    {BinomialCloglog(), 3, 10, -1.25, {-1.3875454152655113, 0.585202456322311, -2.394360244797895, -2.3536530030360683}},
    {BinomialCloglog(), 3, 10, 0.5, {-7.3942347082391535, -10.363482180061169, -12.767182593118712, -11.724539687259762}},
    {BinomialCloglog(), 3, 10, 4.75, {-804.3024999475316, -809.0899916903136, -809.0899916903136, -809.0899916903136}},
    {BinomialCloglog(), 3, 10, 40, {-1.6476968678591398e+18, -1.6476968678591398e+18, -1.6476968678591398e+18, -1.6476968678591398e+18}},
    {BinomialLoglog(), 0, 1, -600, {0, 0, 0, 0}},
    {BinomialLoglog(), 0, 1, -30.5, {0, 0, 0, 0}},
    {BinomialLoglog(), 0, 1, -1.25, {-0.03096491622357531, -0.10976889901732219, -0.28541141580760343, -0.3902997994625795}},
    {BinomialLoglog(), 0, 1, 0.5, {-0.7879837387044486, -0.7272049559653765, -0.24269419370320505, 0.18358798508596721}},
    {BinomialLoglog(), 0, 1, 4.75, {-4.75432272877726, -0.9956803900431487, -0.004313372327705597, 0.004300897116103838}},
    {BinomialLoglog(), 0, 1, 40, {-40.0, -1.0, -2.1241771276457944e-18, 2.1241771276457944e-18}},
    {BinomialLoglog(), 1, 1, -600, {-3.7730203009299397e+260, 3.7730203009299397e+260, -3.7730203009299397e+260, 3.7730203009299397e+260}},
    {BinomialLoglog(), 1, 1, -30.5, {-17619017951355.633, 17619017951355.633, -17619017951355.633, 17619017951355.633}},
    {BinomialLoglog(), 1, 1, -1.25, {-3.4903429574618414, 3.4903429574618414, -3.4903429574618414, 3.4903429574618414}},
    {BinomialLoglog(), 1, 1, 0.5, {-0.6065306597126334, 0.6065306597126334, -0.6065306597126334, 0.6065306597126334}},
    {BinomialLoglog(), 1, 1, 4.75, {-0.008651695203120634, 0.008651695203120634, -0.008651695203120634, 0.008651695203120634}},
    {BinomialLoglog(), 1, 1, 40, {-4.248354255291589e-18, 4.248354255291589e-18, -4.248354255291589e-18, 4.248354255291589e-18}},
    {BinomialLoglog(), 3, 10, -600, {-1.131906090278982e+261, 1.131906090278982e+261, -1.131906090278982e+261, 1.131906090278982e+261}},
    {BinomialLoglog(), 3, 10, -30.5, {-52857053854062.11, 52857053854066.89, -52857053854066.89, 52857053854066.89}},
    {BinomialLoglog(), 3, 10, -1.25, {-5.900291543168505, 9.702646579264268, -12.468908783038748, 7.738930276147467}},
    {BinomialLoglog(), 3, 10, 0.5, {-2.5479864072869947, -3.2708427126197352, -3.5184513350603357, 3.104707874739671}},
    {BinomialLoglog(), 3, 10, 4.75, {-28.51872244426814, -6.943807644692678, -0.05614869190330108, 0.05606136542208877}},
    {BinomialLoglog(), 3, 10, 40, {-275.21250825721796, -7.0, -2.761430265939533e-17, 2.761430265939533e-17}},
    {PoissonLog(), 0, 1, -600, {-2.6503965530043108e-261, -2.6503965530043108e-261, -2.6503965530043108e-261, -2.6503965530043108e-261}},
    {PoissonLog(), 0, 1, -30.5, {-5.675685232632723e-14, -5.675685232632723e-14, -5.675685232632723e-14, -5.675685232632723e-14}},
    {PoissonLog(), 0, 1, -1.25, {-0.2865047968601901, -0.2865047968601901, -0.2865047968601901, -0.2865047968601901}},
    {PoissonLog(), 0, 1, 0.5, {-1.6487212707001282, -1.6487212707001282, -1.6487212707001282, -1.6487212707001282}},
    {PoissonLog(), 0, 1, 4.75, {-115.58428452718766, -115.58428452718766, -115.58428452718766, -115.58428452718766}},
    {PoissonLog(), 0, 1, 40, {-2.3538526683702e+17, -2.3538526683702e+17, -2.3538526683702e+17, -2.3538526683702e+17}},
    {PoissonLog(), 4, 1, -600, {-2403.178053830348, 4.0, -2.6503965530043108e-261, -2.6503965530043108e-261}},
    {PoissonLog(), 4, 1, -30.5, {-125.178053830348, 3.999999999999943, -5.675685232632723e-14, -5.675685232632723e-14}},
    {PoissonLog(), 4, 1, -1.25, {-8.464558627208136, 3.71349520313981, -0.2865047968601901, -0.2865047968601901}},
    {PoissonLog(), 4, 1, 0.5, {-2.826775101048074, 2.351278729299872, -1.6487212707001282, -1.6487212707001282}},
    {PoissonLog(), 4, 1, 4.75, {-99.7623383575356, -111.58428452718766, -115.58428452718766, -115.58428452718766}},
    {PoissonLog(), 4, 1, 40, {-2.3538526683701984e+17, -2.3538526683701997e+17, -2.3538526683702e+17, -2.3538526683702e+17}},
    {NegativeBinomialLog(0.5), 0, 1, -600, {-2.6503965530043108e-261, -2.6503965530043108e-261, -2.6503965530043108e-261, -2.6503965530043108e-261}},
    {NegativeBinomialLog(0.5), 0, 1, -30.5, {-5.675685232632642e-14, -5.675685232632561e-14, -5.6756852326324e-14, -5.6756852326320784e-14}},
    {NegativeBinomialLog(0.5), 0, 1, -1.25, {-0.26775436291801036, -0.25060502584872435, -0.21920358635840445, -0.16427006593292343}},
    {NegativeBinomialLog(0.5), 0, 1, 0.5, {-1.2024591777153957, -0.9037255237552121, -0.4953656126118959, -0.04769106490388878}},
    {NegativeBinomialLog(0.5), 0, 1, 4.75, {-8.148016422003478, -1.9659818485430753, -0.033439534142651585, 0.03230198300553786}},
    {NegativeBinomialLog(0.5), 0, 1, 40, {-78.6137056388801, -2.0, -1.6993417021166355e-17, 1.6993417021166355e-17}},
    {NegativeBinomialLog(0.5), 4, 1, -600, {-2401.1631508098058, 4.0, -7.951189659012933e-261, -7.951189659012933e-261}},
    {NegativeBinomialLog(0.5), 4, 1, -30.5, {-123.16315080980586, 3.99999999999983, -1.70270556978972e-13, -1.7027055697896234e-13}},
    {NegativeBinomialLog(0.5), 4, 1, -1.25, {-6.966413898559712, 3.248184922453827, -0.6576107590752134, -0.4928101977987703}},
    {NegativeBinomialLog(0.5), 4, 1, 0.5, {-2.770528342951868, 1.2888234287343638, -1.4860968378356876, -0.14307319471166635}},
    {NegativeBinomialLog(0.5), 4, 1, 4.75, {-6.607200075816112, -1.8979455456292258, -0.10031860242795476, 0.09690594901661358}},
    {NegativeBinomialLog(0.5), 4, 1, 40, {-77.004267726446, -2.0, -5.0980251063499066e-17, 5.0980251063499066e-17}},
    {ExponentialLog(), 0, 1, -600, {600.0, -1.0, 0, 0}},
    {ExponentialLog(), 0, 1, -30.5, {30.5, -1.0, 0, 0}},
    {ExponentialLog(), 0, 1, -1.25, {1.25, -1.0, 0, 0}},
    {ExponentialLog(), 0, 1, 0.5, {-0.5, -1.0, 0, 0}},
    {ExponentialLog(), 0, 1, 4.75, {-4.75, -1.0, 0, 0}},
    {ExponentialLog(), 0, 1, 40, {-40.0, -1.0, 0, 0}},
    {ExponentialLog(), 4, 1, -600, {-1.5092081203719759e+261, 1.5092081203719759e+261, -1.5092081203719759e+261, 1.5092081203719759e+261}},
    {ExponentialLog(), 4, 1, -30.5, {-70476071805392.03, 70476071805421.53, -70476071805422.53, 70476071805422.53}},
    {ExponentialLog(), 4, 1, -1.25, {-12.711371829847366, 12.961371829847366, -13.961371829847366, 13.961371829847366}},
    {ExponentialLog(), 4, 1, 0.5, {-2.9261226388505337, 1.4261226388505337, -2.4261226388505337, 2.4261226388505337}},
    {ExponentialLog(), 4, 1, 4.75, {-4.784606780812482, -0.9653932191875174, -0.034606780812482536, 0.034606780812482536}},
    {ExponentialLog(), 4, 1, 40, {-40.0, -1.0, -1.6993417021166355e-17, 1.6993417021166355e-17}},
  };
  return table;
}
// clang-format on

}  // namespace

TEST_CASE("kernels against 50-digit values", "[kernels]") {
  for (const Case& c : cases()) {
    INFO(family_name(c.family) << " " << link_name(c.family) << ", y = " << c.y
                               << ", eta = " << c.eta);
    const RowDerivatives got = evaluate(c.family, c.eta, c.y, c.trials, 1.0);
    // Both outcomes together may cancel: then the terms, at most 10 each here, set the scale.
    const bool two_terms = c.y > 0.0 && c.y != c.trials;
    const double scale = two_terms ? 10.0 : 0.0;
    check_close(got.value, c.exact.value, scale);
    check_close(got.d1, c.exact.d1, scale);
    check_close(got.d2, c.exact.d2, 0.0);
    check_close(got.d3, c.exact.d3, scale);
  }
}

TEST_CASE("weights multiply a row", "[kernels]") {
  for (const Family& family : all_families()) {
    const RowDerivatives once = evaluate(family, 0.7, 1.0, 3.0, 1.0);
    const RowDerivatives five = evaluate(family, 0.7, 1.0, 3.0, 5.0);
    CHECK(five.value == Approx(5.0 * once.value).epsilon(1e-13));
    CHECK(five.d1 == Approx(5.0 * once.d1).epsilon(1e-13));
    CHECK(five.d2 == Approx(5.0 * once.d2).epsilon(1e-13));
    CHECK(five.d3 == Approx(5.0 * once.d3).epsilon(1e-13).margin(1e-14));
  }
}

TEST_CASE("kernels are finite and concave for every finite predictor", "[kernels]") {
  const double huge = std::numeric_limits<double>::max();
  std::vector<double> predictors = {0.0, -0.0, 1e-300, 1e4, 1e16, 1e70, 1e100, 1e200, huge};
  for (int i = 1; i < 1200; ++i) predictors.push_back(0.7 * i);
  for (const Family& family : all_families()) {
    for (const double size : predictors) {
      for (const double eta : {size, -size}) {
        for (const double y : {0.0, 1.0, 3.0}) {
          const RowDerivatives row = evaluate(family, eta, y, 3.0, 1e6);
          const bool finite = std::isfinite(row.value) && std::isfinite(row.d1) &&
                              std::isfinite(row.d2) && std::isfinite(row.d3);
          INFO(family_name(family) << " " << link_name(family) << " at " << eta << ", y = " << y);
          CHECK((finite && row.d2 <= 0.0));
        }
      }
    }
  }
}

TEST_CASE("a predictor that is not a number shows", "[kernels]") {
  for (const Family& family : all_families()) {
    const RowDerivatives row =
        evaluate(family, std::numeric_limits<double>::quiet_NaN(), 1.0, 1.0, 1.0);
    CHECK(std::isnan(row.value));
    CHECK(std::isnan(row.d1));
    CHECK(std::isnan(row.d2));
    CHECK(std::isnan(row.d3));
  }
}

TEST_CASE("binomial links mirror", "[kernels]") {
  // Successes at eta are failures at -eta: of the same link if symmetric, else of its mirror.
  const std::vector<std::pair<Family, Family>> pairs = {{BinomialLogit(), BinomialLogit()},
                                                        {BinomialProbit(), BinomialProbit()},
                                                        {BinomialCloglog(), BinomialLoglog()}};
  for (const auto& [link, mirror] : pairs) {
    for (double eta = -9.0; eta < 9.5; eta += 0.5) {
      const RowDerivatives left = evaluate(link, eta, 2.0, 7.0, 1.0);
      const RowDerivatives right = evaluate(mirror, -eta, 5.0, 7.0, 1.0);
      CHECK(left.value == Approx(right.value).epsilon(1e-14));
      CHECK(left.d1 == Approx(-right.d1).epsilon(1e-14));
      CHECK(left.d2 == Approx(right.d2).epsilon(1e-14));
      CHECK(left.d3 == Approx(-right.d3).epsilon(1e-13).margin(1e-14));
    }
  }
}

TEST_CASE("starting predictors are finite and near the row's maximum", "[kernels]") {
  for (const Family& family : all_families()) {
    for (const double y : {0.0, 1.0, 40.0, 100.0}) {
      for (const double weight : {0.0, 1.0, 3.0}) {
        const double start = std::visit(
            [&](const auto& kernel) {
              const RowCode row = kernel.encode(y, 100.0, weight);
              return kernel.initial_eta(row.a, row.b);
            },
            family);
        CHECK(std::isfinite(start));
        if (weight > 0.0 && y == 40.0) {
          const double mean =
              std::visit([&](const auto& kernel) { return kernel.mean(start); }, family);
          const bool binomial = family_name(family) == "binomial";
          CHECK(mean == Approx(binomial ? 0.4 : 40.0).epsilon(0.02));
        }
      }
    }
  }
}
