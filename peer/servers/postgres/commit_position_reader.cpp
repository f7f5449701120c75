#include "peer/servers/postgres/commit_position_reader.hpp"

#include "lib/base/must.hpp"

namespace tidegate::postgres {

Result<CommitPositionReader> CommitPositionReader::create(const std::string& connection_string,
                                                          Database::Timeouts timeouts) {
  auto database = Database::create(connection_string, Database::Session::plain, timeouts);
  if (!database) return database.error();
  return CommitPositionReader(std::move(*database));
}

void CommitPositionReader::advance(Instant now, Events& events) {
  auto event = database_.advance(now);
  if (!event) return;
  if (std::holds_alternative<Database::Connected>(*event)) {
    send(Step::introduction, introduction_sql, now);
  } else if (const auto* answer = std::get_if<Database::Answer>(&*event)) {
    answered(answer->rows, now, events);
  } else if (const auto* refusal = std::get_if<Database::QueryFailed>(&*event)) {
    give_up("the server refused to tell its WAL position: " + refusal->message, now, events);
  } else {
    down(std::move(std::get<Database::Lost>(*event).reason), events);
  }
}

void CommitPositionReader::ask(Instant now) {
  TIDEGATE_MUST(ready());
  send(Step::reading, commit_position_sql, now);
}

void CommitPositionReader::nudge(Instant now) {
  TIDEGATE_MUST(ready());
  send(Step::nudge, nudge_sql, now);
}

void CommitPositionReader::send(Step step, const std::string& sql, Instant now) {
  step_ = step;
  database_.query(sql, now);
}

void CommitPositionReader::answered(const Rows& rows, Instant now, Events& events) {
  if (step_ == Step::introduction) return introduced(rows, now, events);
  // A statement of its own: read in the nudge's transaction, the LSNs would be those before its
  // commit.
  if (step_ == Step::nudge) return send(Step::reading, commit_position_sql, now);
  TIDEGATE_MUST(step_ == Step::reading);
  const auto reading = read_commit_position(rows, server_.incarnation, server_.layout);
  if (!reading) return give_up(reading.error().message, now, events);
  step_ = Step::ready;
  events.push_back(*reading);
}

void CommitPositionReader::introduced(const Rows& rows, Instant now, Events& events) {
  auto server = read_introduction(rows, database_.server());
  if (!server) return give_up(server.error().message, now, events);
  if (server->in_recovery) {
    return give_up(database_.server() +
                       " is a standby, and changes are committed on the primary: name the primary, "
                       "or all servers and the condition, as in 'host=a,b "
                       "target_session_attrs=primary'",
                   now, events);
  }
  server_ = std::move(*server);
  up_ = true;
  reported_.clear();
  step_ = Step::ready;
  events.push_back(PrimaryUp{server_.incarnation, server_.description});
}

void CommitPositionReader::give_up(std::string reason, Instant now, Events& events) {
  database_.drop(now);
  down(std::move(reason), events);
}

void CommitPositionReader::down(std::string reason, Events& events) {
  const bool news = up_ || reason != reported_;
  up_ = false;
  step_ = Step::down;
  if (!news) return;
  reported_ = reason;
  events.push_back(PrimaryDown{std::move(reason)});
}

}  // namespace tidegate::postgres
