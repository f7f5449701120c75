#include "command/health/doctor_database.hpp"

#include <cstdlib>
#include <utility>
#include <variant>
#include <vector>

#include "peer/io/clock.hpp"
#include "peer/servers/postgres/outbox_schema.hpp"
#include "peer/servers/postgres/session_settings.hpp"

namespace tidegate::health {
namespace {

using Rows = std::vector<postgres::SqlRow>;

ServerTrouble senseless(std::string words) {
  return {ServerTrouble::When::asking, "", std::move(words)};
}

std::variant<postgres::Introduction, ServerTrouble> introduce(postgres::Database& database) {
  if (auto trouble = postgres::connect(database)) return *trouble;
  auto answer = postgres::ask(database, postgres::question_settings + postgres::introduction_sql);
  if (!answer) return answer.error();
  auto server = postgres::read_introduction(std::move(*answer), database.server());
  if (!server) return senseless(server.error().message);
  return *server;
}

// A standby that is promoted between the two questions makes the first one fail; the doctor is
// asked again then.
std::string facts_sql(bool in_recovery) {
  return postgres::question_settings + "SELECT " +
         (in_recovery ? "pg_catalog.pg_last_wal_replay_lsn(), pg_catalog.pg_is_wal_replay_paused()"
                      : "pg_catalog.pg_current_wal_insert_lsn(), false") +
         ", EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver),"
         " pg_catalog.current_setting('max_wal_senders'),"
         " (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication),"
         " pg_catalog.current_setting('synchronous_commit'),"
         " pg_catalog.host(pg_catalog.inet_server_addr()),"
         " pg_catalog.pg_backend_pid(),"
         " (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_subscription),"
         " pg_catalog.to_regnamespace('tidegate') IS NOT NULL";
}

std::optional<ServerTrouble> read_facts(postgres::Database& database, ServerFacts& facts) {
  const auto answer = postgres::ask(database, facts_sql(facts.server.in_recovery));
  if (!answer) return answer.error();
  const Rows& rows = *answer;
  if (rows.size() != 1 || rows[0].size() != 10) return senseless("the server made no sense");
  const auto text = [&](std::size_t column) { return rows[0][column].value_or(""); };
  if (const auto lsn = parse_lsn(text(0))) {
    facts.lsn = without_page_header(*lsn, facts.server.layout);
  }
  facts.replay_paused = text(1) == "t";
  facts.receiving = text(2) == "t";
  facts.max_wal_senders = std::atoi(text(3).c_str());
  facts.wal_senders = std::atoi(text(4).c_str());
  facts.synchronous_commit = text(5);
  facts.own_address = text(6);
  facts.pooled = text(7) != std::to_string(database.backend_pid());
  facts.subscriptions = std::atoi(text(8).c_str());
  facts.has_outbox = text(9) == "t";
  return std::nullopt;
}

std::optional<ServerTrouble> look_at_outbox(postgres::Database& database, ServerFacts& facts) {
  const auto answer =
      postgres::ask(database, postgres::plain_question_settings + postgres::outbox_check());
  if (answer) {
    facts.outbox_problems = postgres::outbox_problems(*answer);
  } else if (answer.error().when == ServerTrouble::When::asking) {
    facts.outbox_problems = {"it can't be examined: " + answer.error().words};
  } else {
    return answer.error();
  }
  return std::nullopt;
}

// The second connection: with replication commands if the server lets us, else without.
std::optional<ServerTrouble> look_again(postgres::Database& database, ServerFacts& facts) {
  auto second = introduce(database);
  facts.replication = std::holds_alternative<postgres::Introduction>(second);
  if (const auto* trouble = std::get_if<ServerTrouble>(&second)) {
    facts.replication_refusal = trouble->sqlstate;
    facts.replication_words = trouble->words;
    database.set_session(postgres::Database::Session::plain);
    database.drop(io::clock_now());
    second = introduce(database);
    if (const auto* again = std::get_if<ServerTrouble>(&second)) return *again;
  }
  const auto& server = std::get<postgres::Introduction>(second);
  facts.second_instance = server.incarnation;
  facts.second_description = server.description;
  if (!facts.replication) return std::nullopt;
  const auto answer = postgres::ask(database, "IDENTIFY_SYSTEM");
  if (answer && answer->size() == 1 && (*answer)[0].size() > 1) {
    if (const auto timeline = postgres::parse_timeline((*answer)[0][1].value_or(""))) {
      facts.timeline = *timeline;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<ServerFacts, ServerTrouble> examine_server(const std::string& connection_string,
                                                  postgres::Database::Timeouts timeouts) {
  auto first = postgres::prepare_connection(connection_string, timeouts);
  if (!first) return first.error();
  auto server = introduce(*first);
  if (const auto* trouble = std::get_if<ServerTrouble>(&server)) return *trouble;
  ServerFacts facts;
  facts.server = std::get<postgres::Introduction>(server);
  facts.connected_to = first->server();
  if (const auto trouble = read_facts(*first, facts)) return *trouble;
  if (facts.has_outbox) {
    if (const auto trouble = look_at_outbox(*first, facts)) return *trouble;
  }

  auto second = first->sibling(postgres::Database::Session::replication);
  if (const auto trouble = look_again(second, facts)) return *trouble;
  return facts;
}

}  // namespace tidegate::health
