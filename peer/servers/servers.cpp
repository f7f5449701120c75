#include "peer/servers/servers.hpp"

#include <optional>
#include <string_view>

#include "peer/servers/postgres/commit_position_reader.hpp"
#include "peer/servers/postgres/outbox_reader.hpp"
#include "peer/servers/postgres/replay_reader.hpp"

namespace tidegate::servers {
namespace {

// Why no reader can be made for the text; only PostgreSQL has one so far.
std::optional<Error> unknown_kind(const std::string& server) {
  const auto scheme = std::string_view(server).substr(0, server.find("://"));
  if (scheme.size() == server.size() || scheme == "postgresql" || scheme == "postgres" ||
      scheme.find_first_not_of("abcdefghijklmnopqrstuvwxyz+") != std::string_view::npos) {
    return std::nullopt;
  }
  return Error{"no kind of server is known for " + std::string(scheme) +
               "://; write a libpq connection string, or postgresql://..."};
}

}  // namespace

Result<std::unique_ptr<ReplayReader>> open_replay_reader(const std::string& server,
                                                         std::uint64_t seed) {
  if (auto error = unknown_kind(server)) return *error;
  return postgres::open_replay_reader(server, {}, base::Random(seed));
}

Result<std::unique_ptr<CommitPositionReader>> open_commit_position_reader(const std::string& server,
                                                                          std::uint64_t seed) {
  if (auto error = unknown_kind(server)) return *error;
  return postgres::open_commit_position_reader(server, {}, base::Random(seed));
}

Result<std::unique_ptr<OutboxReader>> open_outbox_reader(const std::string& server,
                                                         std::uint64_t seed) {
  if (auto error = unknown_kind(server)) return *error;
  return postgres::open_outbox_reader(server, {}, base::Random(seed));
}

}  // namespace tidegate::servers
