// A peer with a thread of its own: every call of the public interface, as far as it is not the
// thread's (peer_thread.hpp).
#include "tidegate/peer.hpp"

#include <utility>

#include "lib/base/saturated.hpp"
#include "lib/message/footprint.hpp"
#include "peer/io/thread.hpp"
#include "peer/peer_thread.hpp"

namespace tidegate {

using std::chrono::milliseconds;

Result<std::unique_ptr<Peer>> Peer::start(Options options) {
  auto world = peer::checked_world(options);
  if (!world) return world.error();
  auto thread = std::make_shared<Thread>(std::move(options), std::move(world).value());
  if (auto error = thread->start()) return std::move(*error);
  return std::unique_ptr<Peer>(new Peer(std::move(thread)));
}

Peer::Peer(std::shared_ptr<Thread> thread) : thread_(std::move(thread)) {}

Peer::~Peer() {
  if (thread_->core.here()) {
    leave();
    thread_->stop_pushing();
  } else {
    io::abandon(std::move(thread_));
  }
}

Published Peer::publish(Topic topic, std::string payload, Dependency dependency) {
  return publish({std::move(topic), std::move(payload), std::move(dependency)});
}

Published Peer::publish(Publication publication) {
  auto& thread = *thread_;
  if (!thread.core.here()) return {Publish::other_process};
  auto& dependency = publication.dependency;
  auto message = peer::take_message(publication);
  if (const auto why = thread.core.refusal(message, dependency, thread.has_primary)) {
    if (*why == Publish::no_primary) thread.look_for_primary();
    return {*why};
  }
  const auto bytes = message::footprint(message);
  const auto acknowledged = publication.acknowledged;
  const auto unanswered = acknowledged ? thread.unacknowledged_bytes.load() : 0;
  if (!thread.core.fits(bytes, thread.unsent_bytes + thread.mailbox.bytes() + unanswered)) {
    return {Publish::queue_full};
  }
  const auto ticket =
      thread.publish({std::move(message), std::move(dependency), acknowledged}, bytes);
  return {ticket == 0 ? Publish::leaving : Publish::accepted, ticket};
}

void Peer::subscribe(Pattern pattern) {
  if (thread_->core.here()) thread_->input(node::input::Subscribe{std::move(pattern)});
}

void Peer::unsubscribe(const Pattern& pattern) {
  if (thread_->core.here()) thread_->input(node::input::Unsubscribe{pattern});
}

std::optional<Incoming> Peer::next(milliseconds timeout) {
  if (!thread_->core.here() || thread_->pushes) return std::nullopt;
  return thread_->take(timeout);
}

int Peer::descriptor() const {
  return thread_->core.here() ? thread_->core.inbox_descriptor() : -1;
}

std::optional<Error> Peer::on_incoming(std::function<void(Incoming)> handler) {
  if (!thread_->core.here()) return peer::not_here();
  return thread_->push_to(std::move(handler), thread_);
}

Covered Peer::covered(const Position& position, milliseconds timeout) {
  return thread_->core.here() ? thread_->covered(position, timeout) : Covered::unknown;
}

Asked Peer::when_covered(const Position& position, milliseconds timeout, Where where) {
  auto& thread = *thread_;
  if (!thread.core.here()) return {Ask::other_process};
  if (thread.core.leaving()) return {Ask::leaving};
  auto& questions = thread.core.questions();
  const auto ticket = questions.open(where);
  if (!ticket) return {Ask::too_many};
  node::input::Ask ask{*ticket, position, base::saturated(timeout), where};
  if (thread.post(std::move(ask))) return {Ask::accepted, *ticket};
  questions.close(*ticket);
  return {Ask::leaving};
}

bool Peer::wait_ready(std::size_t count, milliseconds timeout) {
  return thread_->core.here() && thread_->wait_ready(count, timeout);
}

Status Peer::status() { return thread_->core.here() ? thread_->status() : Status{}; }

void Peer::trust_primary() {
  if (thread_->core.here()) thread_->input(node::input::TrustPrimary{});
}

Result<std::vector<std::string>> Peer::reload_keys() {
  if (!thread_->core.here()) return peer::not_here();
  return thread_->use_keys(thread_->core.reopen_keyring());
}

Result<std::vector<std::string>> Peer::use_keys(const std::string& text) {
  if (!thread_->core.here()) return peer::not_here();
  return thread_->use_keys(thread_->core.other_keyring(text));
}

void Peer::leave(milliseconds timeout) {
  if (thread_->core.here()) thread_->leave(timeout);
}

}  // namespace tidegate
