// The sockets on which a door listens.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command/doors/stomp/address.hpp"
#include "peer/io/descriptor.hpp"
#include "peer/io/listener.hpp"
#include "tidegate/result.hpp"

namespace tidegate::stomp_door {

class Listening {
 public:
  Listening(io::UnixListener listener) : unix_(std::move(listener)), place_(unix_->path()) {}
  Listening(io::Descriptor socket, std::string place, bool tcp)
      : socket_(std::move(socket)), place_(std::move(place)), tcp_(tcp) {}

  // Readable while somebody waits to be accepted.
  [[nodiscard]] int descriptor() const { return unix_ ? unix_->descriptor() : socket_.get(); }
  [[nodiscard]] const std::string& place() const { return place_; }  // for people

  [[nodiscard]] bool tcp() const { return tcp_; }

  // The next one who waits, not blocking; empty when there is none.
  [[nodiscard]] io::Descriptor accept() const;

 private:
  std::optional<io::UnixListener> unix_;
  io::Descriptor socket_;
  std::string place_;
  bool tcp_ = false;
};

// Others that may connect to a Unix socket, as for the status socket.
struct Sharing {
  std::string group;
  std::string mode;
};

// One for each address; several for the sockets of systemd. An error names the address.
[[nodiscard]] Result<std::vector<Listening>> listen_at(const Address& address,
                                                       const Sharing& sharing,
                                                       const Protection& protection);

// The client at the other end, for people.
[[nodiscard]] std::string client_of(const io::Descriptor& socket);

}  // namespace tidegate::stomp_door
