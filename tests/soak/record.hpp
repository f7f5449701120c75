// The events that a peer's process writes down to be judged: one line of text for each.
//
// A line is written before what it tells can be seen by others (an announcement before it is
// published, a delivery before the next one is taken), so the record of a killed process lacks
// nothing but what nobody could have seen.
//
// Instants are of CLOCK_MONOTONIC, which all processes of a host share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "tidegate/origin.hpp"
#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate::soak {

// "0123...:1732435200000000", a word.
[[nodiscard]] std::string origin_word(const Origin& origin);

// The name of the row that a message without a row carries.
inline constexpr auto* no_row = "-";

// The life began: its peer has started.
struct Began {
  std::string origin;
};

// publish() is about to be called. Numbers count from 1 in each life, and a message carries its
// own.
struct Announcing {
  std::uint64_t number = 0;
  std::string way;           // how its row was committed and tagged
  std::string row = no_row;  // that a receiver must be able to read
};

// The answer of publish(). A message that was not `accepted` has no further fate.
struct Answered {
  std::uint64_t number = 0;
  bool accepted = false;
  // The peer knew another primary, or another life of it, than the one that had committed: then
  // AfterCommit promises nothing.
  bool straddled = false;
  std::string answer = "accepted";
};

// It came back as Unpublished.
struct Withdrawn {
  std::uint64_t number = 0;
};

struct Met {
  std::string origin;
};

struct Parted {
  std::string origin;
  std::string why;
};

// How the look for the row went that a delivery announces.
enum class Look : std::uint8_t {
  nothing,  // there was no row to look for
  seen,
  absent,    // the server answered, and has no such row
  unjudged,  // it did not answer, or is not the one that the peer reads
};

struct Delivered {
  std::string origin;
  std::uint64_t sequence = 0;
  std::uint64_t number = 0;
  std::uint32_t timeline = 0;  // of its position; 0: it has none
  std::uint64_t lsn = 0;
  Look look = Look::nothing;
  std::string row = no_row;
  std::string detail = no_row;  // for people, where it is absent or unjudged
};

// Reported as undelivered.
struct Reported {
  std::string origin;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::string why;
};

// Something a reader of the record may want to know.
struct Noted {
  std::string what;
};

// How the peer stands, about once a second and at its end.
struct Standing {
  std::uint64_t ready = 0;  // other peers
  std::uint64_t held = 0;
  std::uint64_t unsent = 0;
  std::uint64_t missing = 0;  // of all others' messages: not here yet, known to exist
  std::uint64_t last_sequence = 0;
  std::uint64_t memory_kib = 0;  // the most that was ever resident
  std::uint64_t recovered = 0;
  std::uint64_t requests = 0;
  std::uint64_t resent = 0;
};

// The peer has left politely; nothing follows.
struct Ended {};

using Event = std::variant<Began, Announcing, Answered, Withdrawn, Met, Parted, Delivered, Reported,
                           Noted, Standing, Ended>;

struct Record {
  Instant at;
  Event event;
};

// With the newline.
[[nodiscard]] std::string to_line(const Record& record);
// Nothing when the line is no whole record.
[[nodiscard]] std::optional<Record> parse_record(std::string_view line);

}  // namespace tidegate::soak
