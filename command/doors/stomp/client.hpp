// The connection of one STOMP client: its session (lib/stomp/session.hpp) on a socket. It decides
// nothing; the door carries out the effects of the session.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "lib/stomp/session.hpp"
#include "peer/io/descriptor.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/time.hpp"

namespace tidegate::stomp_door {

class Client {
 public:
  // `ready` is called when the socket is; then read() and write(). Begins with write(). `before`
  // is called each time before something of the session's output() leaves.
  Client(io::Descriptor socket, std::string who, stomp::SessionOptions options,
         io::Reactor& reactor, std::function<void()> ready, std::function<void()> before,
         Instant now);

  // Takes one portion of what the client has sent, if the session wants it and nothing waits.
  // False: there was none.
  bool read(Instant now);
  // Writes what the socket takes, and waits for the rest from now on.
  void write(Instant now);

  // The connection can be forgotten: nothing is to be read, written or published any more.
  [[nodiscard]] bool gone(Instant now) const;
  [[nodiscard]] Instant deadline() const;

  [[nodiscard]] const std::string& who() const { return who_; }  // for people

  stomp::Session session;
  // That the peer has no room for yet. Meanwhile nothing is read.
  std::deque<stomp::PublishEffect> waiting;

 private:
  [[nodiscard]] bool reads() const;
  void write_some(Instant now);

  io::Reactor& reactor_;
  std::function<void()> ready_;
  std::function<void()> before_;
  io::Descriptor socket_;
  std::string who_;
  io::Reactor::Watch watch_;
  bool input_over_ = false;
  bool deaf_ = false;  // it takes nothing any more
  Instant lingers_until_ = never;
};

}  // namespace tidegate::stomp_door
