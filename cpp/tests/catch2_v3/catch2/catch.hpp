// The header name and namespace of Catch2 version 2, for tests that are built with version 3.
#pragma once

#include <catch2/catch_all.hpp>

using Catch::Approx;
