#include "peer/peer_core.hpp"

#include <string>
#include <utility>

#include "lib/message/headers.hpp"

namespace tidegate::peer {
namespace {

using std::chrono::milliseconds;

// For the farewell to reach the wire.
constexpr milliseconds linger{200};

template <typename Kind>
const Kind* in(const Incoming& incoming) {
  const auto* notice = std::get_if<Notice>(&incoming);
  return notice != nullptr ? std::get_if<Kind>(notice) : nullptr;
}

}  // namespace

std::optional<Error> refusal(const std::vector<Problem>& problems) {
  std::string wrong;
  for (const auto& problem : problems) {
    wrong += (wrong.empty() ? "" : "; ") + problem.option + " " + problem.what;
  }
  return wrong.empty() ? std::nullopt : std::optional(Error{std::move(wrong)});
}

Result<World> checked_world(const Options& options, const std::optional<KeptStream>& stream) {
  if (auto wrong = refusal(validate(options))) return std::move(*wrong);
  return open_world(options, stream);
}

Error not_here() {
  return {"this peer belongs to the process that has forked this one; start another one here"};
}

Error one_handler() {
  return {"the peer has a handler already; one calls the functions of all that listen"};
}

Error no_new_keys() { return {"the peer leaves, and takes no other keys on"}; }

Message take_message(Publication& publication) {
  return {std::move(publication.topic), std::move(publication.payload), std::nullopt, std::nullopt,
          std::move(publication.headers)};
}

PeerCore::PeerCore(Options options, World world, Inbox::Shown shown)
    : options_(std::move(options)),
      inbox_(options_.inbox_bytes, shown),
      loop_(options_, std::move(world),
            [this](Incoming incoming) { receive(std::move(incoming)); }) {}

std::optional<Incoming> PeerCore::take(milliseconds timeout) {
  auto incoming = inbox_.pop(timeout);
  if (incoming) {
    if (const auto* coverage = in<Coverage>(*incoming)) questions_.close(coverage->ticket);
    if (const auto* traced = in<Traced>(*incoming)) questions_.close(traced->ticket);
  }
  return incoming;
}

void PeerCore::receive(Incoming incoming) {
  if (const auto* coverage = in<Coverage>(incoming)) {
    if (auto call = calls_.extract(coverage->ticket)) {
      return call.mapped().set_value(coverage->covered);
    }
  }
  const auto bytes = inbox_.push(std::move(incoming));
  if (demand_ && bytes > options_.inbox_bytes) {
    demand_ = false;
    loop_.input(node::input::Demand{false});
    // Everything may have been taken in between, and then no taker opens the gate again.
    if (reopens()) loop_.input(node::input::Demand{true});
  }
}

bool PeerCore::reopens() {
  return !demand_ && inbox_.bytes() <= options_.inbox_bytes / 2 && !demand_.exchange(true);
}

void PeerCore::depart() {
  loop_.input(node::input::Leave{});
  loop_.close(linger);
  inbox_.close();
}

std::optional<Publish> PeerCore::refusal(const Message& message, const Dependency& dependency,
                                         bool has_primary) const {
  if (leaving_) return Publish::leaving;
  if (message.payload.size() > options_.payload_bytes) return Publish::payload_too_large;
  if (!message::valid_headers(message.headers)) return Publish::bad_headers;
  if (std::holds_alternative<AfterCommit>(dependency) && !has_primary) return Publish::no_primary;
  if (std::holds_alternative<AfterRead>(dependency) && !options_.database) {
    return Publish::no_database;
  }
  return std::nullopt;
}

}  // namespace tidegate::peer
