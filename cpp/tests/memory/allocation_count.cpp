// operator new, counted and made to fail.

#include "allocation_count.hpp"

#if defined(__GNUC__) && !defined(__clang__)
// The operators below are replaced in pairs; GCC 12 sees through one and not the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

void* operator new(std::size_t size) {
  if (allocation_count::watching) {
    ++allocation_count::others;
    allocation_count::fail_in_turn();
  }
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
// Whoever calls this one can do without the memory.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
