#include "command/doors/status_socket/status_socket.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

#include <sys/socket.h>

#include "peer/io/clock.hpp"

namespace tidegate::status_socket {
namespace {

constexpr std::size_t most_unfinished = 16;
constexpr std::size_t longest_answer = std::size_t{32} << 20U;

}  // namespace

bool write_some(const io::Descriptor& socket, std::string& rest) {
  while (!rest.empty()) {
    const auto sent = send(socket.get(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    rest.erase(0, static_cast<std::size_t>(sent));
  }
  return false;
}

Result<std::unique_ptr<StatusSocket>> StatusSocket::open(const std::string& path,
                                                         io::Reactor& reactor, Document document) {
  auto listener = io::UnixListener::open(path);
  if (!listener) {
    return Error{listener.error().message +
                 "; name another path with --socket, or give this peer another --name"};
  }
  return std::unique_ptr<StatusSocket>(
      new StatusSocket(std::move(listener).value(), reactor, std::move(document)));
}

StatusSocket::StatusSocket(io::UnixListener listener, io::Reactor& reactor, Document document)
    : reactor_(reactor),
      document_(std::move(document)),
      listener_(std::move(listener)),
      watch_(reactor.watch_input(listener_.descriptor(),
                                 [this](io::Readiness) { accept_clients(); })) {}

void StatusSocket::accept_clients() {
  std::optional<std::string> text;
  for (std::size_t taken = 0; taken < most_unfinished; ++taken) {
    auto socket = listener_.accept();
    if (!socket) return;  // nobody is waiting, or the client has gone again
    if (!text) text = document_();
    std::string rest = *text;
    if (!write_some(socket, rest)) continue;
    if (clients_.size() == most_unfinished) clients_.pop_front();
    clients_.push_back({std::move(socket), std::move(rest), {}});
    const auto client = std::prev(clients_.end());
    client->watch = reactor_.watch({client->socket.get(), false, true, 0},
                                   [this, client](io::Readiness) { serve(client); });
  }
}

void StatusSocket::serve(Clients::iterator client) {
  if (!write_some(client->socket, client->rest)) clients_.erase(client);
}

StatusReading::StatusReading(io::Reactor& reactor, std::string path, Instant until)
    : path_(std::move(path)), until_(until), timer_(reactor.timer()) {
  auto socket = io::connect_to_unix(path_);
  if (!socket) {
    answer_ = fail(socket.error().message);
  } else if (!*socket) {
    answer_ = Status(NobodyThere{});
  } else {
    socket_ = std::move(socket).value();
    watch_ = reactor.watch_input(socket_.get(), [this](io::Readiness) { read(); });
    timer_.set(until_);
  }
}

Error StatusReading::fail(const std::string& why) const {
  return Error{"can't ask the peer at " + path_ + ": " + why};
}

void StatusReading::read() {
  std::array<char, 65536> buffer{};
  const auto got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got > 0) {
    text_.append(buffer.data(), static_cast<std::size_t>(got));
    if (text_.size() <= longest_answer) return;
    answer_ = fail("it answers more than any peer would; is another program listening there?");
  } else if (got == 0) {
    answer_ = Status(std::move(text_));
  } else if (errno == EAGAIN || errno == EINTR) {
    return;
  } else {
    answer_ = fail(std::strerror(errno));
  }
  watch_.stop();
}

const std::optional<Result<Status>>& StatusReading::answer() {
  if (!answer_ && io::clock_now() >= until_) {
    answer_ = fail("it does not answer; is it stopped or overloaded?");
    watch_.stop();
  }
  return answer_;
}

Result<Status> read_status(const std::string& path, Duration timeout) {
  io::Reactor reactor;
  StatusReading reading(reactor, path, io::clock_now() + timeout);
  while (!reading.answer()) reactor.run_once(std::chrono::milliseconds(-1));
  return *reading.answer();
}

}  // namespace tidegate::status_socket
