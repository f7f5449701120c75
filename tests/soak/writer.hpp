// The writing half of a member: commits rows on whichever server is the primary and announces each,
// in all the ways that the library offers; and sends messages without a row of their own, which
// carry the last row that this member was told of.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "lib/base/random.hpp"
#include "support/session.hpp"
#include "tests/soak/any_peer.hpp"
#include "tests/soak/journal.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/time.hpp"

namespace tidegate::soak {

class Writer {
 public:
  // `primary` names all servers; `prefix` is what no other life calls its rows. `drain` takes in
  // all that the peer has for this member.
  Writer(AnyPeer& peer, Journal& journal, std::string primary, std::string prefix,
         base::Random random, std::function<void()> drain);

  // When write() is due; never once told to stop.
  [[nodiscard]] Instant due() const { return due_; }
  void write(Instant now);
  void stop() { due_ = never; }

  // The peer's notices about the primary and about rows that it was told of.
  void primary_up(const ServerIncarnation& incarnation);
  void row_seen(const std::string& row) { last_seen_ = row; }

 private:
  struct Made {  // a row, or none
    std::string way;
    std::string row = no_row;
    Dependency dependency = NoChange{};
  };

  bool connect(Instant now);
  Made make();
  Made commit_row(const std::string& row);
  void announce(const Made& made);

  AnyPeer& peer_;
  Journal& journal_;
  std::string primary_;
  std::string prefix_;
  base::Random random_;
  std::function<void()> drain_;

  Instant due_;
  std::optional<support::Session> session_;
  std::optional<ServerIncarnation> committed_on_;
  std::optional<ServerIncarnation> known_;  // the peer's primary, as far as it has said
  bool straddled_ = false;
  std::uint64_t number_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t burst_ = 0;  // that follow without a pause
  std::string last_seen_ = no_row;
};

}  // namespace tidegate::soak
