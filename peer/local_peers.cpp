#include "local_peers.hpp"

#include <chrono>

#include "json.hpp"
#include "status_text.hpp"

namespace tidegate {
namespace {

constexpr Duration ask_bound = std::chrono::seconds(2);

bool wanted(const PeerSocket& peer, const Invocation& invocation) {
  const auto& options = invocation.settings.options;
  const auto given = [&](const char* name) { return invocation.given.contains(name); };
  return (!given("mesh") || peer.mesh == options.mesh) &&
         (!given("name") || peer.name == options.name);
}

}  // namespace

LocalPeers find_local_peers(const Invocation& invocation) {
  if (const auto& path = invocation.settings.socket; !path.empty()) {
    return {{{path, "", ""}}, {path}};
  }
  LocalPeers peers;
  peers.places = socket_directories(socket_places());
  for (auto& found : find_peer_sockets(peers.places)) {
    if (!wanted(found, invocation)) continue;
    // A peer that is there but does not answer in time stays in the list: its trouble is shown when
    // it is asked in earnest.
    const auto answer = read_status(found.path, ask_bound);
    if (answer && std::holds_alternative<NobodyThere>(*answer)) continue;
    peers.running.push_back(std::move(found));
  }
  return peers;
}

Result<Status> ask_status(const PeerSocket& peer) {
  auto answer = read_status(peer.path, ask_bound);
  if (!answer) return answer.error();
  if (std::holds_alternative<NobodyThere>(*answer)) {
    return Error{"no peer answers at " + peer.path + "; has it ended?"};
  }
  return parse_status(std::get<std::string>(*answer));
}

std::string choice_text(const std::vector<PeerSocket>& peers) {
  std::vector<std::vector<std::string>> rows = {{"MESH", "NAME", "SOCKET"}};
  for (const auto& peer : peers) {
    rows.push_back({harmless(peer.mesh), harmless(peer.name), harmless(peer.path)});
  }
  return table_text(rows);
}

}  // namespace tidegate
