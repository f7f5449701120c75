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
    position_far,      // a message waits for a place that no server comes near
    primary_down,      // the primary does not answer
    position_missing,  // the primary answers, yet a published message still waits for its position
    not_taking,        // the application takes no deliveries
    held_full,         // `held_bytes` wait: arrivals are refused, to be fetched again
    readers_slow,      // much was sent that some peer does not take
    peer_slow,         // one peer asks for missed messages again and again
    peer_silent,       // one peer was ready and is silent
    peer_unmet,        // one peer is known, but the way to it is blocked, or it refuses this one
    seed_unmet,        // nothing answers at a seed
    nobody_met,        // no other peer has been met, or all have fallen silent
    same_name,         // two peers of the mesh have one name
    foreign_cluster,   // messages arrive that announce changes of another cluster
    parted_history,    // announced changes are not on the history of the server that is read
    malformed,         // frames or datagrams arrive that can't be read
  };
  Kind kind = Kind::database_down;
  std::string about;  // the peer ("name (host:port)", or "host:port") or seed; empty: this one
  std::string text;   // a sentence for people, which says what to look at
  Duration lasted{};  // until now, or in all
  bool ended = false;
};

[[nodiscard]] TIDEGATE_EXPORT std::string_view to_string(Trouble::Kind kind);

}  // namespace tidegate
