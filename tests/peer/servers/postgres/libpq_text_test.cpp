#include "peer/servers/postgres/libpq_text.hpp"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::postgres;

TEST_CASE("libpq's lines become one, continued ones without a semicolon") {
  CHECK(one_line("server closed the connection\n\tThis probably means\n\tbefore\n") ==
        "server closed the connection This probably means before");
  CHECK(one_line("host a failed\nhost b failed\n") == "host a failed; host b failed");
  CHECK(one_line("\n \n").empty());
}

TEST_CASE("a refusal shows its SQLSTATE apart and no place in the server's source") {
  const auto refusal = read_refusal(
      "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  42501: must be superuser "
      "or "
      "replication role to start walsender\nLOCATION:  InitPostgres, postinit.c:787\n");
  CHECK(refusal.sqlstate == "42501");
  CHECK(refusal.words ==
        "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  must be superuser or "
        "replication role to start walsender");
}

TEST_CASE("the SQLSTATE is found in any language and belongs to the host tried last") {
  const auto refusal = read_refusal(
      "a: FATAL:  28P01: falsch\nORT:  auth_failed, auth.c:345\nb: FATALER FEHLER:  53300: voll\n");
  CHECK(refusal.sqlstate == "53300");
  CHECK(refusal.words == "a: FATAL:  falsch; b: FATALER FEHLER:  voll");
}

TEST_CASE("a failure that no server spoke of has no SQLSTATE") {
  const auto refusal = read_refusal(
      "connection to server on socket \"/x/.s.PGSQL.5432\" failed: Connection refused\n\tIs the "
      "server running?\n");
  CHECK(refusal.sqlstate.empty());
  CHECK(refusal.words ==
        "connection to server on socket \"/x/.s.PGSQL.5432\" failed: Connection refused Is the "
        "server running?");
}

TEST_CASE("libpq's words on a connection string are shown only where no password can be") {
  const auto shown = unreadable_connection_string("hots=a", "invalid connection option \"hots\"\n");
  CHECK(shown.message.find("invalid connection option \"hots\"") != std::string::npos);
  for (const auto* text : {"host=a password=my secret", "postgresql://me:my secret@a"}) {
    const auto hidden = unreadable_connection_string(text, "missing \"=\" after \"secret\"\n");
    CHECK(hidden.message.find("secret") == std::string::npos);
    CHECK(hidden.message.find("percent-encode") != std::string::npos);
  }
}

TEST_CASE("libpq's words on a URI whose scheme has a slip are not shown") {
  for (const auto* text : {"me:secret@a/db", "postgresql:/me:secret@a", "mysql://me:secret@a/?b=c",
                           "host=a me secret", "Postgres://secret"}) {
    CAPTURE(text);
    const auto quoted =
        std::string("missing \"=\" after \"") + text + "\" in connection info string";
    CHECK(unreadable_connection_string(text, quoted).message.find("secret") == std::string::npos);
  }
  const auto without_quote = unreadable_connection_string("host='a", "unterminated quoted string");
  CHECK(without_quote.message.find("unterminated") != std::string::npos);
}

TEST_CASE("a piece of a password that was taken for a host, a port or a database is refused") {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"port", "hush"},         {"port", "5432,hush"},       {"host", "me:hush@a"},
      {"host", "a,me:hush@b"},  {"hostaddr", "me@a"},        {"host", "postgresql://a"},
      {"dbname", "x://me:h@a"}, {"dbname", "password=hush"},
  };
  for (const auto& setting : bad) {
    const auto& [keyword, value] = setting;
    CAPTURE(setting.second);
    const auto error = misplaced_password(keyword, value);
    REQUIRE(error);
    CHECK(error->message.find("hush") == std::string::npos);
  }
  const std::vector<std::pair<std::string, std::string>> good = {
      {"port", ""},    {"port", "5432,,5433"}, {"host", "a,/run/x@y,@abstract,[::1]"},
      {"host", ""},    {"hostaddr", "::1"},    {"dbname", "a@b=c"},
      {"user", "a@b"}, {"password", "a@b/c"},
  };
  for (const auto& setting : good) {
    const auto& [keyword, value] = setting;
    CAPTURE(setting.second);
    CHECK_FALSE(misplaced_password(keyword, value));
  }
}

TEST_CASE("a URI whose password spills into a host or a database is recognised") {
  for (const auto* text : {
           "postgresql://me:pa@ss@host/db",
           "postgres://me:pa/ss@host/db",
           "postgresql://me:pa?s@s@host/db",
           "postgresql://me:p@a/s@host",
       }) {
    CAPTURE(text);
    CHECK(password_spills(text));
  }
}

TEST_CASE("a percent-encoded @ in a URI is no spilt password") {
  for (const auto* text : {
           "postgresql://user%40host:p%40ss@host/db",
           "postgresql://me@host/d%40b",
           "postgresql://me@%40abstract/db",
           "postgresql://me:pa?ss@host/db",
           "postgresql://me@host/db?application_name=a@b",
           "postgresql://host",
           "postgresql://",
           "dbname=a@b host=c@d",
       }) {
    CAPTURE(text);
    CHECK_FALSE(password_spills(text));
  }
}
