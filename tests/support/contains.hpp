// Whether a text has a part; if not, the test shows the text.
#pragma once

#include <string>

#include <doctest/doctest.h>

namespace tidegate::testing {

inline bool contains(const std::string& text, const std::string& part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("'" << part << "' is not in: " << text);
  return found;
}

}  // namespace tidegate::testing
