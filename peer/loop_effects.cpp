// How the loop executes the effects of its node: each is one call of the world.
#include <algorithm>
#include <utility>

#include "discovery/beacon_seal.hpp"
#include "discovery/seeds.hpp"
#include "peer/loop.hpp"

namespace tidegate::peer {
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

void Loop::execute(node::effect::ToLink& e) { carrier_->to_link(e.link, encode(e.frame)); }
void Loop::execute(node::effect::ToRoute& e) { carrier_->to_route(e.route, encode(e.frame)); }
void Loop::execute(node::effect::Broadcast& e) { carrier_->broadcast(encode(e.frame)); }

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
