# Installs the headers, a CMake package and a pkg-config file; the same layout below any prefix, be it /usr/local or the
# package directory inside a wheel:
#
#   include/mixed_glm  include/Eigen (if bundled)  share/cmake/mixed_glm  share/pkgconfig  share/licenses/mixed_glm

include(CMakePackageConfigHelpers)

install(DIRECTORY cpp/include/mixed_glm DESTINATION include COMPONENT headers FILES_MATCHING PATTERN "*.hpp")
install(FILES LICENSE DESTINATION share/licenses/mixed_glm COMPONENT headers)

if(MIXED_GLM_BUNDLE_EIGEN)
  get_target_property(eigen_include Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
  list(GET eigen_include 0 eigen_include)
  string(REGEX REPLACE "^\\$<BUILD_INTERFACE:(.*)>$" "\\1" eigen_include "${eigen_include}")
  if(NOT EXISTS "${eigen_include}/Eigen/Core")
    message(FATAL_ERROR "mixed_glm: no Eigen/Core in '${eigen_include}', so the headers cannot be bundled")
  endif()
  install(DIRECTORY "${eigen_include}/Eigen" DESTINATION include COMPONENT headers
          PATTERN "CMakeLists.txt" EXCLUDE)
  install(DIRECTORY licenses/ DESTINATION share/licenses/mixed_glm COMPONENT headers)
  set(pkgconfig_requires "")
else()
  set(pkgconfig_requires "eigen3 >= 3.4")
endif()

# The targets are written by the template rather than by install(EXPORT), since the Eigen they stand on is chosen there.
configure_package_config_file(cmake/mixed_glmConfig.cmake.in mixed_glmConfig.cmake INSTALL_DESTINATION share/cmake/mixed_glm
                              NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(mixed_glmConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
configure_file(cmake/mixed_glm.pc.in mixed_glm.pc @ONLY)

install(FILES "${CMAKE_CURRENT_BINARY_DIR}/mixed_glmConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/mixed_glmConfigVersion.cmake"
        DESTINATION share/cmake/mixed_glm COMPONENT headers)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/mixed_glm.pc" DESTINATION share/pkgconfig COMPONENT headers)
