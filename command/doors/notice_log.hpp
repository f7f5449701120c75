// The smallest door: an operator, who reads the notices on standard error (log.hpp), a flood of
// like ones as one line (log_digest.hpp). It takes everything at once and is never full.
//
// Troubles of a peer are also seen where a full door keeps its notices from being taken: so they
// are read from its status, and not from the notices.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "command/doors/door.hpp"
#include "command/log.hpp"
#include "command/log_digest.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/peer.hpp"
#include "tidegate/time.hpp"
#include "tidegate/trouble.hpp"

namespace tidegate::doors {

class NoticeLog final : public Door {
 public:
  NoticeLog(spdlog::logger& log, io::Reactor& reactor, DrivenPeer& peer);
  ~NoticeLog() override;

  void handle(const Incoming& incoming) override;
  void peer_has_turned() override;
  void peer_leaves() override;

 private:
  void add(const Notice& notice);
  void write_due();
  void follow_level();
  void look_for_trouble(Instant now);

  spdlog::logger& log_;
  DrivenPeer& peer_;
  io::Reactor::Timer timer_;
  command::LogDigest digest_;
  std::map<std::pair<Trouble::Kind, std::string>, Trouble> troubles_;
  Instant look_at_ = Instant::min();
  bool traced_ = false;  // the peer tells each frame and decision
  bool leaving_ = false;
};

}  // namespace tidegate::doors
