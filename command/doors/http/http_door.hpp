// The HTTP server of a running peer: what administrators and their tools ask for (replies.hpp), and
// STOMP over WebSocket at /stomp. Its connections live in the network thread; this is the part of
// it in the thread of the session.
//
// The library is Boost.Beast, which Debian has: HTTP/1.1 and WebSocket as pieces on Asio, each
// bound and timeout in our hand, and TLS by the same pieces. libwebsockets wants to be the program,
// cpp-httplib has no WebSocket and a thread for each connection, uWebSockets is not packaged.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "command/doors/door.hpp"
#include "command/doors/http/address.hpp"
#include "command/doors/http/event_feed.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/network_thread.hpp"
#include "command/doors/tls/terminator.hpp"
#include "command/log.hpp"
#include "command/log_digest.hpp"
#include "peer/io/descriptor.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/result.hpp"

namespace tidegate::http_door {

class EventStreams;
struct Site;
class Listeners;

struct HttpOptions {
  std::vector<Address> addresses;
  std::vector<std::string> origins;  // of parse_origin()
  std::string token;                 // empty: none is asked for
  std::size_t payload_bytes = 0;
  // TLS for clients that do not come over loopback; nullptr: they speak in the clear. It outlives
  // the server.
  tls::Terminator* terminator = nullptr;
};

class HttpDoor final : public doors::Door {
 public:
  // A client of the STOMP door: its end of a pair of sockets, and its name for people.
  using Adopt = std::function<void(io::Descriptor, std::string who)>;

  // All that there is to say about the peer now.
  using Report = EventFeed::Report;

  // Listens. An error names the address that can't be used. All references outlive it.
  static Result<std::unique_ptr<HttpDoor>> open(const HttpOptions& options,
                                                doors::NetworkThread& thread, io::Reactor& reactor,
                                                const Adopt& adopt, const Report& report,
                                                spdlog::logger& log);
  ~HttpDoor() override;

  void handle(const Incoming& incoming) override { feed_.handle(incoming); }
  void peer_has_turned() override;
  void peer_leaves() override;

 private:
  HttpDoor(doors::NetworkThread& thread, io::Reactor& reactor, const Report& report,
           spdlog::logger& log);

  void tell(const std::string& kind, command::LogLevel level, const std::string& text);

  doors::NetworkThread& thread_;
  spdlog::logger& log_;
  command::LogDigest digest_;
  io::Reactor::Timer timer_;
  std::shared_ptr<EventStreams> streams_;
  EventFeed feed_;
  std::shared_ptr<Site> site_;
  std::shared_ptr<Listeners> listeners_;
};

}  // namespace tidegate::http_door
