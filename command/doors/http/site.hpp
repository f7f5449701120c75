// Shared by the connections of the HTTP server, in the network thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "command/doors/http/admission.hpp"
#include "command/doors/http/event_streams.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/network_thread.hpp"
#include "command/doors/tls/terminator.hpp"
#include "lib/base/limits.hpp"
#include "peer/io/descriptor.hpp"

namespace tidegate::http_door {

// A WebSocket for clients of STOMP.
inline constexpr const char* stomp_path = "/stomp";

// Connections that have asked for nothing yet, and WebSockets: those that the door turns away, as
// it has its own bound, take a moment to end.
inline constexpr std::size_t most_unanswered = 64;
inline constexpr std::size_t most_websockets = 2 * base::limits::stomp_clients;

struct Site {
  doors::NetworkThread& thread;
  Admission admission;
  tls::Terminator* terminator = nullptr;  // for clients that do not come over loopback
  std::size_t message_bytes = 0;          // most of one message of a WebSocket
  std::string server;                     // "tidegate/0.1.0"

  // Asks the session; the answer is called in the network thread, soon, or never.
  using Answer = std::function<void(const json_lines::PeerReport&)>;
  std::function<void(Answer)> report;
  // A client of the STOMP door, by its end of a pair of sockets and its name for people.
  std::function<void(io::Descriptor, std::string who)> adopt;
  // Something that an operator should know; lines of one kind are collected.
  std::function<void(std::string kind, std::string text)> warn;

  std::shared_ptr<EventStreams> events;

  bool leaving = false;
  std::size_t websockets = 0;  // that are open
};

}  // namespace tidegate::http_door
