// How the loop executes the effects of its node: each is one call of the world.
#include <algorithm>
#include <utility>

#include "discovery/beacon_seal.hpp"
#include "discovery/seeds.hpp"
#include "lib/mesh/stream_part.hpp"
#include "peer/loop.hpp"

namespace tidegate::peer {

namespace stream_part = mesh::stream_part;

namespace {

std::string text_of(const base::Endpoint& endpoint) {
  return to_string(discovery::Seed{endpoint.host, endpoint.port});
}

}  // namespace

void Loop::execute(node::effect::Dial& e) {
  if (carrier_->dial(e.link, e.endpoint, e.key)) return;
  not_dialled_.insert_or_assign(e.link, e);
  connect_again_at_ = std::min(connect_again_at_, now_ + connect_again_after);
  warn("can't dial " + text_of(e.endpoint) +
       ", and tries again: no open file is left; raise LimitNOFILE (ulimit -n)");
}

void Loop::execute(node::effect::Undial& e) {
  if (not_dialled_.erase(e.link) == 0) carrier_->undial(e.link);
}

void Loop::execute(node::effect::Resolve& e) { resolver_.ask(e.host, now_); }

void Loop::execute(node::effect::Follow& e) {
  if (carrier_->follow(e.publisher, e.endpoint, e.key)) return;
  not_followed_.insert_or_assign(e.publisher, e);
  connect_again_at_ = std::min(connect_again_at_, now_ + connect_again_after);
  warn("can't subscribe to " + text_of(e.endpoint) + ", and tries again");
}

void Loop::execute(node::effect::Unfollow& e) {
  if (not_followed_.erase(e.publisher) == 0) carrier_->unfollow(e.publisher);
}

void Loop::execute(node::effect::OpenPath& e) {
  node::input::PathOpened answer{e.publisher, e.path, {}};
  if (datagrams_) {
    if (auto opened = datagrams_->open(e.publisher, e.path, e.host)) answer.socket = *opened;
  }
  input(answer);
}

void Loop::execute(node::effect::ClosePath& e) {
  if (datagrams_) datagrams_->close(e.publisher);
}

void Loop::execute(node::effect::SubscribeShared& e) {
  carrier_->subscribe_shared(e.publisher, e.wanted);
}

void Loop::execute(node::effect::Acknowledge& e) {
  if (datagrams_) datagrams_->acknowledge(e.publisher, e.ack);
}

// Where no way leads the probes are lost, as elsewhere.
void Loop::execute(node::effect::AdmitPath& e) {
  if (datagrams_) (void)datagrams_->admit(e.path, e.endpoint, e.secret);
}

void Loop::execute(node::effect::DropPath& e) {
  if (datagrams_) datagrams_->drop(e.path);
}

void Loop::execute(node::effect::ProbePath& e) {
  if (datagrams_) datagrams_->probe(e.number, e.size);
}

void Loop::execute(node::effect::Remind& e) { send_apart(e.datagrams, e.alone, encode(e.frame)); }

void Loop::execute(node::effect::ToLink& e) { carrier_->to_link(e.link, encode(e.frame)); }
void Loop::execute(node::effect::ToRoute& e) { carrier_->to_route(e.route, encode(e.frame)); }

void Loop::execute(node::effect::Broadcast& e) {
  auto bytes = encode(e.frame, stream_part::everyone);
  const auto* data = std::get_if<mesh::Data>(&e.frame);
  if (datagrams_ && data != nullptr) {
    const auto frame = std::string_view(bytes).substr(stream_part::everyone.size());
    const auto& plan = node_.send_plan(data->first + data->messages.size() - 1, frame.size(), now_);
    send_apart(plan.datagrams, plan.alone, frame);
    if (!plan.everyone) bytes.replace(0, stream_part::everyone.size(), stream_part::shared);
  }
  carrier_->broadcast(std::move(bytes));
}

void Loop::send_apart(const std::vector<mesh::PathNumber>& datagrams,
                      const std::vector<PeerId>& alone, std::string_view frame) {
  if (datagrams_ && !datagrams.empty()) datagrams_->send(datagrams, frame);
  for (const auto& reader : alone) carrier_->broadcast(stream_part::alone(reader).append(frame));
}

void Loop::execute(node::effect::Announce& e) {
  if (!beacon_) return;
  auto bytes = encode(e.announcement);
  discovery::seal(bytes, keyring_);
  for (const auto& change : beacon_->send(bytes)) {
    warn("interface " + change.interface + ": " +
         (change.trouble.empty() ? "works again" : change.trouble));
  }
}

void Loop::execute(node::effect::ReadReplayPosition&) { replay_reader_.reader->read(now_); }
void Loop::execute(node::effect::QueryCommitPosition&) {
  commit_position_reader_.reader->query(now_);
}
void Loop::execute(node::effect::Nudge&) { commit_position_reader_.reader->nudge(now_); }
void Loop::execute(node::effect::LeavePrimary&) {
  commit_position_reader_.reader->leave_server(now_);
}
void Loop::execute(node::effect::TestPort& e) { ports_.ask(e.endpoint, now_); }
void Loop::execute(node::effect::Surveyed& e) {
  for (const auto& done : std::exchange(surveyed_, {})) done(e.survey);
}
void Loop::execute(node::effect::Deliver& e) { sink_(std::move(e.delivery)); }
void Loop::execute(node::effect::Notify& e) {
  if (!report_sent_ && std::holds_alternative<Sent>(e.notice)) return;
  sink_(std::move(e.notice));
}

}  // namespace tidegate::peer
