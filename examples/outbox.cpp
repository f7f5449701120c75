// Mails to new users. Each user is announced in the transaction that makes it, and welcomed by
// whichever life of this program comes first: once, however often it is stopped or killed.
//
//     outbox PRIMARY REPLICA CURSOR_FILE [NEW_USER...]
//
// The primary has a table `users (name text)` and what `tidegate outbox --sql` prints.
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include <libpq-fe.h>
#include <tidegate/outbox.hpp>

using namespace std::chrono_literals;

namespace {

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

bool run(PGconn* connection, const char* sql, const char* value = nullptr) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(
      PQexecParams(connection, sql, value == nullptr ? 0 : 1, nullptr, &value, nullptr, nullptr, 0),
      PQclear);
  const auto status = PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return true;
  std::fprintf(stderr, "%s", PQerrorMessage(connection));
  return false;
}

// The announcement is there exactly if the user is.
bool add_user(PGconn* connection, const char* name) {
  return run(connection, "BEGIN") && run(connection, "INSERT INTO users VALUES ($1)", name) &&
         run(connection, "SELECT tidegate.announce('users/new', $1::text)", name) &&
         run(connection, "COMMIT");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: outbox PRIMARY REPLICA CURSOR_FILE [NEW_USER...]\n");
    return 2;
  }
  for (int i = 4; i < argc; ++i) {
    const Connection connection(PQconnectdb(argv[1]), PQfinish);
    if (!add_user(connection.get(), argv[i])) return 1;
  }

  auto opened =
      tidegate::OutboxSubscription::open({.database = argv[2],
                                          .cursor_file = argv[3],
                                          .from = tidegate::From::earliest,
                                          .patterns = {*tidegate::Pattern::parse("users/#")},
                                          .taken_by_done = true});
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    return 1;
  }
  auto& outbox = **opened;
  while (auto incoming = outbox.next(5s)) {
    if (const auto* delivery = std::get_if<tidegate::Delivery>(&*incoming)) {
      // The user is readable on the replica now: SELECT it, send the mail, and then:
      std::printf("welcome, %s\n", delivery->message.payload.c_str());
      std::fflush(stdout);
      outbox.done(delivery->row->ticket);
    } else if (const auto* lost =
                   std::get_if<tidegate::OutboxLost>(&std::get<tidegate::Notice>(*incoming))) {
      std::fprintf(stderr, "announcements of transactions %llu to %llu are %s: look at all users\n",
                   static_cast<unsigned long long>(lost->first),
                   static_cast<unsigned long long>(lost->last),
                   std::string(to_string(lost->why)).c_str());
    }
  }
  if (!outbox.trouble().empty()) std::fprintf(stderr, "%s\n", outbox.trouble().c_str());
  return outbox.trouble().empty() ? 0 : 1;
}
