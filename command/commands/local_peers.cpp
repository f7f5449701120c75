#include "command/commands/local_peers.hpp"

#include <chrono>
#include <utility>

#include <unistd.h>

#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/doors/publish_socket/publish_socket.hpp"
#include "command/doors/status_socket/status_socket.hpp"
#include "command/doors/survey_socket/survey_socket.hpp"
#include "command/log.hpp"
#include "command/status_text.hpp"
#include "peer/io/listener.hpp"

namespace tidegate::commands {
namespace {

constexpr Duration ask_bound = std::chrono::seconds(2);
constexpr auto reader_bound = std::chrono::seconds(1);

bool wanted(const status_socket::PeerSocket& peer, const command::Invocation& invocation) {
  const auto& options = invocation.settings.options;
  const auto given = [&](const char* name) { return invocation.given.contains(name); };
  return (!given("mesh") || peer.mesh == options.mesh) &&
         (!given("name") || peer.name == options.name);
}

std::string choice_text(const std::vector<status_socket::PeerSocket>& peers) {
  std::vector<std::vector<std::string>> rows = {{"MESH", "NAME", "SOCKET"}};
  for (const auto& peer : peers) {
    rows.push_back(
        {command::harmless(peer.mesh), command::harmless(peer.name), command::harmless(peer.path)});
  }
  return command::table_text(rows);
}

int say_nobody(const LocalPeers& peers, const command::Invocation& invocation) {
  std::string places;
  for (const auto& place : peers.places) places += (places.empty() ? "" : ", ") + place;
  command::write(invocation.log,
                 {command::LogLevel::error,
                  "no peer runs here, or this user may not see it (looked in " + places +
                      "); start one with `tidegate peer`, ask as its user, or name its "
                      "socket with --socket"});
  return command::exit_status::nobody;
}

int offer_choice(const LocalPeers& peers, const command::Invocation& invocation) {
  command::write(invocation.log, {command::LogLevel::error,
                                  "several peers run here; choose one with --name, --mesh "
                                  "or --socket"});
  json_lines::Output choices(STDERR_FILENO);
  auto text = choice_text(peers.running);
  text.pop_back();
  choices.line(text);
  choices.drain(reader_bound);
  return command::exit_status::usage;
}

}  // namespace

LocalPeers find_local_peers(const command::Invocation& invocation) {
  if (const auto& path = invocation.settings.socket; !path.empty()) {
    return {{{path, "", ""}}, {path}};
  }
  LocalPeers peers;
  peers.places = status_socket::socket_directories(status_socket::socket_places());
  for (auto& found : status_socket::find_peer_sockets(peers.places)) {
    if (!wanted(found, invocation)) continue;
    // A peer that is there but does not answer in time stays in the list: its trouble is shown when
    // it is asked in earnest.
    const auto answer = status_socket::read_status(found.path, ask_bound);
    if (answer && std::holds_alternative<status_socket::NobodyThere>(*answer)) {
      // Removes the other files that it has left behind.
      (void)io::connect_to_unix(publish_socket::path_beside(found.path));
      (void)io::connect_to_unix(survey_socket::path_beside(found.path));
      continue;
    }
    peers.running.push_back(std::move(found));
  }
  return peers;
}

std::variant<status_socket::PeerSocket, int> choose_local_peer(
    const command::Invocation& invocation) {
  auto peers = find_local_peers(invocation);
  if (peers.running.empty()) return say_nobody(peers, invocation);
  if (peers.running.size() > 1) return offer_choice(peers, invocation);
  return std::move(peers.running.front());
}

Result<json_lines::PeerReport> ask_status(const status_socket::PeerSocket& peer) {
  auto answer = status_socket::read_status(peer.path, ask_bound);
  if (!answer) return answer.error();
  if (std::holds_alternative<status_socket::NobodyThere>(*answer)) {
    return Error{"no peer answers at " + peer.path + "; has it ended?"};
  }
  auto status = json_lines::parse_status(std::get<std::string>(*answer));
  if (status) command::sort_peers(*status);
  return status;
}

}  // namespace tidegate::commands
