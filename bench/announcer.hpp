// Both sides of a way to announce rows by its name: of a source, which knows the database, or of a
// carrier of messages, which does not.
#pragma once

#include <memory>
#include <string>

#include "bench/sources/source.hpp"

namespace tidegate::bench {

[[nodiscard]] std::unique_ptr<Listener> listen(const std::string& announcer, const Places& places);

// For behind the COMMIT; "" announces nothing. Returns when the listener is there.
[[nodiscard]] std::unique_ptr<Sender> make_sender(const std::string& announcer,
                                                  const Places& places);

}  // namespace tidegate::bench
