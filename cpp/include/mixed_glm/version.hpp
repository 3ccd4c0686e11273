// The version of the library, written here and nowhere else: CMake and the Python build both read
// this file.
#pragma once

#define MIXED_GLM_VERSION_MAJOR 0
#define MIXED_GLM_VERSION_MINOR 1
#define MIXED_GLM_VERSION_PATCH 0

#define MIXED_GLM_STRINGIZE_(x) #x
#define MIXED_GLM_STRINGIZE(x) MIXED_GLM_STRINGIZE_(x)

// "major.minor.patch"
#define MIXED_GLM_VERSION                      \
  MIXED_GLM_STRINGIZE(MIXED_GLM_VERSION_MAJOR) \
  "." MIXED_GLM_STRINGIZE(MIXED_GLM_VERSION_MINOR) "." MIXED_GLM_STRINGIZE(MIXED_GLM_VERSION_PATCH)
