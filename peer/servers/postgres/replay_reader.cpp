#include "peer/servers/postgres/replay_reader.hpp"

#include <optional>
#include <utility>

#include "peer/servers/postgres/commit_position_reader.hpp"
#include "peer/servers/postgres/tide_reader.hpp"

namespace tidegate::postgres {
namespace {

class ReplayReader final : public TideReader<servers::ReplayReader> {
 public:
  ReplayReader(Database database, std::string connection_string, Database::Timeouts timeouts,
               base::Random random)
      : TideReader(std::move(database), timeouts, base::Random(random.next())),
        connection_string_(std::move(connection_string)),
        timeouts_(timeouts),
        random_(random) {}

  void read(Instant now) override {
    if (ready()) ask_tide(now);
  }

  [[nodiscard]] bool is_primary() const override { return up() && !server_.in_recovery; }

  [[nodiscard]] std::unique_ptr<servers::CommitPositionReader> commit_position_reader()
      const override {
    auto random = random_;
    return open_commit_position_reader(connection_string_, timeouts_, base::Random(random.next()))
        .value();
  }

 private:
  void tide_told(std::optional<Tide> tide, bool, Instant, Events& events) override {
    be_ready();
    events.emplace_back(gate::ReplayPositionRead{std::move(tide), position_asked()});
  }

  std::string connection_string_;
  Database::Timeouts timeouts_;
  base::Random random_;  // for another reader
};

}  // namespace

Result<std::unique_ptr<servers::ReplayReader>> open_replay_reader(
    const std::string& connection_string, Database::Timeouts timeouts, base::Random random) {
  auto database = Database::create(connection_string, Database::Session::replication, timeouts,
                                   base::Random(random.next()));
  if (!database) return database.error();
  return std::unique_ptr<servers::ReplayReader>(
      std::make_unique<ReplayReader>(std::move(*database), connection_string, timeouts, random));
}

}  // namespace tidegate::postgres
