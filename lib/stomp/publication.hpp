// A SEND as tidegate understands it: the message, what it waits for, and the answer that is wanted.
//
//     depends: none|commit|read   none: it announces no change; commit (the default): one that was
//                                 committed before the frame was written; read: none, but it
//                                 follows from what was read of the database before
//     durable: true|false         with commit: that is known to be flushed
//     position: TOKEN             instead of depends: the position of the change, as a token
//                                 (tidegate/token.hpp) or in full (tidegate/position.hpp)
//     order: none                 with depends:none: it does not queue behind messages that wait
//     receipt-when: sent|received received: every peer that was ready has it; sent is the default
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/stomp/frame.hpp"
#include "tidegate/message.hpp"
#include "tidegate/position.hpp"
#include "tidegate/result.hpp"
#include "tidegate/topic.hpp"

namespace tidegate::stomp {

// The value of a header `position`, in either form.
[[nodiscard]] Result<Position> position_of(const std::string& header);

// The dependency that the headers of a SEND or a COMMIT state; nothing: they state none.
[[nodiscard]] Result<std::optional<Dependency>> dependency_of(const Frame& frame);

// Whether the receipt waits until it was received.
[[nodiscard]] Result<bool> wants_acknowledgement(const Frame& frame);

// Takes the message out of a SEND, with the headers that are the user's own. Without a word about
// its dependency it follows a commit.
[[nodiscard]] Result<Publication> take_publication(Frame& frame);

// A header of the protocol or of this door: it ends here, and is not the user's.
[[nodiscard]] bool is_reserved(std::string_view header_name);

}  // namespace tidegate::stomp
