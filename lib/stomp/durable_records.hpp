// The durable subscriptions of a peer as text, as it lies on disk: a snapshot of all, and behind it
// what has changed since, one record a line.
//
//     tidegate durable subscriptions 1
//     subscription 3 NAME DESTINATION
//     publisher 3 STREAM NAME              the subscription follows that stream
//     settled 3 STREAM 1 17                its messages 1 to 17 are acknowledged, or not for it
//     sent 3 STREAM 20                     up to there they were written to a client
//     forget 3 STREAM                      the stream has ended
//
// 3 is the number of the subscription in this file, and STREAM the publisher and its incarnation as
// in a message-id. A name at the end of a line is escaped. Each line begins with a checksum of the
// rest, so that what a crash has left of the last one is told from a record.
//
// A lost end of the file means that messages come again, and never that one is lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "lib/stomp/settled.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/result.hpp"

namespace tidegate::stomp {

struct DurableImage {
  struct Stream {
    std::string publisher;  // its name, as far as it is known
    Settled settled;
    std::uint64_t sent = 0;  // the highest sequence that was written to a client

    friend bool operator==(const Stream&, const Stream&) = default;
  };
  struct Subscription {
    std::string name;
    std::string destination;
    std::map<Origin, Stream> streams;

    friend bool operator==(const Subscription&, const Subscription&) = default;
  };
  std::map<std::uint64_t, Subscription> subscriptions;  // by number
  std::size_t torn = 0;                                 // bytes at the end that are no whole record

  friend bool operator==(const DurableImage&, const DurableImage&) = default;
};

// Nothing: printable ASCII without blanks, and not too long.
[[nodiscard]] std::optional<Error> wrong_durable_name(std::string_view name);

// An error says why it can't be understood. Empty text: there are none.
[[nodiscard]] Result<DurableImage> read_durable(std::string_view text);

// Appends a snapshot, or one record.
void write_durable(std::string& to, const DurableImage& image);
void write_publisher(std::string& to, std::uint64_t subscription, const Origin& stream,
                     std::string_view name);
void write_settled(std::string& to, std::uint64_t subscription, const Origin& stream,
                   Settled::Range range);
void write_sent(std::string& to, std::uint64_t subscription, const Origin& stream,
                std::uint64_t sequence);
void write_forget(std::string& to, std::uint64_t subscription, const Origin& stream);

}  // namespace tidegate::stomp
