// The contract of docs/json.md and docs/json-documents.md, read from their tables.
#pragma once

#include <map>
#include <set>
#include <string>

#include "tidegate/position.hpp"

namespace tidegate::testing {

using Words = std::set<std::string>;

struct Member {
  Words types;   // "string", "integer", "null", "array of string", "position", "array of peer"
  Words values;  // of a string that is one of a few; empty: it may be any
  bool always = true;
};

using Shape = std::map<std::string, Member>;    // by the member's name
using Contract = std::map<std::string, Shape>;  // by the shape's name

// Each heading "### name" with the rows "| `member` | types | values | present |" behind it.
[[nodiscard]] Contract contract_of_repository();

[[nodiscard]] std::string joined(const Words& words);

// A place with all that one can have.
[[nodiscard]] Position a_place();

}  // namespace tidegate::testing
