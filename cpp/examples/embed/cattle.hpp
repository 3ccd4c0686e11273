// The table of the example: cases of a disease among the cattle of a herd, in four periods.
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

struct Cattle {
  std::vector<double> cases, size;
  std::vector<int> period;         // 1 .. 4
  std::vector<std::int32_t> herd;  // 0 .. herds - 1
  int herds = 0;
};

inline Cattle read_cattle(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  Cattle cattle;
  std::string line;
  std::getline(file, line);
  if (line != "incidence,period,herd,size") throw std::runtime_error("unknown columns: " + line);
  while (std::getline(file, line)) {
    std::istringstream row(line);
    double cases = 0, size = 0;
    int period = 0, herd = 0;
    char comma = 0;
    if (!(row >> cases >> comma >> period >> comma >> herd >> comma >> size)) {
      throw std::runtime_error("bad row: " + line);
    }
    cattle.cases.push_back(cases);
    cattle.period.push_back(period);
    cattle.herd.push_back(herd - 1);
    cattle.size.push_back(size);
    cattle.herds = std::max(cattle.herds, herd);
  }
  return cattle;
}
