// Quotas of control groups, read from directories that are made for it.

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <mixed_glm/parallel/thread_count.hpp>
#include <sstream>
#include <string>

namespace {

namespace fs = std::filesystem;

// A tree of control groups, removed at the end.
class CgroupTree {
 public:
  CgroupTree() : root_(fs::temp_directory_path() / ("mixed_glm_cgroup_" + unique())) {
    fs::create_directories(root_);
  }
  CgroupTree(const CgroupTree&) = delete;
  CgroupTree& operator=(const CgroupTree&) = delete;
  ~CgroupTree() { fs::remove_all(root_); }

  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text << '\n';
  }
  double quota(const std::string& groups) const {
    std::istringstream lines(groups);
    return mixed_glm::cpu_quota(lines, root_.string());
  }

 private:
  std::string unique() const { return std::to_string(reinterpret_cast<std::uintptr_t>(this)); }

  fs::path root_;
};

}  // namespace

TEST_CASE("the CPU quota of control groups, version 2") {
  const CgroupTree tree;
  CHECK(std::isinf(tree.quota("0::/\n")));
  CHECK(std::isinf(tree.quota("")));
  tree.write("cpu.max", "max 100000");
  CHECK(std::isinf(tree.quota("0::/\n")));
  tree.write("pod/task/cpu.max", "250000 100000");
  CHECK(tree.quota("0::/pod/task\n") == 2.5);
  CHECK(std::isinf(tree.quota("0::/pod\n")));
  tree.write("pod/cpu.max", "150000 100000");
  CHECK(tree.quota("0::/pod/task\n") == 1.5);  // that of the group above is less
  CHECK(tree.quota("0::/pod/task/no/such\n") == 1.5);
  tree.write("cpu.max", "50000 100000");  // a container's own group, known by its name outside
  CHECK(tree.quota("0::/docker/1234\n") == 0.5);
  CHECK(tree.quota("0::/../elsewhere\n") == 0.5);
}

TEST_CASE("the CPU quota of control groups, version 1") {
  const CgroupTree tree;
  const std::string groups = "9:memory:/pod\n4:cpu,cpuacct:/pod/task\n1:name=systemd:/x\n0::/\n";
  CHECK(std::isinf(tree.quota(groups)));
  tree.write("cpu,cpuacct/pod/task/cpu.cfs_quota_us", "-1");
  tree.write("cpu,cpuacct/pod/task/cpu.cfs_period_us", "100000");
  CHECK(std::isinf(tree.quota(groups)));
  tree.write("cpu,cpuacct/pod/task/cpu.cfs_quota_us", "320000");
  CHECK(tree.quota(groups) == 3.2);
  tree.write("cpu/cpu.cfs_quota_us", "25000");
  tree.write("cpu/cpu.cfs_period_us", "50000");
  CHECK(tree.quota(groups) == 0.5);
  CHECK(tree.quota("3:cpuacct:/\n2:cpu:/\n") == 0.5);
  CHECK(std::isinf(tree.quota("3:cpuacct,cpuset:/\n")));
}

TEST_CASE("files of control groups that make no sense are no limit") {
  const CgroupTree tree;
  for (const char* text : {"", "max", "0 100000", "100000", "100000 0", "-5 100000", "many few"}) {
    tree.write("cpu.max", text);
    CHECK(std::isinf(tree.quota("0::/\n")));
  }
  tree.write("cpu.max", "100000 100000");
  for (const char* lines : {"0::\n", "0::/", "x\n0::/\n", "\n0::/\n"})
    CHECK(tree.quota(lines) == 1);
}

TEST_CASE("threads are counted from the processors that there are") {
  const int all = mixed_glm::available_processors();
  CHECK(all >= 1);
  CHECK(all <= mixed_glm::visible_processors());
  CHECK(mixed_glm::thread_count(-1) == all);
  CHECK(mixed_glm::thread_count(-1000) == 1);
  CHECK(mixed_glm::thread_count(7) == 7);
}
