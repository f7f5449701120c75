#include "peer/servers/postgres/sql_question.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include <poll.h>

#include "peer/io/clock.hpp"

namespace tidegate::postgres {
namespace {

// Runs the connection until it has something to tell. It always has at last: it knows timeouts.
Database::Event wait_for_event(Database& database) {
  while (true) {
    if (auto event = database.advance(io::clock_now())) return std::move(*event);
    const auto interest = database.interest();
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(database.deadline() - io::clock_now());
    const auto events = (interest.read ? POLLIN : 0) | (interest.write ? POLLOUT : 0);
    pollfd entry{interest.descriptor, static_cast<short>(events), 0};
    poll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1000)));
  }
}

ServerTrouble trouble(const Database::Lost& lost) {
  return {ServerTrouble::When::connecting, lost.sqlstate, lost.reason};
}

}  // namespace

std::string to_words(const ServerTrouble& trouble) {
  switch (trouble.when) {
    case ServerTrouble::When::reading_string:
      return trouble.words;
    case ServerTrouble::When::connecting:
      return "no connection to the server: " + trouble.words;
    case ServerTrouble::When::asking:
      return "the server refuses the question: " + trouble.words;
  }
  return trouble.words;
}

Result<Database, ServerTrouble> prepare_connection(const std::string& connection_string,
                                                   Database::Timeouts timeouts) {
  auto database = Database::create(connection_string, Database::Session::plain, timeouts);
  if (database) return std::move(*database);
  return ServerTrouble{ServerTrouble::When::reading_string, "", database.error().message};
}

std::optional<ServerTrouble> connect(Database& database) {
  const auto event = wait_for_event(database);
  const auto* lost = std::get_if<Database::Lost>(&event);
  if (lost != nullptr) return trouble(*lost);
  return std::nullopt;
}

Result<std::vector<SqlRow>, ServerTrouble> ask(Database& database, const std::string& sql) {
  database.query(sql, io::clock_now());
  auto event = wait_for_event(database);
  if (auto* answer = std::get_if<Database::Answer>(&event)) return std::move(answer->rows);
  if (const auto* failed = std::get_if<Database::QueryFailed>(&event)) {
    return ServerTrouble{ServerTrouble::When::asking, failed->sqlstate, failed->message};
  }
  return trouble(std::get<Database::Lost>(event));
}

}  // namespace tidegate::postgres
