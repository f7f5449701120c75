// Marks what leaves the shared library. All else is hidden, so that no name of ours can meet one of
// another library in the same process. peer/symbols.txt lists what leaves, a test compares.
#pragma once

#define TIDEGATE_EXPORT __attribute__((visibility("default")))
