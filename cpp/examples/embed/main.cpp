// Reads a csv with the columns successes and trials, and finds the log odds common to all rows by
// Newton's method on the kernel of the binomial family. Usage: embed FILE.csv

#include <Eigen/Core>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <mixed_glm/families/evaluate_rows.hpp>
#include <mixed_glm/families/family.hpp>
#include <mixed_glm/families/response.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Counts {
  Eigen::VectorXd successes, trials;
};

Counts read_counts(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  std::vector<double> successes, trials;
  std::string line;
  std::getline(file, line);  // the header
  while (std::getline(file, line)) {
    std::istringstream row(line);
    double y = 0, n = 0;
    char comma = 0;
    if (!(row >> y >> comma >> n) || comma != ',') throw std::runtime_error("bad row: " + line);
    successes.push_back(y);
    trials.push_back(n);
  }
  const auto as_vector = [](const std::vector<double>& v) {
    return Eigen::VectorXd(
        Eigen::Map<const Eigen::VectorXd>(v.data(), static_cast<Eigen::Index>(v.size())));
  };
  return {as_vector(successes), as_vector(trials)};
}

struct CommonLogOdds {
  double estimate, standard_error, log_likelihood;
};

CommonLogOdds fit_common_log_odds(const Counts& counts) {
  const mixed_glm::BinomialLogit kernel;
  const Eigen::Index n = counts.successes.size();
  const mixed_glm::Response response =
      mixed_glm::encode_response(kernel, counts.successes, counts.trials, Eigen::VectorXd::Ones(n));

  Eigen::VectorXd value(n), d1(n), d2(n);
  double eta = 0, step = 1;
  while (std::abs(step) > 1e-10) {
    const Eigen::VectorXd etas = Eigen::VectorXd::Constant(n, eta);
    mixed_glm::evaluate_rows<2>(kernel, n, etas.data(), response.a.data(), response.b.data(),
                                value.data(), d1.data(), d2.data(), nullptr);
    step = -d1.sum() / d2.sum();
    eta += step;
  }
  return {eta, 1 / std::sqrt(-d2.sum()), value.sum() + response.constant.sum()};
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) throw std::invalid_argument("usage: embed FILE.csv");
  const CommonLogOdds fit = fit_common_log_odds(read_counts(argv[1]));
  std::printf("log odds        %9.6f\n", fit.estimate);
  std::printf("standard error  %9.6f\n", fit.standard_error);
  std::printf("log likelihood  %9.6f\n", fit.log_likelihood);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "embed: %s\n", error.what());
  return 1;
}
