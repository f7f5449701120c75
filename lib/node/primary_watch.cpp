#include "lib/node/primary_watch.hpp"

#include <utility>

#include "lib/message/history_text.hpp"

namespace tidegate::node {
namespace {

Branch branch_of(const ServerIncarnation& server, const History& history) {
  return Branch(server.kind, server.cluster, history);
}

std::string reason_of(const std::string& description, const Branch& primary,
                      const gate::PrimaryCheck::Objection& objection) {
  const auto old = description + " is no primary any more: its history is " +
                   message::text_of(primary.history()) + ", and ";
  const auto later = message::text_of(objection.history);
  if (objection.of_server) {
    return old + "the server that is read has come to " + later +
           "; let the connection string of the primary lead to the server that was promoted. If "
           "that promotion was taken back, rebuild the server that is read, or run `tidegate "
           "trust`";
  }
  return old + "messages name the later history " + later +
         "; let the connection string of the primary lead to the server that was promoted. If "
         "that promotion was taken back, this peer goes on once the server that it reads has "
         "gone past it with the primary; without such a server run `tidegate trust`";
}

}  // namespace

void PrimaryWatch::up(PrimaryUp& primary, Instant now, Effects& effects) {
  primary_ = branch_of(primary.incarnation, primary.history);
  incarnation_ = primary.incarnation;
  known_good_ = false;
  description_ = primary.description;
  publisher_.primary_met(primary);
  if (may_be_used(effects)) {
    left_.reset();
    reason_.clear();
    publisher_.primary_up(primary);
    effects.push_back(effect::Notify{std::move(primary)});
  }
  receiver_.refresh_tide(now, effects);
}

void PrimaryWatch::down(PrimaryDown& down, Effects& effects) {
  primary_.reset();
  unchecked_.reset();
  publisher_.primary_down();
  effects.push_back(effect::Notify{std::move(down)});
}

void PrimaryWatch::position_read(const gate::CommitPosition& reading, Instant now,
                                 Effects& effects) {
  if (!publisher_.unsent().asked()) return;  // of a server that was left meanwhile
  if (receiver_.tide_is_stale(now)) {
    receiver_.refresh_tide(now, effects);
    unchecked_ = reading;
  } else {
    use(reading, now, effects);
  }
}

void PrimaryWatch::use(const gate::CommitPosition& reading, Instant now, Effects& effects) {
  if (!primary_ || !(primary_->history() == reading.history)) {
    primary_ = branch_of(reading.incarnation, reading.history);
    incarnation_ = reading.incarnation;
    known_good_ = false;
  }
  if (!may_be_used(effects)) return;
  if (publisher_.unsent().names_later_than(reading)) return leave_for_later(effects);
  publisher_.commit_position_read(reading, now);
}

void PrimaryWatch::leave_for_later(Effects& effects) {
  primary_.reset();
  unchecked_.reset();
  publisher_.primary_down();
  effects.push_back(effect::LeavePrimary{});
  effects.push_back(effect::Notify{
      PrimaryDown{description_ + " is left, since the application has committed on a later "
                                 "timeline of another server; connecting again to find that"}});
}

void PrimaryWatch::server_changed(Instant now, Effects& effects) {
  if (const auto reading = std::exchange(unchecked_, std::nullopt)) {
    use(*reading, now, effects);
  } else if (primary_) {
    may_be_used(effects);
  }
}

void PrimaryWatch::seen(const Position& position, Effects& effects) {
  if (!check_.seen(position)) return;
  known_good_ = false;
  if (primary_) may_be_used(effects);
}

void PrimaryWatch::trust(Effects& effects) {
  const auto& primary = primary_ ? primary_ : left_;
  if (!primary) return;
  check_.trust(*primary, receiver_.tide());
  tell_given_up(effects);
}

void PrimaryWatch::run_timers(Instant now, Effects& effects) {
  if (publisher_.query_due(now)) receiver_.refresh_tide(now, effects);
}

bool PrimaryWatch::may_be_used(Effects& effects) {
  const auto& tide = receiver_.tide();
  const History unknown;
  const auto& read = tide ? tide->history : unknown;
  if (known_good_ && read == checked_with_) return true;
  if (const auto position = stream_.position()) (void)check_.seen(*position);
  const auto objection = check_.objection_to(*primary_, tide);
  tell_given_up(effects);
  known_good_ = !objection;
  checked_with_ = read;
  if (known_good_) return true;
  auto reason = reason_of(description_, *primary_, *objection);
  left_ = std::exchange(primary_, std::nullopt);
  unchecked_.reset();
  publisher_.primary_denied(incarnation_);
  effects.push_back(effect::LeavePrimary{});
  if (reason == reason_) return false;
  reason_ = reason;
  effects.push_back(effect::Notify{PrimaryDown{std::move(reason)}});
  return false;
}

void PrimaryWatch::tell_given_up(Effects& effects) {
  const auto& primary = primary_ ? primary_ : left_;
  for (const auto& history : check_.take_given_up()) {
    stream_.fall_back_to(*primary);
    effects.push_back(effect::Notify{Warning{
        "a failover was taken back, or a server was promoted beside the primary: " +
        (description_.empty() ? "the primary" : description_) + " has the history " +
        message::text_of(primary->history()) + ", and messages have named the later one " +
        message::text_of(history) + ", which no longer counts; changes of that one are lost"}});
  }
}

}  // namespace tidegate::node
