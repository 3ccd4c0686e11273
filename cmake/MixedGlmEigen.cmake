# Finds Eigen >= 3.4 (Eigen 5 included) and the threads library.
#
# Order: what the user points CMake at (Eigen3_DIR, Eigen3_ROOT, CMAKE_PREFIX_PATH), then the cmeel-eigen wheel of the
# Python that drives the build, then the system. The version is checked after the look-up, since Eigen's own version
# file refuses a request for "3.4" when it is 5.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

# The prefix inside the cmeel-eigen wheel, as Python knows it; empty without the wheel.
function(mixed_glm_cmeel_prefix result)
  set(${result} "" PARENT_SCOPE)
  find_package(Python QUIET COMPONENTS Interpreter)
  if(Python_EXECUTABLE)
    execute_process(
      COMMAND "${Python_EXECUTABLE}" -c
              "import importlib.metadata as m; print(m.distribution('cmeel-eigen').locate_file('cmeel.prefix'))"
      OUTPUT_VARIABLE prefix OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
    if(status EQUAL 0 AND IS_DIRECTORY "${prefix}")
      file(TO_CMAKE_PATH "${prefix}" prefix)
      set(${result} "${prefix}" PARENT_SCOPE)
    endif()
  endif()
endfunction()

if(NOT TARGET Eigen3::Eigen)
  mixed_glm_cmeel_prefix(mixed_glm_cmeel)
  find_package(Eigen3 CONFIG QUIET GLOBAL PATHS "${mixed_glm_cmeel}" NO_SYSTEM_ENVIRONMENT_PATH NO_CMAKE_SYSTEM_PATH)
  if(NOT Eigen3_FOUND)
    find_package(Eigen3 CONFIG QUIET GLOBAL)
  endif()
  if(NOT Eigen3_FOUND)
    message(FATAL_ERROR "mixed_glm needs the headers of Eigen, 3.4 or newer: give their CMake package by -DEigen3_DIR=..., "
                        "or install them (pip install cmeel-eigen, apt-get install libeigen3-dev, brew install eigen)")
  endif()
  if(Eigen3_VERSION VERSION_LESS 3.4)
    message(FATAL_ERROR "mixed_glm needs Eigen 3.4 or newer, found ${Eigen3_VERSION} in ${Eigen3_DIR}")
  endif()
  message(STATUS "mixed_glm: Eigen ${Eigen3_VERSION} from ${Eigen3_DIR}")
endif()
