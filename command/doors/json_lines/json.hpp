// The JSON shapes of the `tidegate` command. Every line on standard output is one object with a
// "type"; a status document is one object without.
//
// A position: {"system":"7423456789012345678","timeline":1,"lsn":"0/3000060"}; the system
// identifier is a string, since it has 64 bits and JavaScript's numbers have 53.
// A payload is "payload" when it is UTF-8 text, otherwise "payload_base64". An origin is 32
// hexadecimal digits. Times end in _ms.
//
// Lines out:
//   {"type":"delivery","topic":["builds","42"],"payload":"...","origin":"...","incarnation":N,
//    "name":"master-1","sequence":7,"position":{...} or null,"held_ms":1.234}
//   {"type":"peer_ready","origin":"...","incarnation":N,"name":"..."}
//   {"type":"peer_gone",  the same, "why":"left|silent|replaced"}
//   {"type":"undelivered","origin":"...","incarnation":N,"name":"...","first":3,"last":9,
//    "why":"missing|orphaned|foreign|full","position":{...} or null}
//   {"type":"unpublished","topic":[...],"payload":"..."}
//   {"type":"server_up","system":"...","started":N,"in_recovery":true,"description":"...",
//    "degraded":""}                                   or which guarantee is missing, and the cure
//   {"type":"server_down","reason":"..."}
//   {"type":"primary_up","system":"...","started":N,"description":"..."}
//   {"type":"primary_down","reason":"..."}
//   {"type":"warning","text":"..."}
//   {"type":"error","line":3,"message":"..."}           line 3 of standard input was not published
//
// Lines in, each a message to publish:
//   {"topic":["builds","42","new"] or "builds/42/new",
//    "payload":"text" or "payload_base64":"...",        neither: an empty payload
//    "tag": absent, null or "none":                     announces no change
//           "after_commit" | "after_durable_commit":    see AfterCommit in lib/message.hpp
//           {"system":"...","timeline":1,"lsn":"0/3000060"}}
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "tidegate/message.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/result.hpp"
#include "tidegate/status.hpp"

namespace tidegate::json_lines {

// Keeps the members in the order in which they were written, so that "type" comes first.
using Json = nlohmann::ordered_json;

[[nodiscard]] Json to_json(const Position& position);
[[nodiscard]] Json to_json(const Delivery& delivery);
[[nodiscard]] Json to_json(const Notice& notice);
[[nodiscard]] Json to_json(const Status& status);
[[nodiscard]] Json to_json(const PeerStatus& peer);

// Without a line break. Text of others that is not UTF-8 never makes it fail.
[[nodiscard]] std::string to_text(const Json& json);

// Reads what to_json(Status) wrote. What is missing has its default and what is unknown is ignored,
// so that a command and a peer of different versions understand each other.
[[nodiscard]] Result<Status> parse_status(std::string_view text);

struct Publication {
  Topic topic;
  std::string payload;
  Dependency dependency;
};

// Reads one line in. Any text is allowed; whatever is wrong with it is the error.
[[nodiscard]] Result<Publication> parse_publication(std::string_view line);

}  // namespace tidegate::json_lines
