// The systems that can't take part, and what to install so that they can. Neither the other systems
// nor their client libraries are needed to build: a user compares with what interests them.
#pragma once

#include <string>

#include "bench/carrier.hpp"

namespace tidegate::bench {

// The path of a server's program; "" when there is none. Debian keeps them in /usr/sbin, which is
// not in everybody's PATH.
[[nodiscard]] std::string find_program(const std::string& name);

// The answer of Carrier::missing when it needs this program.
[[nodiscard]] std::string missing_program(const std::string& name, const std::string& package);

// A carrier that was built without its client library, which is in this package.
[[nodiscard]] Carrier without_library(std::string name, std::string title,
                                      const std::string& package);

// The path of the program tidegate: beside this one where both are installed, above it in the
// folders of a build, or found by PATH; "": none.
[[nodiscard]] std::string tidegate_program();

}  // namespace tidegate::bench
