#include "command/doors/stomp/client.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <utility>

#include <sys/socket.h>

namespace tidegate::stomp_door {
namespace {

// Behind the last bytes: a socket that is closed while input waits takes them back.
constexpr Duration linger_bound = std::chrono::seconds(2);
// Written at a time, so that one client does not stop the others.
constexpr std::size_t most_written = std::size_t{1} << 20U;

using Buffer = std::array<char, 65536>;

}  // namespace

Client::Client(io::Descriptor socket, std::string who, stomp::SessionOptions options,
               io::Reactor& reactor, std::function<void()> ready, std::function<void()> before,
               Instant now)
    : session(std::move(options), now),
      reactor_(reactor),
      ready_(std::move(ready)),
      before_(std::move(before)),
      socket_(std::move(socket)),
      who_(std::move(who)) {}

bool Client::reads() const {
  return !input_over_ && waiting.empty() && (session.wants_input() || lingers_until_ != never);
}

bool Client::read(Instant now) {
  if (!reads()) return false;
  Buffer buffer{};
  const auto got = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got > 0) {
    session.receive(std::string_view(buffer.data(), static_cast<std::size_t>(got)), now);
    return true;
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  input_over_ = true;
  session.input_ended(now);
  return false;
}

void Client::write(Instant now) {
  write_some(now);
  if (session.over() && lingers_until_ == never) {
    lingers_until_ = now + linger_bound;
    shutdown(socket_.get(), SHUT_WR);
  }
  // A socket of which nothing is wanted would still tell that its other end is closed.
  const io::Interest interest{socket_.get(), reads(), !deaf_ && !session.output().empty(), 0};
  if (!interest.read && !interest.write) {
    watch_.stop();
  } else if (watch_) {
    watch_.follow(interest);
  } else {
    watch_ = reactor_.watch(interest, [this](io::Readiness) { ready_(); });
  }
}

void Client::write_some(Instant now) {
  for (std::size_t written = 0; written < most_written;) {
    const auto output = session.output();
    if (output.empty()) return;
    if (deaf_) {
      session.wrote(output.size(), now);
      continue;
    }
    before_();
    const auto sent =
        send(socket_.get(), output.data(), output.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      session.wrote(static_cast<std::size_t>(sent), now);
      written += static_cast<std::size_t>(sent);
    } else if (errno != EINTR) {
      if (errno == EAGAIN) return;
      deaf_ = true;
    }
  }
}

bool Client::gone(Instant now) const {
  if (!waiting.empty() || !session.ended()) return false;
  return session.over() && (input_over_ || deaf_ || now >= lingers_until_);
}

Instant Client::deadline() const { return std::min(session.deadline(), lingers_until_); }

}  // namespace tidegate::stomp_door
