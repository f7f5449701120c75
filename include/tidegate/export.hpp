// Marks what leaves the shared library. All else is hidden, so that no name of ours can meet one of
// another library in the same process. peer/symbols.txt lists what leaves, a test compares.
//
// Every public header includes this one, and it first: so an older C++ is told in one line.
#pragma once

#if __cplusplus <= 201703L
#include "tidegate/needs C++20: compile with -std=c++20"
#endif

#define TIDEGATE_EXPORT __attribute__((visibility("default")))
