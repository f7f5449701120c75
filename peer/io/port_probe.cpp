#include "peer/io/port_probe.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>

#include <netdb.h>
#include <sys/socket.h>

namespace tidegate::io {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

// nullptr: it is none. No name server is asked.
Addresses parse(const base::Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto port = std::to_string(endpoint.port);
  if (getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found) != 0) return nullptr;
  return Addresses(found);
}

PortAnswer answer_of(int error) {
  switch (error) {
    case ECONNREFUSED:
      return PortAnswer::refused;
    case ETIMEDOUT:
      return PortAnswer::no_answer;
    case ECONNRESET:
      return PortAnswer::silent;
    default:
      return PortAnswer::unreachable;
  }
}

}  // namespace

void PortProbe::finish(Attempt& attempt, PortAnswer answer) {
  attempt.answer = answer;
  attempt.done = true;
  attempt.watch.stop();
}

void PortProbe::ask(const base::Endpoint& endpoint, Instant now) {
  auto& attempt = attempts_.emplace_back(Attempt{endpoint, now + patience_});
  const auto address = parse(endpoint);
  if (!address) return finish(attempt, PortAnswer::unreachable);
  attempt.socket = Descriptor(
      socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!attempt.socket) return finish(attempt, PortAnswer::untested);
  if (connect(attempt.socket.get(), address->ai_addr, address->ai_addrlen) != 0 &&
      errno != EINPROGRESS) {
    return finish(attempt, answer_of(errno));
  }
  attempt.watch = reactor_.watch({attempt.socket.get(), false, true, 0},
                                 [this, &attempt](Readiness) { look(attempt); });
}

void PortProbe::look(Attempt& attempt) const {
  const int socket = attempt.socket.get();
  if (!attempt.connected) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return finish(attempt, answer_of(error));
    attempt.connected = true;
    attempt.watch.follow({socket, true, false, 0});
    return;
  }
  std::array<char, 64> first{};
  const auto got = recv(socket, first.data(), first.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return finish(attempt, PortAnswer::silent);
  const bool speaks = greeting_({first.data(), static_cast<std::size_t>(got)});
  finish(attempt, speaks ? PortAnswer::speaks : PortAnswer::other);
}

Instant PortProbe::deadline() const {
  auto earliest = never;
  for (const auto& attempt : attempts_) {
    earliest = std::min(earliest, attempt.done ? Instant::min() : attempt.until);
  }
  return earliest;
}

std::vector<PortProbe::Tested> PortProbe::take(Instant now) {
  std::vector<Tested> tested;
  for (auto attempt = attempts_.begin(); attempt != attempts_.end();) {
    if (!attempt->done && now >= attempt->until) {
      finish(*attempt, attempt->connected ? PortAnswer::silent : PortAnswer::no_answer);
    }
    if (!attempt->done) {
      ++attempt;
      continue;
    }
    tested.push_back({std::move(attempt->endpoint), attempt->answer});
    attempt = attempts_.erase(attempt);
  }
  return tested;
}

}  // namespace tidegate::io
