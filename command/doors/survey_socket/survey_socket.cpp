#include "command/doors/survey_socket/survey_socket.hpp"

#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

#include "command/doors/json_lines/json_pairs.hpp"
#include "command/doors/status_socket/status_socket.hpp"
#include "command/health/doctor_pairs.hpp"

namespace tidegate::survey_socket {
namespace {

constexpr std::size_t most_clients = 16;

}  // namespace

std::string path_beside(const std::string& path) { return path + ".survey"; }

Result<std::unique_ptr<SurveySocket>> SurveySocket::open(const std::string& path,
                                                         io::Reactor& reactor, DrivenPeer& peer) {
  auto listener = io::UnixListener::open(path);
  if (!listener) return listener.error();
  return std::unique_ptr<SurveySocket>(
      new SurveySocket(std::move(listener).value(), reactor, peer));
}

SurveySocket::SurveySocket(io::UnixListener listener, io::Reactor& reactor, DrivenPeer& peer)
    : reactor_(reactor),
      peer_(peer),
      status_(peer.status()),
      listener_(std::move(listener)),
      watch_(reactor.watch_input(listener_.descriptor(),
                                 [this](io::Readiness) { accept_clients(); })) {}

void SurveySocket::accept_clients() {
  for (std::size_t taken = 0; taken < most_clients; ++taken) {
    auto socket = listener_.accept();
    if (!socket) break;
    if (clients_.size() == most_clients) clients_.pop_front();
    clients_.push_back({std::move(socket), {}, {}});
  }
  if (clients_.empty() || std::exchange(asked_, true)) return;
  peer_.survey([self = std::weak_ptr(self_)](const Survey& survey) {
    if (const auto alive = self.lock()) (*alive)->answer(survey);
  });
}

// In the midst of the peer's loop: only what waits is written.
void SurveySocket::answer(const Survey& survey) {
  asked_ = false;
  const auto findings = health::judge_pairs(survey, status_.mesh, status_.beacon_port);
  const auto text =
      json_lines::to_text(json_lines::pairs_document(survey, status_.mesh, findings)) + "\n";
  for (auto client = clients_.begin(); client != clients_.end();) {
    const auto next = std::next(client);
    if (client->rest.empty()) {
      client->rest = text;
      client->watch = reactor_.watch({client->socket.get(), false, true, 0},
                                     [this, client](io::Readiness) { write(client); });
    }
    client = next;
  }
}

void SurveySocket::write(Clients::iterator client) {
  if (!status_socket::write_some(client->socket, client->rest)) clients_.erase(client);
}

void SurveySocket::peer_leaves() {
  watch_.stop();
  clients_.clear();
}

}  // namespace tidegate::survey_socket
