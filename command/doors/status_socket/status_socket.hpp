// How `tidegate status` reaches a running peer: a Unix socket for each peer of this host. A
// client that connects gets one JSON document (to_json(Status)) and the end of the stream; nothing
// is read.
// Where the sockets are is in places.hpp.
//
// A client that doesn't read costs the peer a bounded buffer and never waits: what does not fit the
// socket is kept and written later, and of too many such clients the oldest is dropped.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "command/doors/door.hpp"
#include "peer/io/descriptor.hpp"
#include "peer/io/listener.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace tidegate::status_socket {

class StatusSocket final : public doors::Door {
 public:
  using Document = std::function<std::string()>;

  // Listens. An error when another peer answers there, or no socket can be at that path.
  static Result<std::unique_ptr<StatusSocket>> open(const std::string& path, io::Reactor& reactor,
                                                    Document document);

  void handle(const Incoming&) override {}

  [[nodiscard]] const std::string& path() const { return listener_.path(); }
  [[nodiscard]] std::size_t unfinished() const { return clients_.size(); }

 private:
  struct Client {
    io::Descriptor socket;
    std::string rest;
    io::Reactor::Watch watch;
  };
  using Clients = std::list<Client>;

  StatusSocket(io::UnixListener listener, io::Reactor& reactor, Document document);

  void accept_clients();
  void serve(Clients::iterator client);

  io::Reactor& reactor_;
  Document document_;
  io::UnixListener listener_;
  io::Reactor::Watch watch_;
  Clients clients_;  // that have not read everything yet, the oldest first
};

// Nobody listens: the peer is dead, and its file, if there was one, has been removed.
struct NobodyThere {};

using Status = std::variant<std::string, NobodyThere>;

// Connects and reads to the end, no longer than until then, in somebody's reactor, whose wait ends
// when there may be an answer.
class StatusReading {
 public:
  StatusReading(io::Reactor& reactor, std::string path, Instant until);
  StatusReading(const StatusReading&) = delete;
  StatusReading& operator=(const StatusReading&) = delete;

  // nullopt: not yet.
  [[nodiscard]] const std::optional<Result<Status>>& answer();

 private:
  [[nodiscard]] Error fail(const std::string& why) const;
  void read();

  std::string path_;
  Instant until_;
  io::Descriptor socket_;
  std::string text_;
  std::optional<Result<Status>> answer_;
  io::Reactor::Timer timer_;
  io::Reactor::Watch watch_;
};

// The same, and blocks.
[[nodiscard]] Result<Status> read_status(const std::string& path, Duration timeout);

// Writes as much of an answer as the socket takes, and takes it off; false when the client is done
// with, finished or gone.
[[nodiscard]] bool write_some(const io::Descriptor& socket, std::string& rest);

}  // namespace tidegate::status_socket
