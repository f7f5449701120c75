// Reads the tide of a server, for a reader that does something with it: the position, its timeline,
// its history (replay_reader.hpp says in which order, and what a degraded server can't tell).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "peer/servers/postgres/conversation.hpp"
#include "tidegate/lsn.hpp"
#include "tidegate/tide.hpp"

namespace tidegate::postgres {

template <typename Seam>
class TideReader : public Conversation<Seam> {
 protected:
  using Base = Conversation<Seam>;
  using Base::Base;
  using Base::be_ready;
  using Base::degraded;
  using Base::give_up;
  using Base::server_;
  using typename Base::Events;
  using typename Base::Rows;

  // Ends in tide_told(), or the server goes down. Asked unasked after each ServerUp, and when the
  // session was renewed.
  void ask_tide(Instant now) { put(Question::position, now); }

  // None: the server could not tell just now. Not flushed: a crash of the primary can still undo
  // some of what lies before.
  virtual void tide_told(std::optional<Tide> tide, bool flushed, Instant now, Events& events) = 0;
  [[nodiscard]] Instant position_asked() const { return position_asked_; }
  // Earlier readings count no more, nor do questions.
  virtual void forgotten() {}

  // The answer to a question of ask_tide().
  void answered(const Rows& rows, Instant now, Events& events) override;
  void refused(const Database::QueryFailed& refusal, Instant now, Events& events) override;

 private:
  enum class Question : std::uint8_t { position, timeline };

  struct RoleAndLsn {
    bool in_recovery = false;
    Lsn lsn;  // without page header; none when a standby has replayed nothing
  };

  void introduced(Instant now, Events& events) final;
  void history_told(const History& history, Instant now, Events& events) final {
    finish(history, now, events);
  }
  [[nodiscard]] Database::Session first_session() const final {
    return Database::Session::replication;
  }
  void interrupted(Events& events) final;
  void went_down(bool news, std::string reason, Events& events) final;

  void put(Question question, Instant now);
  void position_known(const Rows& rows, Instant now, Events& events);
  void timeline_known(const Rows& rows, Instant now, Events& events);
  void finish(History history, Instant now, Events& events);
  void no_reading(Instant now, Events& events);
  void forget();
  [[nodiscard]] bool timeline_may_have_changed() const;

  std::string warning_;                     // of the last ServerUp
  Question question_ = Question::position;  // the last one
  Instant position_asked_ = Instant::min();
  RoleAndLsn reading_;       // under way
  bool flushed_ = true;      // of it
  TimelineId timeline_ = 0;  // of it
  RoleAndLsn seen_;          // of the last complete reading; its timeline is in tide_
  Tide tide_;                // the last complete reading; timeline 0: none on this connection
};

extern template class TideReader<servers::ReplayReader>;
extern template class TideReader<servers::OutboxReader>;

}  // namespace tidegate::postgres
