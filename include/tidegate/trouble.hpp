// Something that keeps a peer or a gate from doing its work, while it lasts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tidegate/export.hpp"
#include "tidegate/time.hpp"

namespace tidegate {

// Told once when it begins and once when it has ended.
struct Trouble {
  enum class Kind : std::uint8_t {
    database_down,     // the server that is read does not answer
    replay_still,      // messages wait, and that server replays nothing
    replay_behind,     // it replays, but a message has waited for long
    primary_down,      // the primary does not answer
    position_missing,  // the primary answers, yet a published message still waits for its position
    not_taking,        // the application takes no deliveries
    held_full,         // `held_bytes` wait: arrivals are refused, to be fetched again
    readers_slow,      // much was sent that some peer does not take
    peer_slow,         // one peer asks for missed messages again and again
    peer_silent,       // one peer was ready and is silent
    same_name,         // two peers of the mesh have one name
    malformed,         // frames or datagrams arrive that can't be read
  };
  Kind kind = Kind::database_down;
  std::string about;  // the peer, as "name (host:port)"; empty: this one, or its servers
  std::string text;   // a sentence for people, which says what to look at
  Duration lasted{};  // until now, or in all
  bool ended = false;
};

[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(Trouble::Kind kind);

}  // namespace tidegate
