#include "peer/servers/postgres/conversation.hpp"

#include "lib/base/must.hpp"
#include "peer/servers/postgres/promotion.hpp"

namespace tidegate::postgres {
namespace {

constexpr auto* insufficient_privilege = "42501";
constexpr auto* too_many_connections = "53300";  // also: no wal sender is free
constexpr auto* protocol_violation = "08P01";    // of a pooler that knows no such sessions

}  // namespace

template <typename Seam>
void Conversation<Seam>::advance(Instant now, gate::ServerEvents& events) {
  auto event = database_.advance(now);
  if (!event) return;
  if (std::holds_alternative<Database::Connected>(*event)) {
    phase_ = Phase::introduction;
    database_.query(introduction_sql, now);
  } else if (auto* answer = std::get_if<Database::Answer>(&*event)) {
    if (phase_ == Phase::introduction) {
      return introduction_read(std::move(answer->rows), now, events);
    }
    TIDEGATE_MUST(phase_ == Phase::asking);
    if (history_query_) return history_answered(answer->rows, now, events);
    question_answered(std::move(answer->rows), now, events);
  } else if (const auto* refusal = std::get_if<Database::QueryFailed>(&*event)) {
    if (!history_query_) return refused(*refusal, now, events);
    if (history_query_->refused(refusal->sqlstate)) return go_on_with_history(now, events);
    give_up("the server refused to tell its timeline history: " + refusal->message, now, events);
  } else {
    lost(std::move(std::get<Database::Lost>(*event)), events);
  }
}

// The same life under another connection keeps its name, though its statistics may have been reset.
template <typename Seam>
void Conversation<Seam>::introduction_read(std::vector<SqlRow> rows, Instant now, Events& events) {
  auto server = read_introduction(std::move(rows), database_.server());
  if (!server) return give_up(server.error().message, now, events);
  if (server->incarnation.cluster == server_.incarnation.cluster &&
      same_life(server->identity, server_.identity)) {
    server->incarnation = server_.incarnation;
  }
  server_ = std::move(*server);
  introduced(now, events);
}

template <typename Seam>
void Conversation<Seam>::question_answered(std::vector<SqlRow> rows, Instant now, Events& events) {
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
  database_.query(sql, now);
}

template <typename Seam>
void Conversation<Seam>::ask_command(const std::string& command, Instant now) {
  phase_ = Phase::asking;
  identified_ = false;
  database_.query(command, now);
}

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
  if (question.wal) {
    database_.read_wal(question.command, promotion_bytes, now);
  } else {
    database_.query(question.command, now);
  }
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

template <typename Seam>
void Conversation<Seam>::lost(Database::Lost lost, Events& events) {
  history_query_.reset();
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
  database_.set_session(first_session());
  why_degraded_.clear();
  go_down(std::move(lost.reason), events);
}

template <typename Seam>
void Conversation<Seam>::reconnect(Database::Session session, Instant now) {
  phase_ = Phase::down;
  database_.set_session(session);
  database_.reconnect(now);
}

template <typename Seam>
void Conversation<Seam>::come_up() {
  up_ = true;
  reported_.clear();
  phase_ = Phase::ready;
}

template <typename Seam>
void Conversation<Seam>::give_up(std::string reason, Instant now, Events& events) {
  database_.drop(now);
  lost({"", std::move(reason)}, events);
}

template <typename Seam>
void Conversation<Seam>::go_down(std::string reason, Events& events) {
  const bool news = up_ || reason != reported_;
  up_ = false;
  phase_ = Phase::down;
  reported_ = reason;
  went_down(news, std::move(reason), events);
}

template class Conversation<servers::ReplayReader>;
template class Conversation<servers::CommitPositionReader>;

}  // namespace tidegate::postgres
