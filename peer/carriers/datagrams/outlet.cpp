#include "peer/carriers/datagrams/outlet.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "peer/carriers/datagrams/sockets.hpp"

namespace tidegate::datagrams {
namespace {

constexpr std::size_t most_at_once = 1024;  // in one system call, as Linux bounds it
constexpr int most_errors = 64;             // that are looked at in one go
// A call may tell of an earlier datagram, to another reader, instead of sending this one.
constexpr int most_tries = 2;

// No room in the system just now: what is left counts as lost on the way.
bool is_shortage(int error) { return error == EAGAIN || error == ENOBUFS || error == ENOMEM; }

}  // namespace

Outlet::Outlet(Sending& sending, Intake& intake, io::Descriptor socket, const Address& own)
    : sending_(sending), own_(own), inlet_(intake, std::move(socket), *this) {}

Arrival Outlet::take(std::span<std::uint8_t> datagram, const Address& from) {
  const auto view = parse(datagram, sending_.seal_.has_value());
  const auto* ack = view ? std::get_if<AckView>(&*view) : nullptr;
  return ack != nullptr ? sending_.take_ack(*ack, *this, from) : Malformed{};
}

void Outlet::add(Path& path, const FrameHead& head) {
  targets_.push_back(&path);
  heads_.push_back(head);
}

void Outlet::flush(std::size_t head_size, std::span<const std::uint8_t> body) {
  const auto count = targets_.size();
  parts_.resize(2 * count);
  messages_.resize(count);
  for (std::size_t at = 0; at < count; ++at) {
    parts_[2 * at] = {heads_[at].data(), head_size};
    parts_[2 * at + 1] = {const_cast<std::uint8_t*>(body.data()), body.size()};
    auto& message = messages_[at].msg_hdr;
    message = {};
    message.msg_name = targets_[at]->reader.generic();
    message.msg_namelen = targets_[at]->reader.size;
    message.msg_iov = &parts_[2 * at];
    message.msg_iovlen = 2;
  }
  send_all();
  targets_.clear();
  heads_.clear();
}

void Outlet::send_all() {
  int tries = 0;
  for (std::size_t at = 0; at < targets_.size();) {
    const auto wanted = std::min(targets_.size() - at, most_at_once);
    const int sent = sendmmsg(inlet_.socket().get(), &messages_[at], static_cast<unsigned>(wanted),
                              MSG_DONTWAIT);
    const int error = errno;
    if (sent > 0) {
      for (int left = sent; left > 0; --left) targets_[at++]->broken = false;
      tries = 0;
    } else if (error == EINTR) {
      continue;
    } else if (is_shortage(error)) {
      return;
    } else if (skips(at, ++tries)) {
      ++at;
      tries = 0;
    }
  }
}

// Whether the one that could not be sent is to be left out, or to be tried once more.
bool Outlet::skips(std::size_t at, int tries) {
  auto& path = *targets_[at];
  // Twice without a word of it by address: it is this one's own.
  if (!take_errors(&path) && tries < most_tries) return false;
  sending_.set_broken(path);
  return true;
}

// Whether one was of that path.
bool Outlet::take_errors(const Path* asked) {
  bool found = false;
  for (int left = most_errors; left > 0; --left) {
    const auto to = take_error(inlet_.socket());
    if (!to) break;
    for (auto& [id, path] : sending_.paths_) {
      if (path.outlet != this || !same(path.reader, *to)) continue;
      sending_.set_broken(path);
      found = found || &path == asked;
    }
  }
  return found;
}

}  // namespace tidegate::datagrams
