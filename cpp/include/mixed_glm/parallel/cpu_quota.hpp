// The processors that Linux control groups grant a process, as a quota of time: 1.5 is 150 ms in
// each 100 ms. Containers are limited so, while their affinity mask has all processors.
//
//   version 1   cpu.cfs_quota_us (-1: no limit), cpu.cfs_period_us
//   version 2   cpu.max: "quota period" ("max": no limit)
//
// A limit of a group holds for all groups below it.
#pragma once

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

namespace mixed_glm {

constexpr double no_quota = std::numeric_limits<double>::infinity();

namespace detail {

// Of the group that has this directory.
inline double quota_of_group(const std::string& directory) {
  const auto ratio = [](std::istream& quota_file, std::istream& period_file) {
    long long quota = 0, period = 0;
    const bool limited = quota_file >> quota && period_file >> period && quota > 0 && period > 0;
    return limited ? double(quota) / double(period) : no_quota;
  };
  std::ifstream both(directory + "/cpu.max");
  std::ifstream quota(directory + "/cpu.cfs_quota_us"), period(directory + "/cpu.cfs_period_us");
  return std::min(ratio(both, both), ratio(quota, period));
}

// Of a group and of those above it, to the root of the hierarchy. A container often sees its own
// group there, and knows the group by the name that it has outside.
inline double quota_of_branch(const std::string& root, std::string group) {
  double least = quota_of_group(root);
  while (group.size() > 1) {
    least = std::min(least, quota_of_group(root + group));
    group.resize(std::min(group.rfind('/'), group.size() - 1));
  }
  return least;
}

}  // namespace detail

// groups: lines "number:controllers:group", as /proc/self/cgroup has them; version 2 names no
// controllers. root: where the hierarchies are mounted.
inline double cpu_quota(std::istream& groups, const std::string& root) {
  double least = no_quota;
  std::string number, controllers, group;
  while (std::getline(groups, number, ':') && std::getline(groups, controllers, ':') &&
         std::getline(groups, group)) {
    if (controllers.empty()) least = std::min(least, detail::quota_of_branch(root, group));
    std::istringstream names(controllers);
    for (std::string name; std::getline(names, name, ',');) {
      if (name != "cpu") continue;
      for (const std::string& mounted : {controllers, name}) {
        std::string branch = root;
        branch.append("/").append(mounted);
        least = std::min(least, detail::quota_of_branch(branch, group));
      }
    }
  }
  return least;
}

// Of this process; infinity where there is no limit, or no such system.
inline double cpu_quota() {
  std::ifstream groups("/proc/self/cgroup");
  return cpu_quota(groups, "/sys/fs/cgroup");
}

}  // namespace mixed_glm
