// Which x86-64 instruction set levels this processor and operating system can run.
//
// The levels are those of the x86-64 psABI: v2 (SSE4.2), v3 (AVX2, FMA, BMI), v4 (AVX-512 F, BW,
// CD, DQ, VL). A level counts only if every one of its features is there *and* the operating system
// saves the registers it uses (XCR0): a processor with AVX2 under a hypervisor that masks FMA is
// v2. cpuid is asked directly, because the names that
// __builtin_cpu_supports knows differ from compiler to compiler.
#pragma once

#if defined(__x86_64__) || defined(_M_X64)
#define MIXED_GLM_X86_64 1
#if defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

#include <cstdint>

namespace mixed_glm_cpu {

#ifdef MIXED_GLM_X86_64

struct Registers {
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// All zero for a leaf that the processor does not have: no feature.
inline Registers cpuid(std::uint32_t leaf) {
  Registers r;
#if defined(_MSC_VER)
  int highest[4], out[4];
  __cpuid(highest, static_cast<int>(leaf & 0x80000000U));
  if (static_cast<std::uint32_t>(highest[0]) < leaf) return r;
  __cpuidex(out, static_cast<int>(leaf), 0);
  r = {static_cast<std::uint32_t>(out[0]), static_cast<std::uint32_t>(out[1]),
       static_cast<std::uint32_t>(out[2]), static_cast<std::uint32_t>(out[3])};
#else
  if (!__get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx)) return Registers{};
#endif
  return r;
}

// XCR0: the register state that the operating system saves. Only to be called where OSXSAVE is set.
inline std::uint64_t xcr0() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  std::uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
#endif
}

constexpr bool has_all(std::uint64_t value, std::uint64_t mask) { return (value & mask) == mask; }
constexpr std::uint32_t bit(int n) { return std::uint32_t{1} << n; }

// 1 to 4: the highest level that can run here.
inline int x86_64_level() {
  const Registers basic = cpuid(1), extended = cpuid(7), amd = cpuid(0x80000001U);

  // SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF/SAHF
  const bool v2 = has_all(basic.ecx, bit(0) | bit(9) | bit(13) | bit(19) | bit(20) | bit(23)) &&
                  has_all(amd.ecx, bit(0));
  if (!v2) return 1;

  // FMA, MOVBE, OSXSAVE, AVX, F16C; BMI1, AVX2, BMI2; LZCNT; XMM and YMM state
  const bool v3 = has_all(basic.ecx, bit(12) | bit(22) | bit(27) | bit(28) | bit(29)) &&
                  has_all(extended.ebx, bit(3) | bit(5) | bit(8)) && has_all(amd.ecx, bit(5)) &&
                  has_all(xcr0(), 0x06);
  if (!v3) return 2;

  // AVX-512 F, DQ, CD, BW, VL; opmask and ZMM state
  const bool v4 = has_all(extended.ebx, bit(16) | bit(17) | bit(28) | bit(30) | bit(31)) &&
                  has_all(xcr0(), 0xe6);
  return v4 ? 4 : 3;
}

#else

inline int x86_64_level() { return 0; }

#endif

}  // namespace mixed_glm_cpu
