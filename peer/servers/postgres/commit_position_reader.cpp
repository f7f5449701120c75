#include "peer/servers/postgres/commit_position_reader.hpp"

#include <utility>

#include "lib/base/must.hpp"
#include "peer/servers/postgres/conversation.hpp"
#include "peer/servers/postgres/server_sql.hpp"

namespace tidegate::postgres {
namespace {

class CommitPositionReader final : public Conversation<servers::CommitPositionReader> {
 public:
  explicit CommitPositionReader(Database database) : Conversation(std::move(database)) {}

  void query(Instant now) override {
    TIDEGATE_MUST(ready());
    read(now);
  }

  void nudge(Instant now) override {
    TIDEGATE_MUST(ready());
    nudging_ = true;
    ask(nudge_sql, now);
  }

 private:
  void read(Instant now) {
    nudging_ = false;
    ask(commit_position_sql, now);
  }

  void introduced(Instant now, Events& events) override;
  void answered(const Rows& rows, Instant now, Events& events) override;
  void refused(const Database::QueryFailed& refusal, Instant now, Events& events) override {
    give_up("the server refused to tell its WAL position: " + refusal.message, now, events);
  }
  void went_down(bool news, std::string reason, Events& events) override {
    if (news) events.emplace_back(PrimaryDown{std::move(reason)});
  }

  bool nudging_ = false;  // the question under way
};

void CommitPositionReader::introduced(Instant now, Events& events) {
  if (server_.in_recovery) {
    return give_up(database_.server() +
                       " is a standby, and changes are committed on the primary: name the primary, "
                       "or all servers and the condition, as in 'host=a,b "
                       "target_session_attrs=primary'",
                   now, events);
  }
  come_up();
  events.emplace_back(PrimaryUp{server_.incarnation, server_.description});
}

void CommitPositionReader::answered(const Rows& rows, Instant now, Events& events) {
  // A statement of its own: read in the nudge's transaction, the LSNs would be those before its
  // commit.
  if (nudging_) return read(now);
  const auto reading = read_commit_position(rows, server_.incarnation, server_.layout);
  if (!reading) return give_up(reading.error().message, now, events);
  be_ready();
  events.emplace_back(gate::CommitPositionRead{*reading});
}

}  // namespace

Result<std::unique_ptr<servers::CommitPositionReader>> open_commit_position_reader(
    const std::string& connection_string, Database::Timeouts timeouts) {
  auto database = Database::create(connection_string, Database::Session::plain, timeouts);
  if (!database) return database.error();
  return std::unique_ptr<servers::CommitPositionReader>(
      std::make_unique<CommitPositionReader>(std::move(*database)));
}

}  // namespace tidegate::postgres
