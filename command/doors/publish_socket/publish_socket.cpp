#include "command/doors/publish_socket/publish_socket.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <nlohmann/json.hpp>

#include "command/doors/json_lines/json.hpp"
#include "lib/base/limits.hpp"
#include "lib/base/utf8.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::publish_socket {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t most_clients = 64;
constexpr Duration idle_bound = std::chrono::minutes(1);
constexpr milliseconds at_once{0};
constexpr milliseconds leave_bound{500};
constexpr std::string_view suffix = " pub";

// The courier watches no server: it delivers nothing.
Options courier_options(Options options) {
  options.name = options.name.substr(0, base::limits::peer_name_bytes - suffix.size());
  while (!base::is_utf8(options.name)) options.name.pop_back();
  options.name += suffix;
  options.state_file.clear();
  if (!options.primary) options.primary = options.database;
  options.database.reset();
  options.report_sent = true;
  options.own_messages = OwnMessages::none;
  return options;
}

}  // namespace

std::string path_beside(const std::string& path) { return path + ".pub"; }

Result<std::unique_ptr<PublishSocket>> PublishSocket::open(const std::string& path,
                                                           io::Reactor& reactor,
                                                           doors::Orders& orders,
                                                           const Options& options) {
  auto listener = io::UnixListener::open(path);
  if (!listener) return listener.error();
  return std::unique_ptr<PublishSocket>(
      new PublishSocket(std::move(listener).value(), reactor, orders, options));
}

PublishSocket::PublishSocket(io::UnixListener listener, io::Reactor& reactor, doors::Orders& orders,
                             const Options& options)
    : reactor_(reactor),
      orders_(orders),
      options_(courier_options(options)),
      listener_(std::move(listener)),
      listen_watch_(
          reactor.watch_input(listener_.descriptor(), [this](io::Readiness) { accept_client(); })),
      idle_(reactor.timer([this] { rest(); })),
      settles_(reactor.timer([this] { run_courier(); })) {}

void PublishSocket::trust_primary() {
  if (courier_) courier_->trust_primary();
}

// One that can't read the file now keeps the keys that it has, like its peer.
void PublishSocket::reload_keys() {
  if (courier_) (void)courier_->reload_keys();
}

void PublishSocket::accept_client() {
  while (true) {
    auto socket = listener_.accept();
    if (!socket) break;
    io::Descriptor same(fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
    // A client too many sees the end at once, and joins itself.
    if (clients_.size() == most_clients || !same) continue;
    clients_.emplace_back(std::move(socket), std::move(same), reactor_, options_.payload_bytes);
    if (!courier_) start_courier(clients_.back());
  }
  serve_clients();
}

void PublishSocket::start_courier(Client& client) {
  auto started = DrivenPeer::start(options_);
  if (!started) {
    client.output.line(json_lines::to_text(json_lines::publish_error(0, started.error().message)));
    return;
  }
  courier_ = std::move(started).value();
  settling_.emplace(std::nullopt);
  settled_ = false;
  courier_watch_ =
      reactor_.watch_input(courier_->descriptor(), [this](io::Readiness) { run_courier(); });
}

void PublishSocket::run_courier() {
  if (!courier_) return;
  courier_->run_once(at_once);
  take_answers();
  settled_ = settled_ || settling_->settled(courier_->status(), io::clock_now());
  settles_.set(settled_ ? never : settling_->settles_at());
  serve_clients();
}

void PublishSocket::take_answers() {
  while (const auto incoming = courier_->next(at_once)) {
    const auto* notice = std::get_if<Notice>(&*incoming);
    if (notice == nullptr) continue;
    for (auto& client : clients_) {
      const auto id = client.input.take_id(*notice);
      if (!id.empty()) client.output.line(json_lines::to_text(json_lines::to_json(*notice, id)));
    }
  }
}

std::string PublishSocket::peers_line() {
  const auto status = courier_->status();
  const auto ready = static_cast<std::size_t>(
      std::count_if(status.peers.begin(), status.peers.end(),
                    [](const auto& peer) { return peer.state == PeerState::ready; }));
  return json_lines::to_text(json_lines::ready_peers(ready, settled_));
}

void PublishSocket::serve_clients() {
  const auto peers = courier_ ? peers_line() : "";
  for (auto& client : clients_) serve(client, peers);
  for (auto& client : clients_) client.output.flush();
  clients_.remove_if([](const Client& client) {
    return client.output.closed() || (!client.output.pending() && client.input.done());
  });
  idle_.set(courier_ && clients_.empty() ? io::clock_now() + idle_bound : never);
}

void PublishSocket::serve(Client& client, const std::string& peers) {
  if (!peers.empty() && client.told != peers) client.output.line(client.told = peers);
  if (!client.output.full()) client.input.pump(courier_.get(), orders_, client.output);
  client.paused = client.output.full();
  if (client.paused || !client.input.wants_input()) {
    client.watch.stop();
  } else if (!client.watch) {
    client.watch = reactor_.watch_input(client.socket.get(), [this, &client](io::Readiness) {
      client.input.read();
      serve_clients();
    });
  }
}

// The answers to questions.
void PublishSocket::handle(const Incoming& incoming) {
  const auto* notice = std::get_if<Notice>(&incoming);
  const auto question = notice != nullptr ? json_lines::question_of(*notice) : std::nullopt;
  if (!question) return;
  for (auto& client : clients_) {
    const auto id = client.input.take_question(*question);
    if (!id) continue;
    client.output.line(json_lines::to_text(json_lines::to_json(*notice, *id)));
    return serve_clients();
  }
}

void PublishSocket::peer_has_turned() {
  const bool some_has_read = std::any_of(clients_.begin(), clients_.end(), [](const auto& client) {
    return client.paused && !client.output.full();
  });
  if (some_has_read) serve_clients();
}

void PublishSocket::rest() {
  courier_watch_.stop();
  courier_.reset();
  settles_.set(never);
  idle_.set(never);
}

void PublishSocket::peer_leaves() {
  listen_watch_.stop();
  if (!courier_) return;
  courier_->leave(leave_bound);
  take_answers();
  for (auto& client : clients_) client.output.drain(leave_bound);
  clients_.clear();
  rest();
}

}  // namespace tidegate::publish_socket
