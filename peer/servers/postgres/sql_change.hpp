// A change made in one transaction on the primary, with its position: what `tidegate pub --after`
// announces.
#pragma once

#include <string>

#include "tidegate/commit.hpp"
#include "tidegate/position.hpp"
#include "tidegate/result.hpp"

namespace tidegate::postgres {

// Connects, runs the statements between BEGIN and COMMIT, and returns the position of the commit.
// The statements may be several; they must not end the transaction. Blocks for as long as they
// take; connecting is bounded by connect_timeout (10 s unless the string says otherwise).
//
// No message shows a password.
[[nodiscard]] Result<Position, CommitError> commit_change(const std::string& connection_string,
                                                          const std::string& sql);

}  // namespace tidegate::postgres
