#include "lib/node/node.hpp"

#include <algorithm>
#include <utility>

#include "lib/base/saturated.hpp"
#include "lib/message/position_order.hpp"
#include "lib/node/from_mesh.hpp"

namespace tidegate::node {
namespace {

// Later than this, a step means that this process was not run, and that the silence of the others
// meanwhile says nothing.
constexpr Duration noticeable_lateness = std::chrono::milliseconds(100);

// For others to answer, perhaps after a reading of their server.
constexpr Duration least_time_everywhere = std::chrono::seconds(1);

}  // namespace

// The random numbers are drawn in the order of the members.
Node::Node(const Options& options, mesh::PeerInfo self, std::vector<base::Endpoint> seeds,
           std::uint64_t random_seed, Instant now, std::uint64_t last_sequence)
    : self_(std::move(self)),
      interfaces_(options.interfaces),
      beacon_port_(options.beacon_port),
      datagrams_(options.datagrams),
      started_(now),
      random_(random_seed),
      pace_(base::Random(random_.next()), now),
      roster_(self_, std::move(seeds),
              {base::bounded(options.suspect_after), base::bounded(options.gone_after)},
              base::Random(random_.next())),
      stream_(last_sequence,
              [this](const Position& position) { return publisher_.reach_towards(position); }),
      receiver_(options, self_, roster_, stream_, counters_, base::Random(random_.next()), now),
      publisher_(options, self_.origin, roster_, stream_, counters_, now),
      primary_watch_(publisher_, receiver_, stream_),
      everywhere_(self_.origin, self_.name, roster_),
      surveyor_(self_, roster_, base::Random(random_.next())),
      watch_(self_.origin, roster_, publisher_, receiver_),
      traces_(self_.origin, self_.name, roster_),
      paths_(self_.origin, roster_, base::Random(random_.next())) {}

// All that a trace costs while there is none is to know that, in the place of `left_`.
void Node::step(Input input, Instant now, Effects& effects) {
  if (!plain_) return step_watched(input, now, effects);
  if (announced_deadline_ != never && now - announced_deadline_ > noticeable_lateness) {
    roster_.discount(now - announced_deadline_);
  }
  std::visit([&](auto& in) { handle(in, now, effects); }, input);
  if (left_) {
    announced_deadline_ = never;
    return;
  }
  roster_.advance(publisher_.extent(), now, FromMesh(effects));
  close_streams_of_departed(now, effects);
  publisher_.send_unsent(now, effects);
  receiver_.take_own(publisher_.window(), stream_.last(), now, effects);
  receiver_.give_receipts(effects);
  receiver_.release(now, effects);
  if (receiver_.has_answers()) tell_coverage(effects);
  everywhere_.advance(now, receiver_, effects);
  surveyor_.advance(now, effects);
  paths_.advance(now, FromMesh(effects));
  sender_.advance(
      now, [this] { return publisher_.reminder(); }, FromMesh(effects));
  run_timers(now, effects);
  announced_deadline_ = std::max(deadline(), now);
}

Instant Node::deadline() const {
  if (!plain_) return watched_deadline();
  return plain_deadline();
}

// This peer's own answers.
void Node::tell_coverage(Effects& effects) {
  for (const auto& [ticket, covered] : receiver_.take_answers()) {
    const auto own = receiver_.gated() ? std::optional(covered) : std::nullopt;
    if (everywhere_.own(ticket, own)) continue;
    effects.push_back(effect::Notify{Coverage{ticket, covered, {}}});
  }
}

void Node::run_timers(Instant now, Effects& effects) {
  primary_watch_.run_timers(now, effects);
  publisher_.run_timers(now, effects);
  receiver_.run_timers(now, effects);
  if (const auto since = publisher_.reading_wanted()) receiver_.read_since(*since, now, effects);
  const bool first = pace_.in_burst();
  const bool regular = pace_.take_due(now);
  if (surveyor_.take_beacon_due(now) || regular) {
    effects.push_back(effect::Announce{announcement(false, regular && first)});
  }
}

mesh::Announcement Node::announcement(bool leaving, bool reply_wanted) {
  return {self_.mesh, self_.origin, self_.publish_port, self_.direct_port,
          leaving,    reply_wanted, ++announced_};
}

// --- the mesh -----------------------------------------------------------------------------------

void Node::handle(input::Heard& in, Instant now, Effects& effects) {
  const bool newcomer = roster_.heard(in.announcement, in.host, now, FromMesh(effects));
  const auto& heard = in.announcement;
  if (heard.mesh != self_.mesh) {
    other_mesh_ = heard.mesh + " at " + in.host;
    note_refused(heard, in.host, RefusedSeen::Why::other_mesh, heard.mesh, now);
  }
  if (newcomer) {
    pace_.newcomer(now);
  } else if (heard.reply_wanted && heard.mesh == self_.mesh &&
             heard.origin.peer != self_.origin.peer) {
    pace_.asked(now);
  }
}

void Node::handle(input::Reader& in, Instant now, Effects& effects) {
  roster_.reader(in.peer, in.present, publisher_.extent(), now, FromMesh(effects));
}

void Node::handle(input::Resolved& in, Instant now, Effects& effects) {
  roster_.resolved(in.host, in.addresses, in.trouble, now, FromMesh(effects));
}

void Node::handle(input::InterfacesChanged&, Instant now, Effects&) { pace_.restart(now); }

void Node::handle(input::Rekeyed& in, Instant now, Effects& effects) {
  roster_.rekeyed(in.key, in.ended, publisher_.extent(), now, FromMesh(effects));
  sender_.renew(FromMesh(effects));
}

void Node::handle(input::FromLink& in, Instant now, Effects& effects) {
  const bool expected =
      std::visit([&](auto& frame) { return answered(in.link, frame, now, effects); }, in.frame);
  if (!expected) ++counters_.unexpected;
}

void Node::handle(input::FromRoute& in, Instant now, Effects& effects) {
  const bool expected =
      std::visit([&](auto& frame) { return called(in, frame, now, effects); }, in.frame);
  if (!expected) ++counters_.unexpected;
}

void Node::handle(input::FromStream& in, Instant now, Effects& effects) {
  auto* member = speaker(in, now, effects);
  if (member == nullptr) {
    ++counters_.unexpected;
    return;
  }
  std::visit([&](auto& frame) { published(*member, frame, now, effects); }, in.frame);
}

// --- answers on our links -----------------------------------------------------------------------

bool Node::answered(mesh::LinkId link, mesh::Welcome& frame, Instant now, Effects& effects) {
  return roster_.welcome(link, frame.info, now, FromMesh(effects));
}

bool Node::answered(mesh::LinkId link, mesh::Refusal& frame, Instant now, Effects& effects) {
  if (!roster_.refused(link, frame.reason, now, FromMesh(effects))) return false;
  ++counters_.refused;
  effects.push_back(effect::Notify{Warning{"a peer refused this one: " + frame.reason}});
  return true;
}

bool Node::answered(mesh::LinkId link, mesh::Data& frame, Instant now, Effects& effects) {
  auto* member = roster_.answering(link, frame.origin, now, FromMesh(effects));
  if (member != nullptr) receiver_.resent(*member, frame, now, effects);
  return member != nullptr;
}

bool Node::answered(mesh::LinkId link, mesh::Retained& frame, Instant now, Effects& effects) {
  auto* member = roster_.answering(link, frame.origin, now, FromMesh(effects));
  if (member != nullptr) receiver_.retained(*member, frame, now, effects);
  return member != nullptr;
}

bool Node::answered(mesh::LinkId link, mesh::Vouch& frame, Instant now, Effects&) {
  return roster_.vouched(link, frame.target, now);
}

bool Node::answered(mesh::LinkId link, mesh::Receipt& frame, Instant now, Effects& effects) {
  const auto* member = roster_.answering(link, frame.origin, now, FromMesh(effects));
  if (member != nullptr) publisher_.received(frame, now);
  return member != nullptr;
}

bool Node::answered(mesh::LinkId link, mesh::CoverageAnswer& frame, Instant now, Effects& effects) {
  auto* member = roster_.answering(link, frame.origin, now, FromMesh(effects));
  if (member != nullptr) everywhere_.answered(*member, frame);
  return member != nullptr;
}

bool Node::answered(mesh::LinkId link, mesh::SurveyAnswer& frame, Instant now, Effects& effects) {
  auto* member = roster_.answering(link, frame.seen.origin, now, FromMesh(effects));
  if (member != nullptr) surveyor_.answered(*member, frame);
  return member != nullptr;
}

bool Node::answered(mesh::LinkId link, mesh::PathAnswer& frame, Instant now, Effects& effects) {
  return surveyor_.path_answered(link, frame, now, effects);
}

bool Node::answered(mesh::LinkId, mesh::OtherVersion&, Instant, Effects&) { return false; }

// --- calls of peers that dialled us -------------------------------------------------------------

bool Node::called(input::FromRoute& from, mesh::Hello& frame, Instant now, Effects& effects) {
  if (!roster_.hello(frame.info, from.route, from.host, publisher_.extent(), now,
                     FromMesh(effects))) {
    ++counters_.refused;
    if (frame.info.mesh != self_.mesh) {
      note_refused(from.host, frame.info.direct_port, RefusedSeen::Why::other_mesh, frame.info.mesh,
                   now);
    }
  }
  return true;
}

bool Node::called(input::FromRoute&, mesh::Ready& frame, Instant now, Effects& effects) {
  auto* member = roster_.ready(frame, now, FromMesh(effects));
  if (member == nullptr) return false;
  receiver_.ready(*member, frame, now, effects);
  if (datagrams_) paths_.ready(*member, now, FromMesh(effects));
  return true;
}

bool Node::called(input::FromRoute&, mesh::Listening& frame, Instant now, Effects& effects) {
  return roster_.listening(frame, now, FromMesh(effects));
}

bool Node::called(input::FromRoute& from, mesh::RetransmitRequest& frame, Instant now,
                  Effects& effects) {
  auto* member = roster_.asking(frame.origin, now, FromMesh(effects));
  if (member != nullptr) publisher_.answer(frame, from.route, *member, now, effects);
  return member != nullptr;
}

bool Node::called(input::FromRoute& from, mesh::Probe& frame, Instant now, Effects& effects) {
  return roster_.probe(frame, from.route, now, FromMesh(effects));
}

bool Node::called(input::FromRoute& from, mesh::ReceiptRequest& frame, Instant now,
                  Effects& effects) {
  auto* member = roster_.asking(frame.origin, now, FromMesh(effects));
  if (member != nullptr) receiver_.receipt_wanted(*member, frame, from.route);
  return member != nullptr;
}

bool Node::called(input::FromRoute& from, mesh::CoverageQuestion& frame, Instant now,
                  Effects& effects) {
  if (roster_.asking(frame.origin, now, FromMesh(effects)) == nullptr) return false;
  const auto covered = receiver_.covered(frame.position, now, effects);
  effects.push_back(
      effect::ToRoute{from.route, mesh::CoverageAnswer{self_.origin, frame.number, covered}});
  return true;
}

bool Node::called(input::FromRoute& from, mesh::SurveyQuestion& frame, Instant now,
                  Effects& effects) {
  if (roster_.asking(frame.origin, now, FromMesh(effects)) == nullptr) return false;
  surveyor_.asked(frame, from.route, now, effects);
  return true;
}

bool Node::called(input::FromRoute& from, mesh::PathQuestion& frame, Instant now,
                  Effects& effects) {
  if (roster_.asking(frame.origin, now, FromMesh(effects)) == nullptr) return false;
  effects.push_back(effect::ToRoute{from.route, surveyor_.answer(frame, now)});
  pace_.asked(now);  // its beacon is tested, too
  return true;
}

bool Node::called(input::FromRoute& from, mesh::OtherVersion& frame, Instant now,
                  Effects& effects) {
  ++counters_.refused;
  stranger_ = from.host + ", which speaks protocol version " + std::to_string(frame.version) +
              ", not " + std::to_string(mesh::protocol_version) + "; upgrade the older one";
  note_refused(from.host, 0, RefusedSeen::Why::other_version, std::to_string(frame.version), now);
  effects.push_back(effect::ToRoute{
      from.route,
      mesh::Refusal{"this peer speaks protocol version " + std::to_string(mesh::protocol_version) +
                    ", not " + std::to_string(frame.version) + "; upgrade the older one"}});
  return true;
}

// --- streams that we follow ---------------------------------------------------------------------

// Nobody: the frame is not expected, or not from there.
mesh::Member* Node::speaker(const input::FromStream& in, Instant now, Effects& effects) {
  const bool own = std::visit([&](const auto& f) { return f.origin == in.publisher; }, in.frame);
  auto* member = own ? roster_.publisher(in.publisher, now, FromMesh(effects)) : nullptr;
  if (member == nullptr) return nullptr;
  const bool data = std::holds_alternative<mesh::Data>(in.frame);
  if (!in.datagram) return member;
  if (std::holds_alternative<mesh::Farewell>(in.frame)) return nullptr;
  using Kind = mesh::DatagramReceiver::Kind;
  const auto kind = data ? Kind::data : Kind::heartbeat;
  if (!paths_.arrived(*member, *in.datagram, kind, now, FromMesh(effects))) return nullptr;
  if (data) ++counters_.datagrams_received;
  return member;
}

void Node::close_streams_of_departed(Instant now, Effects& effects) {
  const auto departed = roster_.take_departed();
  for (const auto& origin : departed) {
    sender_.forget(origin, FromMesh(effects));
    paths_.forget(origin, FromMesh(effects));
  }
  receiver_.close_streams_of(departed, now, effects);
}

void Node::published(mesh::Member& member, mesh::Data& frame, Instant now, Effects& effects) {
  receiver_.arrived(member, frame, now, effects);
}

void Node::published(mesh::Member& member, mesh::Heartbeat& frame, Instant now, Effects& effects) {
  receiver_.heartbeat(member, frame, now, effects);
  if (frame.position) primary_watch_.seen(*frame.position, effects);
}

void Node::published(mesh::Member& member, mesh::Farewell& frame, Instant now, Effects& effects) {
  member.stream.note_published(frame.last);
  roster_.left(member, now, FromMesh(effects));
}

// --- the servers --------------------------------------------------------------------------------

void Node::handle(input::CommitPositionRead& in, Instant now, Effects& effects) {
  primary_watch_.position_read(in.reading, now, effects);
}

void Node::handle(PrimaryUp& in, Instant now, Effects& effects) {
  surveyor_.announces(in.incarnation.cluster);
  primary_watch_.up(in, now, effects);
}

void Node::handle(PrimaryDown& in, Instant, Effects& effects) { primary_watch_.down(in, effects); }

void Node::handle(ServerUp& in, Instant, Effects& effects) {
  receiver_.server_up();
  surveyor_.reads(in.incarnation.cluster);
  publisher_.server_up(in.incarnation);
  effects.push_back(effect::Notify{std::move(in)});
}

void Node::handle(input::ReplayPositionRead& in, Instant now, Effects& effects) {
  const bool told = in.tide.has_value();
  const auto asked = in.asked;
  receiver_.replay_position_read(std::move(in.tide), now);
  if (told) publisher_.server_shows(*receiver_.tide(), asked);
  primary_watch_.server_changed(now, effects);
}

void Node::handle(input::TideForgotten&, Instant now, Effects& effects) {
  receiver_.forget_tide();
  primary_watch_.server_changed(now, effects);
}

void Node::handle(ServerDown& in, Instant now, Effects& effects) {
  receiver_.server_down();
  primary_watch_.server_changed(now, effects);
  effects.push_back(effect::Notify{std::move(in)});
}

// --- the application ----------------------------------------------------------------------------

void Node::handle(input::Publish& in, Instant now, Effects& effects) {
  publisher_.accept(in, now, effects);
}

void Node::handle(input::Subscribe& in, Instant, Effects&) {
  receiver_.subscribe(std::move(in.pattern));
}

void Node::handle(input::Unsubscribe& in, Instant, Effects&) { receiver_.unsubscribe(in.pattern); }

void Node::handle(input::Demand& in, Instant now, Effects&) { receiver_.demand(in.open, now); }

void Node::handle(input::NoPrimary&, Instant, Effects&) { publisher_.no_primary(); }

void Node::handle(input::TrustPrimary&, Instant, Effects& effects) {
  primary_watch_.trust(effects);
}

void Node::handle(input::Ask& in, Instant now, Effects& effects) {
  in.position = publisher_.unsent().named(in.position);
  if (!message::is_somewhere(in.position)) {
    effects.push_back(effect::Notify{Coverage{in.ticket, Covered::foreign, {}}});
    return;
  }
  const auto until = base::later(now, std::max(in.timeout, least_time_everywhere));
  if (in.where == Where::everywhere) {
    everywhere_.ask(in.ticket, in.position, until);
    everywhere_.own(in.ticket, receiver_.covered(in.position, now, effects));  // so far
  }
  receiver_.ask(in, in.where == Where::everywhere ? until : base::later(now, in.timeout), now);
}

void Node::handle(input::PortTested& in, Instant, Effects&) {
  surveyor_.tested(in.endpoint, in.answer);
}

void Node::handle(input::SurveyMesh&, Instant now, Effects& effects) {
  surveyor_.ask(now, effects);
}

void Node::handle(input::Leave&, Instant now, Effects& effects) {
  receiver_.answer_all();
  tell_coverage(effects);
  everywhere_.give_up(effects);
  traces_.give_up(now, effects);
  for (const auto& [reader, first, last] : sender_.unconfirmed()) {
    publisher_.send_again(reader, first, last, effects);
  }
  publisher_.leave(effects);
  effects.push_back(effect::Announce{announcement(true, false)});
  left_ = true;
  plain_ = false;
}

void Node::handle(Warning& in, Instant, Effects& effects) {
  effects.push_back(effect::Notify{std::move(in)});
}

void Node::handle(input::TimePassed&, Instant now, Effects& effects) {
  publisher_.ask_for_receipts(now, effects);
}

}  // namespace tidegate::node
