// The settings that our own sessions need, whatever a role or a database sets for new ones: ALTER
// ROLE ... SET statement_timeout, or default_transaction_isolation = serializable, with which a
// standby refuses every query.
//
// A session that reaches the server itself is set once, when it begins. Behind a pooler that would
// change the sessions of others, and in transaction mode not even ours. There every question begins
// with the settings, for its own transaction only. Rejected: startup parameters ("options"), which
// poolers refuse, and which may be the user's own.
//
// All names are those of pg_catalog, operators too: a role may have another schema in front of it.
#pragma once

#include <string>

#include "peer/servers/postgres/connection.hpp"

namespace tidegate::postgres {

// Sets the session if the server's process has the number that the other side of the connection
// told for it: a pooler tells another number. A session of replication is always the server's own.
// A row is the answer if the session is set; none: put the settings in front of every question.
[[nodiscard]] std::string session_settings_sql(Database::Session session, int backend_pid);

// In front of a question, in the same string: its transaction reads committed data, also on a
// standby, and has all the time that we wait for the answer.
extern const std::string question_settings;

// The same, and names without a schema are those of pg_catalog: for questions that would be hard to
// read with OPERATOR(...) all over.
extern const std::string plain_question_settings;

}  // namespace tidegate::postgres
