// One descriptor for everything that may wake a loop: sockets, libpq connections and the time.
//
// An epoll set with a timer in it, so that the whole can hang in somebody else's event loop and
// deadlines are kept to the microsecond (epoll_wait and zmq_poll know milliseconds only).
//
// Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "peer/io/descriptor.hpp"
#include "peer/io/interest.hpp"
#include "tidegate/time.hpp"

namespace tidegate::io {

class EventSet {
 public:
  using Token =
      std::uint64_t;  // what a descriptor is about; the caller's choice, not 0 or the last

  EventSet();

  // Readable while wait() would answer at once.
  [[nodiscard]] int descriptor() const { return epoll_.get(); }

  // Ends the wait while the descriptor is readable. To be removed before it is closed.
  void add(int descriptor, Token token);
  void remove(int descriptor);

  // A libpq connection, which may be another socket after each call.
  struct Connection {
    explicit Connection(Token its_token) : token(its_token) {}
    Token token;
    Interest interest;
  };
  void follow(Connection& connection, const Interest& now);

  // Ends the wait at that time, or at once when it is over. Instant::min() is by far the cheapest
  // way to say at once.
  void wake_at(Instant deadline);

  // Waits for the timeout at most, negative: without end. The tokens of the descriptors that have
  // something; the time has none. Valid until the next call.
  const std::vector<Token>& wait(std::chrono::milliseconds timeout);

 private:
  Descriptor epoll_;
  Descriptor timer_;
  Descriptor bell_;  // for at once: to set a timer to what is over costs the kernel an interrupt
  Instant wake_at_ = never;
  bool rung_ = false;     // the timer has fired and stays readable until it is set again
  bool ringing_ = false;  // the bell is readable
  std::vector<Token> tokens_;
};

}  // namespace tidegate::io
