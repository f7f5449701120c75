#include "peer/servers/postgres/session_settings.hpp"

namespace tidegate::postgres {

const std::string question_settings =
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; ";

const std::string plain_question_settings =
    question_settings + "SET LOCAL search_path = pg_catalog; ";

// Those that this version of the server knows; 0 means never, or off. (jit: compiling a question
// that takes microseconds would take milliseconds.)
std::string session_settings_sql(Database::Session session, int backend_pid) {
  const auto* const any_process = " OR true";
  return question_settings +
         "SELECT pg_catalog.set_config('default_transaction_isolation', 'read committed', false),"
         " pg_catalog.set_config(s.name, '0', false)"
         " FROM pg_catalog.pg_settings AS s"
         " WHERE s.name OPERATOR(pg_catalog.=) ANY ('{statement_timeout,lock_timeout,"
         "transaction_timeout,idle_session_timeout,idle_in_transaction_session_timeout,jit}')"
         " AND (pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) " +
         std::to_string(backend_pid) +
         (session == Database::Session::replication ? any_process : "") + ")";
}

}  // namespace tidegate::postgres
