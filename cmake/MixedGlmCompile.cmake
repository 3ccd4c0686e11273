# How our own binaries are compiled: optimization that keeps IEEE results (no -ffast-math), warnings, instruction sets.

include(CheckCXXCompilerFlag)
include(CheckCXXSourceCompiles)
include(CheckCXXSourceRuns)

# mixed_glm_flags: what every binary of this project is compiled with, but never the users of the headers.
add_library(mixed_glm_flags INTERFACE)
# Eigen's "fast" square root with AVX-512 is not correctly rounded.
target_compile_definitions(mixed_glm_flags INTERFACE EIGEN_FAST_MATH=0)
if(MSVC)
  target_compile_options(mixed_glm_flags INTERFACE /W4 /bigobj "$<$<BOOL:${MIXED_GLM_WERROR}>:/WX>")
else()
  # GCC before 13 takes the deliberately undefined registers inside its own AVX-512 intrinsics for uninitialized ones.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(mixed_glm_flags INTERFACE -Wno-maybe-uninitialized -Wno-uninitialized)
  endif()
  # Without errno and trapping semantics loops with sqrt, rounding and comparisons vectorize; values are not changed.
  target_compile_options(
    mixed_glm_flags
    INTERFACE -fno-math-errno -fno-trapping-math -Wall -Wextra -Wconversion -Wshadow
              "$<$<BOOL:${MIXED_GLM_WERROR}>:-Werror>")
endif()

# mixed_glm_isa_flags(<isa> <result>): compiler options of an instruction set; result is "unsupported" where the
# compiler has none.
function(mixed_glm_isa_flags isa result)
  set(flags "")
  if(NOT isa STREQUAL "portable")
    if(MSVC)
      set(msvc_v2 "") # the base of every 64-bit Windows build
      set(msvc_v3 /arch:AVX2)
      set(msvc_v4 /arch:AVX512)
      set(flags "${msvc_${isa}}")
    else()
      set(flags "-march=x86-64-${isa}")
      check_cxx_compiler_flag("${flags}" MIXED_GLM_COMPILES_${isa})
      if(NOT MIXED_GLM_COMPILES_${isa})
        set(flags "unsupported")
      endif()
    endif()
  endif()
  set(${result} "${flags}" PARENT_SCOPE)
endfunction()

# mixed_glm_runs_here(<isa> <result>): whether this machine runs that instruction set; also where it cannot be told.
function(mixed_glm_runs_here isa result)
  set(runs ON)
  if(NOT MSVC AND NOT CMAKE_CROSSCOMPILING)
    check_cxx_source_compiles("int main() { return __builtin_cpu_supports(\"x86-64-${isa}\"); }" MIXED_GLM_ASKS_${isa})
    if(MIXED_GLM_ASKS_${isa})
      check_cxx_source_runs("int main() { return !__builtin_cpu_supports(\"x86-64-${isa}\"); }" MIXED_GLM_RUNS_${isa})
      set(runs ${MIXED_GLM_RUNS_${isa}})
    endif()
  endif()
  set(${result} "${runs}" PARENT_SCOPE)
endfunction()

# mixed_glm_isa_list(<result>): the instruction sets to build, MIXED_GLM_ISA resolved and checked.
function(mixed_glm_isa_list result)
  set(known portable v2 v3 v4)
  set(wanted "${MIXED_GLM_ISA}")
  set(chosen OFF)
  if(wanted STREQUAL "auto" OR wanted STREQUAL "all")
    set(chosen ON)
    set(wanted portable)
    # A macOS build may be for another processor than the one it runs on, or for two at once: only the portable module.
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8 AND NOT APPLE)
      set(wanted v2 v3 v4)
      if(MIXED_GLM_ISA STREQUAL "auto") # the best of those that this machine runs and its compiler knows
        set(wanted v2)
        foreach(isa v3 v4)
          mixed_glm_isa_flags(${isa} flags)
          mixed_glm_runs_here(${isa} runs)
          if(runs AND NOT flags STREQUAL "unsupported")
            set(wanted ${isa})
          endif()
        endforeach()
      endif()
    endif()
  endif()
  set(list "")
  foreach(isa IN LISTS wanted)
    if(NOT isa IN_LIST known)
      message(FATAL_ERROR "MIXED_GLM_ISA: '${isa}' is not one of: auto all ${known}")
    endif()
    mixed_glm_isa_flags(${isa} flags)
    if(NOT flags STREQUAL "unsupported")
      list(APPEND list ${isa})
    elseif(NOT chosen)
      message(FATAL_ERROR "MIXED_GLM_ISA: this compiler cannot build for x86-64-${isa}")
    endif()
  endforeach()
  if(NOT list)
    set(list portable)
  endif()
  set(${result} "${list}" PARENT_SCOPE)
endfunction()
