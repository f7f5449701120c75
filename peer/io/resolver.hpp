// Names of hosts turned into addresses, beside the thread that waits.
//
// getaddrinfo() blocks for as long as the name servers are silent, half a minute and more, and
// nothing can interrupt it. So each lookup has a thread of its own. After `patience` it counts as
// failed; the thread ends whenever getaddrinfo() lets it. The thread is detached and owns what it
// touches: neither the end of this object nor that of the process waits for it. A lookup that is
// under way is joined by the next question for the same name, and an answer that came too late
// serves that one, so a dead name server costs one thread for each name.
//
// A library that does its own DNS (c-ares) was rejected: it reads neither nsswitch.conf nor the
// hosts that libpq and the application see.
//
// Threads: all calls from one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tidegate/time.hpp"

namespace tidegate::io {

// An IPv4 or IPv6 address as text, perhaps with a scope: nothing has to be looked up.
[[nodiscard]] bool is_address(const std::string& host);

class Resolver {
 public:
  struct Answer {
    std::string name;
    std::vector<std::string> addresses;  // of both families, in the system's order, each once
    std::string trouble;                 // why there is none; one line
  };

  // Blocks; called in a thread of its own.
  using Lookup = std::function<Answer(const std::string& name)>;
  [[nodiscard]] static Answer look_up(const std::string& name);  // as the system is configured

  explicit Resolver(Duration patience, Lookup lookup = look_up);
  Resolver(Resolver&&) noexcept = default;
  Resolver& operator=(Resolver&&) = delete;
  ~Resolver();

  // Every question is answered once, within `patience`; a second one for the same name joins it.
  void ask(const std::string& name, Instant now);
  void forget();  // no answer is wanted any more

  // Readable when take() has something to do; never while nothing is wanted. Lives as long as this.
  [[nodiscard]] int descriptor() const;
  // When take() must be called even if the descriptor stays quiet.
  [[nodiscard]] Instant deadline() const;
  [[nodiscard]] std::vector<Answer> take(Instant now);

 private:
  struct State;
  void start_lookups();

  std::shared_ptr<State> state_;
  Duration patience_;
};

}  // namespace tidegate::io
