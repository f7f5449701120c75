// The datagrams that have come to all sockets of a port, one at a time.
//
// A system call takes as many as the buffers here have room for, from one socket; then it is the
// next one's turn, so that a flood on one starves no other. One that gave less than there was room
// for is not asked again before the reactor says so: that would be a system call for nothing, on
// the way of every message.
//
// Threads: one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <sys/socket.h>

#include "peer/carriers/datagrams/address.hpp"
#include "peer/carriers/datagrams/arrival.hpp"
#include "peer/carriers/datagrams/datagram_bytes.hpp"
#include "peer/io/descriptor.hpp"
#include "peer/io/reactor.hpp"

namespace tidegate::datagrams {

// One end of paths: it knows what a datagram that came to its socket is worth.
class End {
 public:
  End() = default;
  End(const End&) = delete;
  End& operator=(const End&) = delete;
  virtual ~End() = default;

  // The bytes may be changed.
  virtual Arrival take(std::span<std::uint8_t> datagram, const Address& from) = 0;

  // The system has an error of this socket to tell.
  virtual void look_at_errors() = 0;
};

class Intake {
 public:
  Intake();
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;
  ~Intake() = default;

  void attach(io::Reactor& reactor) { reactor_ = &reactor; }

  // A socket whose datagrams go to `end`, as long as this lives. The intake outlives it.
  class Inlet {
   public:
    Inlet(Intake& intake, io::Descriptor socket, End& end);
    Inlet(const Inlet&) = delete;
    Inlet& operator=(const Inlet&) = delete;
    ~Inlet();

    [[nodiscard]] const io::Descriptor& socket() const { return socket_; }

   private:
    friend class Intake;
    Intake& intake_;
    io::Descriptor socket_;
    End& end_;
    bool marked_ = false;
    bool error_ = false;
    io::Reactor::Watch watch_;  // goes before the socket
  };

  // The next datagram, as its end takes it; nothing when there is no more.
  [[nodiscard]] std::optional<Arrival> take();

  // take() may have something that the reactor does not know of.
  [[nodiscard]] bool pending() const { return taken_ < filled_ || !marked_.empty(); }

 private:
  static constexpr std::size_t at_once = 16;

  void mark(Inlet& inlet);
  void forget(const Inlet& inlet);
  void fill();

  io::Reactor* reactor_ = nullptr;
  std::vector<Inlet*> marked_;  // in turns
  // The datagrams of one call, from `taken_` on.
  Inlet* source_ = nullptr;
  std::size_t taken_ = 0;
  std::size_t filled_ = 0;
  std::array<std::array<std::uint8_t, longest_datagram>, at_once> buffers_;
  std::array<iovec, at_once> parts_{};
  std::array<Address, at_once> from_{};
  std::array<mmsghdr, at_once> messages_{};
};

}  // namespace tidegate::datagrams
