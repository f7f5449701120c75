// A publisher's socket at one of its own addresses: sends to many readers in one system call, and
// takes their acknowledgements (sending.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <sys/socket.h>

#include "peer/carriers/datagrams/datagram_bytes.hpp"
#include "peer/carriers/datagrams/intake.hpp"
#include "peer/carriers/datagrams/sending.hpp"

namespace tidegate::datagrams {

class Outlet final : public End {
 public:
  Outlet(Sending& sending, Intake& intake, io::Descriptor socket, const Address& own);

  Arrival take(std::span<std::uint8_t> datagram, const Address& from) override;
  void look_at_errors() override { (void)take_errors(nullptr); }

  [[nodiscard]] const Address& own() const { return own_; }

  // Part of what goes out with the next flush(); the path stays until then.
  void add(Path& path, const FrameHead& head);
  // Sends to all that were added: of their heads so much, then the body. No copy of it is made.
  void flush(std::size_t head_size, std::span<const std::uint8_t> body);

 private:
  void send_all();
  [[nodiscard]] bool skips(std::size_t at, int tries);
  bool take_errors(const Path* asked);

  Sending& sending_;
  Address own_;
  Intake::Inlet inlet_;
  // Of one flush; they stay as large as they have been.
  std::vector<Path*> targets_;
  std::vector<FrameHead> heads_;
  std::vector<iovec> parts_;
  std::vector<mmsghdr> messages_;
};

}  // namespace tidegate::datagrams
