// Dials TCP ports bare, many at once, and looks what each does: whether it takes connections, and
// whether what it says first is what a peer says. Nothing is sent, and every connection is closed
// at once.
//
// Threads: that of the reactor.
#pragma once

#include <functional>
#include <list>
#include <string_view>
#include <vector>

#include "lib/base/endpoint.hpp"
#include "peer/io/descriptor.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/survey.hpp"
#include "tidegate/time.hpp"

namespace tidegate::io {

class PortProbe {
 public:
  // Whether a peer's port begins so; told no more than 64 bytes.
  using Greeting = std::function<bool(std::string_view first)>;

  struct Tested {
    base::Endpoint endpoint;
    PortAnswer answer = PortAnswer::untested;
  };

  // Each is answered within `patience`.
  PortProbe(Reactor& reactor, Duration patience, Greeting greeting)
      : reactor_(reactor), patience_(patience), greeting_(std::move(greeting)) {}

  // The host is an address. A port of which the system can't ask, for want of descriptors, is
  // `untested`.
  void ask(const base::Endpoint& endpoint, Instant now);

  // When take() has something although the reactor is quiet.
  [[nodiscard]] Instant deadline() const;
  [[nodiscard]] std::vector<Tested> take(Instant now);

 private:
  struct Attempt {
    base::Endpoint endpoint;
    Instant until;
    Descriptor socket = {};
    Reactor::Watch watch = {};  // before the socket goes
    bool connected = false;
    bool done = false;
    PortAnswer answer = PortAnswer::untested;
  };

  void look(Attempt& attempt) const;
  static void finish(Attempt& attempt, PortAnswer answer);

  Reactor& reactor_;
  Duration patience_;
  Greeting greeting_;
  std::list<Attempt> attempts_;
};

}  // namespace tidegate::io
