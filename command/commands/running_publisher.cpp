#include "command/commands/running_publisher.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include <nlohmann/json.hpp>
#include <sys/socket.h>

#include "command/commands/local_peers.hpp"
#include "command/doors/json_lines/bounded_json.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/doors/publish_socket/publish_socket.hpp"
#include "command/doors/status_socket/places.hpp"
#include "peer/io/clock.hpp"
#include "peer/io/listener.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/token.hpp"

namespace tidegate::commands {
namespace {

using json_lines::Json;
using std::chrono::milliseconds;

constexpr std::size_t longest_line = std::size_t{1} << 20U;
constexpr const char* own_id = "pub";

std::vector<status_socket::PeerSocket> peers_of_mesh(const command::Invocation& invocation) {
  const auto& settings = invocation.settings;
  if (!settings.socket.empty()) return {{settings.socket, settings.options.mesh, ""}};
  auto found = status_socket::find_peer_sockets(
      status_socket::socket_directories(status_socket::socket_places()));
  std::erase_if(found, [&](const auto& peer) { return peer.mesh != settings.options.mesh; });
  return found;
}

std::string text_of(const Json& line, const char* member) {
  const auto found = line.find(member);
  return found != line.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<std::optional<Position>> position_of(const Json& line) {
  const auto token = text_of(line, "token");
  if (token.empty()) return std::optional<Position>();
  const auto position = parse_token(token);
  if (!position) return position.error();
  return std::optional(*position);
}

}  // namespace

std::unique_ptr<RunningPublisher> RunningPublisher::find(const command::Invocation& invocation,
                                                         bool after_commit) {
  for (const auto& peer : peers_of_mesh(invocation)) {
    if (after_commit) {
      const auto status = ask_status(peer);
      if (!status || !status->primary.asked) continue;
    }
    if (auto publisher = at(peer)) return publisher;
  }
  return nullptr;
}

std::unique_ptr<RunningPublisher> RunningPublisher::at(const status_socket::PeerSocket& peer) {
  auto connected = for_orders(peer);
  if (!connected) return nullptr;
  auto publisher = std::move(connected).value();
  // The first word: it takes clients.
  const auto first = publisher->next(io::clock_now() + std::chrono::seconds(2));
  if (!first || text_of(*first, "type") != "ready_peers") return nullptr;
  publisher->take(*first);
  return publisher;
}

Result<std::unique_ptr<RunningPublisher>> RunningPublisher::for_orders(
    const status_socket::PeerSocket& peer) {
  auto socket = io::connect_to_unix(publish_socket::path_beside(peer.path));
  if (!socket || !*socket) {
    return Error{"the peer at " + peer.path +
                 " takes no orders; ask as its user, and look whether it runs"};
  }
  return std::unique_ptr<RunningPublisher>(new RunningPublisher(std::move(socket).value()));
}

RunningPublisher::RunningPublisher(io::Descriptor socket)
    : socket_(std::move(socket)), lines_(longest_line) {}

Result<std::size_t> RunningPublisher::wait_ready(std::optional<std::size_t> wanted,
                                                 Duration bound) {
  const auto end = io::clock_now() + bound;
  while (wanted ? ready_ < *wanted : ready_ == 0 || !settled_) {
    if (io::clock_now() >= end) break;
    const auto line = next(end);
    if (!line && io::clock_now() < end) return line.error();
    if (line) take(*line);
  }
  return ready_;
}

Result<std::optional<Position>> RunningPublisher::publish(
    const json_lines::Publication& publication, Duration bound) {
  json_lines::Output output(socket_.get());
  auto with_id = publication;
  with_id.id = json_lines::to_text(Json(own_id));
  output.line(json_lines::to_text(json_lines::to_json(with_id)));
  output.drain(bound);
  const auto end = io::clock_now() + bound;
  while (true) {
    const auto line = next(end);
    if (!line) return Error{line.error().message + "; whether it is sent is not known"};
    const auto type = text_of(*line, "type");
    if (type == "sent") return position_of(*line);
    if (type == "error") return Error{"not published: " + text_of(*line, "message")};
    if (type == "unpublished") return Error{"not sent: " + text_of(*line, "why")};
    take(*line);
  }
}

std::optional<Error> RunningPublisher::trust_primary(Duration bound) {
  const auto answer = order(R"({"trust":"primary"})", "trusted", bound);
  return answer ? std::nullopt : std::optional(answer.error());
}

Result<std::vector<std::string>> RunningPublisher::reload_keys(Duration bound) {
  const auto answer = order(R"({"keys":"reload"})", "keys", bound);
  if (!answer) return answer.error();
  std::vector<std::string> names;
  const auto keys = answer->find("keys");
  if (keys != answer->end() && keys->is_array()) {
    for (const auto& name : *keys) {
      if (name.is_string()) names.push_back(name.get<std::string>());
    }
  }
  return names;
}

Result<Json> RunningPublisher::wait_covered(const json_lines::Wait& wait, Duration bound) {
  return order(json_lines::to_text(json_lines::to_json(wait)), "covered", bound);
}

Result<Json> RunningPublisher::trace(const json_lines::Trace& trace, Duration bound) {
  return order(json_lines::to_text(json_lines::to_json(trace)), "traced", bound);
}

Result<Json> RunningPublisher::order(const std::string& line, const char* answer, Duration bound) {
  json_lines::Output output(socket_.get());
  output.line(line);
  output.drain(bound);
  const auto end = io::clock_now() + bound;
  while (true) {
    auto got = next(end);
    if (!got || text_of(*got, "type") == answer) return got;
    // Line 0 is none of ours: no courier could be started, which orders don't need.
    if (text_of(*got, "type") == "error" && got->value("line", 0) != 0) {
      return Error{text_of(*got, "message")};
    }
    take(*got);
  }
}

Result<Json> RunningPublisher::next(Instant end) {
  bool gone = false;
  io::Reactor reactor;
  const auto watch = reactor.watch_input(socket_.get(), [&](io::Readiness) {
    std::array<char, 65536> buffer{};
    const auto got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) {
      lines_.add(buffer.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      gone = true;
    }
  });
  while (true) {
    if (const auto line = lines_.next()) {
      auto json = json_lines::read_json(line->text, {});
      if (json && json->is_object()) return json;
      continue;
    }
    if (gone) return Error{"the running peer has gone"};
    const auto left = std::chrono::ceil<milliseconds>(end - io::clock_now());
    if (left.count() <= 0) return Error{"the running peer has not answered in time"};
    reactor.run_once(left);
  }
}

void RunningPublisher::take(const Json& line) {
  if (text_of(line, "type") != "ready_peers") return;
  const auto ready = line.find("ready");
  if (ready != line.end() && ready->is_number_unsigned()) ready_ = ready->get<std::size_t>();
  settled_ = line.find("settled") != line.end() && line["settled"] == true;
}

}  // namespace tidegate::commands
