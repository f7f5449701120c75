#include "peer/servers/postgres/conversation.hpp"

#include <algorithm>
#include <string_view>

#include "lib/base/must.hpp"
#include "peer/servers/postgres/promotion.hpp"
#include "peer/servers/postgres/session_settings.hpp"

namespace tidegate::postgres {
namespace {

constexpr auto* insufficient_privilege = "42501";
constexpr auto* too_many_connections = "53300";  // also: no wal sender is free
constexpr auto* protocol_violation = "08P01";    // of a pooler that knows no such sessions

constexpr Duration renewal_bound = std::chrono::seconds(1);

// The server was well and did not answer all the same; asked again, it probably does: a conflict
// with recovery (40001, or 40P01 as a deadlock), a cancelled question (57014), a lock not had
// (55P03), a shortage (class 53).
bool is_cancelled(std::string_view sqlstate) {
  return sqlstate == "40001" || sqlstate == "40P01" || sqlstate == "57014" || sqlstate == "55P03" ||
         sqlstate.substr(0, 2) == "53";
}

}  // namespace

// While the plain session has nothing to do, the one that is to take over is waited for.
template <typename Seam>
io::Interest Conversation<Seam>::interest() const {
  const bool seeking = seeking_ && phase_ == Phase::ready && !seeking_->idle();
  return seeking ? seeking_->interest() : database_.interest();
}

template <typename Seam>
Instant Conversation<Seam>::deadline() const {
  auto due = std::min(database_.deadline(), again_at_);
  if (renewal_) due = std::min(due, renewal_->until);
  if (phase_ != Phase::ready) return due;
  return std::min(due, seeking_ ? seeking_->deadline() : seek_at_);
}

template <typename Seam>
void Conversation<Seam>::advance(Instant now, gate::ServerEvents& events) {
  if (now >= again_at_) put_again(now);
  if (renewal_ && now >= renewal_->until) {
    renewal_failed(
        "no session for " + std::to_string(renewal_bound / std::chrono::seconds(1)) + " s", events);
  }
  seek_full_session(now, events);
  auto event = database_.advance(now);
  if (!event) return;
  if (std::holds_alternative<Database::Connected>(*event)) {
    begin(now);
  } else if (auto* answer = std::get_if<Database::Answer>(&*event)) {
    if (phase_ == Phase::settings) {
      settings_in_questions_ = answer->rows.empty();
      return introduce(now);
    }
    if (phase_ == Phase::introduction) {
      return introduced_itself(std::move(answer->rows), now, events);
    }
    TIDEGATE_MUST(phase_ == Phase::asking);
    if (history_query_) return history_answered(answer->rows, now, events);
    question_answered(std::move(answer->rows), now, events);
  } else if (const auto* refused = std::get_if<Database::QueryFailed>(&*event)) {
    refusal(*refused, now, events);
  } else {
    lost(std::move(std::get<Database::Lost>(*event)), now, events);
  }
}

// --- questions ----------------------------------------------------------------------------------

template <typename Seam>
void Conversation<Seam>::begin(Instant now) {
  phase_ = Phase::settings;
  put({session_settings_sql(database_.session(), database_.backend_pid())}, now);
}

template <typename Seam>
void Conversation<Seam>::introduce(Instant now) {
  ask(introduction_sql, now);
  phase_ = Phase::introduction;
}

// The same life under another connection keeps its name, though its statistics may have been reset.
template <typename Seam>
void Conversation<Seam>::introduced_itself(Rows rows, Instant now, Events& events) {
  auto server = read_introduction(std::move(rows), database_.server());
  if (!server) return give_up(server.error().message, now, events);
  if (server->incarnation.cluster == server_.incarnation.cluster &&
      same_life(server->identity, server_.identity)) {
    server->incarnation = server_.incarnation;
  }
  if (renewal_ && server->incarnation != server_.incarnation) {
    renewal_failed("the next session is with another life of a server", events);
  }
  server_ = std::move(*server);
  introduced(now, events);
}

template <typename Seam>
void Conversation<Seam>::question_answered(Rows rows, Instant now, Events& events) {
  if (identified_) {
    const auto identity = take_identity(rows);
    if (!identity) return give_up(identity.error().message, now, events);
    if (!same_life(*identity, server_.identity)) {
      return give_up(another_server(server_.description, server_.identity, *identity), now, events);
    }
    server_.identity = *identity;
  }
  answered(rows, now, events);
}

template <typename Seam>
void Conversation<Seam>::ask(const std::string& sql, Instant now) {
  phase_ = Phase::asking;
  identified_ = true;
  put({settings_in_questions_ ? question_settings + sql : sql}, now);
}

template <typename Seam>
void Conversation<Seam>::ask_command(const std::string& command, Instant now) {
  phase_ = Phase::asking;
  identified_ = false;
  put({command}, now);
}

template <typename Seam>
void Conversation<Seam>::put(Statement statement, Instant now) {
  statement_ = std::move(statement);
  put_at_ = now;
  pauses_.reset();
  again_at_once_ = true;
  put_again(now);
}

template <typename Seam>
void Conversation<Seam>::put_again(Instant now) {
  again_at_ = never;
  if (statement_.wal) {
    // A server that is idle after its promotion has no more than the record that is looked for.
    database_.read_wal(statement_.text, promotion_bytes, now, [this](std::string_view wal) {
      return history_query_ && history_query_->is_enough(wal);
    });
  } else {
    database_.query(statement_.text, now);
  }
}

template <typename Seam>
void Conversation<Seam>::refusal(const Database::QueryFailed& refusal, Instant now,
                                 Events& events) {
  if (is_cancelled(refusal.sqlstate)) return cancelled(refusal, now, events);
  if (phase_ == Phase::settings) {
    settings_in_questions_ = true;
    return introduce(now);
  }
  if (!history_query_) return refused(refusal, now, events);
  if (history_query_->refused(refusal.sqlstate)) return go_on_with_history(now, events);
  give_up("the server refused to tell its timeline history: " + refusal.message, now, events);
}

template <typename Seam>
void Conversation<Seam>::cancelled(const Database::QueryFailed& refusal, Instant now,
                                   Events& events) {
  if (now - put_at_ >= timeouts_.answer) {
    return give_up("the server has cancelled a question again and again for " +
                       std::to_string(timeouts_.answer / std::chrono::seconds(1)) +
                       " s: " + refusal.message,
                   now, events);
  }
  if (std::exchange(again_at_once_, false)) return put_again(now);
  again_at_ = now + pauses_.next(random_);
}

// --- history ------------------------------------------------------------------------------------

template <typename Seam>
void Conversation<Seam>::ask_history(TimelineId timeline, Instant now) {
  history_query_.emplace(timeline, server_.layout);
  put_question_of_history(now);
}

template <typename Seam>
std::optional<History> Conversation<Seam>::told_history(TimelineId timeline) const {
  const bool told = told_by_ == server_.incarnation && told_.timeline() == timeline;
  return told ? std::optional(told_) : std::nullopt;
}

template <typename Seam>
void Conversation<Seam>::history_answered(const Rows& rows, Instant now, Events& events) {
  if (const auto error = history_query_->answered(rows)) {
    return give_up(error->message, now, events);
  }
  go_on_with_history(now, events);
}

template <typename Seam>
void Conversation<Seam>::go_on_with_history(Instant now, Events& events) {
  if (history_query_->question()) return put_question_of_history(now);
  told_ = history_query_->history();
  told_by_ = server_.incarnation;
  warn_of_gaps(events);
  history_query_.reset();
  history_told(told_, now, events);
}

template <typename Seam>
void Conversation<Seam>::put_question_of_history(Instant now) {
  phase_ = Phase::asking;
  const auto question = history_query_->question().value();
  put({question.command, question.wal}, now);
}

template <typename Seam>
void Conversation<Seam>::warn_of_gaps(Events& events) const {
  const auto& present = told_.entries().back();
  if (history_query_->file_missing()) {
    events.emplace_back(Warning{
        "the history of timeline " + std::to_string(present.number) + " is missing on " +
        database_.server() +
        ": messages of older timelines are reported as in doubt, even when their changes are "
        "visible; copy the .history files of the primary's pg_wal to it, then restart this peer"});
  } else if (present.number > 1 && present.promoted == 0) {
    events.emplace_back(Warning{
        database_.server() + " has no longer the WAL with which its timeline " +
        std::to_string(present.number) +
        " begins: a server that was promoted apart, to the same number at the same LSN, can't be "
        "told from it"});
  }
}

template <typename Seam>
std::string Conversation<Seam>::cure() const {
  if (refusal_ == insufficient_privilege) return "run ALTER ROLE " + server_.login + " REPLICATION";
  if (refusal_ == protocol_violation) return "connect to the server itself, without a pooler,";
  return "raise max_wal_senders there, every peer takes one,";
}

// --- sessions -----------------------------------------------------------------------------------

template <typename Seam>
void Conversation<Seam>::lost(Database::Lost lost, Instant now, Events& events) {
  const bool no_such_session = lost.sqlstate == insufficient_privilege ||
                               lost.sqlstate == too_many_connections ||
                               lost.sqlstate == protocol_violation;
  if (database_.session() == Database::Session::replication && phase_ == Phase::down &&
      no_such_session) {
    // Not down yet: the plain connection, after the usual pause, decides that.
    database_.set_session(Database::Session::plain);
    why_degraded_ = std::move(lost.reason);
    refusal_ = std::move(lost.sqlstate);
    return;
  }
  const bool was_settled = settled_;
  start_anew();
  if (renewal_) return renewal_failed(lost.reason, events);
  if (was_settled && !lost.timed_out) return begin_renewal(std::move(lost.reason), now, events);
  report_down(std::move(lost.reason), events);
}

template <typename Seam>
void Conversation<Seam>::start_anew() {
  history_query_.reset();
  seeking_.reset();
  again_at_ = never;
  database_.set_session(first_session());
  why_degraded_.clear();
  settled_ = false;
  phase_ = Phase::down;
}

template <typename Seam>
void Conversation<Seam>::reconnect(Database::Session session, Instant now) {
  phase_ = Phase::down;
  database_.set_session(session);
  database_.reconnect(now);
}

template <typename Seam>
bool Conversation<Seam>::come_up(Instant now) {
  const bool renewed = std::exchange(renewal_, std::nullopt).has_value();
  up_ = settled_ = true;
  reported_.clear();
  phase_ = Phase::ready;
  seek_at_ = never;
  if (degraded()) seek_later(now);
  return renewed;
}

template <typename Seam>
void Conversation<Seam>::give_up(std::string reason, Instant now, Events& events) {
  database_.drop(now);
  start_anew();
  if (renewal_) return renewal_failed(reason, events);
  report_down(std::move(reason), events);
}

template <typename Seam>
void Conversation<Seam>::begin_renewal(std::string reason, Instant now, Events& events) {
  settled_ = false;
  renewal_ = Renewal{std::move(reason), now + renewal_bound};
  interrupted(events);
}

// The same trouble with the next attempt is no news then.
template <typename Seam>
void Conversation<Seam>::renewal_failed(const std::string& why, Events& events) {
  const auto reason = std::exchange(renewal_, std::nullopt)->reason;
  report_down(reason + "; connecting again: " + why, events);
  reported_ = why;
}

template <typename Seam>
void Conversation<Seam>::leave(Instant now) {
  database_.leave_host(now);
  start_anew();
  renewal_.reset();
  up_ = false;
}

template <typename Seam>
void Conversation<Seam>::report_down(std::string reason, Events& events) {
  const bool news = up_ || reason != reported_;
  up_ = false;
  reported_ = reason;
  went_down(news, std::move(reason), events);
}

template <typename Seam>
void Conversation<Seam>::seek_later(Instant now) {
  const auto pause = timeouts_.full_session;
  seek_at_ = now + random_.between(pause / 2, pause + pause / 2);
}

template <typename Seam>
void Conversation<Seam>::seek_full_session(Instant now, Events& events) {
  if (phase_ != Phase::ready || (!seeking_ && now < seek_at_)) return;
  if (!seeking_) seeking_.emplace(database_.sibling(Database::Session::replication));
  if (!seeking_->idle()) {
    const auto event = seeking_->advance(now);
    if (!event) return;
    if (!std::holds_alternative<Database::Connected>(*event)) {
      seeking_.reset();
      return seek_later(now);
    }
  }
  begin_renewal("the session is exchanged for one with replication commands", now, events);
  database_ = std::move(*seeking_);
  seeking_.reset();
  why_degraded_.clear();
  begin(now);
}

template class Conversation<servers::ReplayReader>;
template class Conversation<servers::OutboxReader>;
template class Conversation<servers::CommitPositionReader>;

}  // namespace tidegate::postgres
