# Checks of the headers themselves: each compiles by itself, and none defines a function that is not inline.
set(include_dir "${PROJECT_SOURCE_DIR}/cpp/include")
file(GLOB_RECURSE headers RELATIVE "${include_dir}" CONFIGURE_DEPENDS "${include_dir}/*.hpp")

# Each by itself, included twice; nothing is generated, so that it costs parsing only, which clang does in half the time.
# Not part of a build: cmake --build ... --target headers_alone
if(NOT MSVC)
  foreach(header IN LISTS headers)
    string(MAKE_C_IDENTIFIER "${header}" name)
    set(source "${CMAKE_CURRENT_BINARY_DIR}/headers/${name}.cpp")
    file(CONFIGURE OUTPUT "${source}" CONTENT "#include <@header@>\n#include <@header@>\n" @ONLY)
    list(APPEND sources_alone "${source}")
  endforeach()
  add_library(headers_alone OBJECT EXCLUDE_FROM_ALL ${sources_alone})
  target_link_libraries(headers_alone PRIVATE mixed_glm::mixed_glm mixed_glm_flags)
  target_compile_options(headers_alone PRIVATE -fsyntax-only)
endif()

# All in one translation unit of a test: any function of ours that is not inline is then a strong symbol of its object.
set(all_headers "")
foreach(header IN LISTS headers)
  string(APPEND all_headers "#include <${header}>\n")
endforeach()
file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/all_headers.cpp" CONTENT "@all_headers@" @ONLY)
target_sources(test_methods PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/all_headers.cpp")
if(CMAKE_NM AND MIXED_GLM_UNITY)
  add_test(NAME "headers: all functions inline"
           COMMAND "${CMAKE_COMMAND}" "-DNM=${CMAKE_NM}" "-DOBJECTS=$<TARGET_OBJECTS:test_methods>" -P
                   "${CMAKE_CURRENT_SOURCE_DIR}/all_inline.cmake")
endif()
