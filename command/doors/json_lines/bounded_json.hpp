// Reads JSON that somebody else has written, without letting the writer choose what it costs: a
// text that is deeper or has more values than its reader can want is refused at the first one too
// many, so it costs neither the memory nor the time of the rest.
//
// Rejected: to parse first and to look then. Six megabytes of "[" are 450 MB as a document, and an
// object of 100,000 members, each of which is looked for among those before, takes minutes.
#pragma once

#include <cstddef>
#include <string_view>

#include "command/doors/json_lines/json.hpp"
#include "tidegate/result.hpp"

namespace tidegate::json_lines {

struct JsonBounds {
  std::size_t depth = 8;      // of objects and arrays inside each other
  std::size_t values = 1024;  // in all, objects and arrays counted too
  std::size_t members = 256;  // of one object
};

// The error says what is wrong with the text and not where. Of members with the same name the last
// one counts. The length of the text is bounded by its reader.
[[nodiscard]] Result<Json> read_json(std::string_view text, const JsonBounds& bounds);

}  // namespace tidegate::json_lines
