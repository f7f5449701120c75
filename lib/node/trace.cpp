#include "lib/node/trace.hpp"

#include <algorithm>
#include <chrono>

#include "lib/node/names.hpp"

namespace tidegate::node {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string who(const Origin& origin) { return to_string(origin.peer).substr(0, 8); }

std::string range(std::uint64_t first, std::uint64_t last) {
  return first == last ? number(first) : number(first) + " to " + number(last);
}

std::string place(const std::optional<Position>& position) {
  return position ? to_string(*position) : "no position";
}

std::string milliseconds(Duration time) {
  return number(static_cast<std::uint64_t>(
             std::chrono::duration_cast<std::chrono::milliseconds>(time).count())) +
         " ms";
}

// --- frames -------------------------------------------------------------------------------------

std::string words(const mesh::Hello& f) { return "hello of " + f.info.name; }
std::string words(const mesh::Welcome& f) { return "welcome of " + f.info.name; }
std::string words(const mesh::Refusal& f) { return "refusal: " + f.reason; }
std::string words(const mesh::Ready& f) {
  return "ready of " + who(f.origin) + ", from " + number(f.next) + " on";
}
std::string words(const mesh::Listening& f) { return "listening of " + who(f.origin); }
std::string words(const mesh::Data& f) {
  std::string text =
      "data " + range(f.first, f.first + f.messages.size() - 1) + " of " + who(f.origin);
  if (f.messages.empty()) return text;
  const auto& last = f.messages.back();
  text += ", the last on " + to_string(last.topic) + " at " + place(last.position);
  if (last.inherited) text += ", behind " + to_string(*last.inherited);
  return text;
}
std::string words(const mesh::Heartbeat& f) {
  return "heartbeat of " + who(f.origin) + ", has sent " + number(f.last) + ", retains from " +
         number(f.first) + " on, " + place(f.position);
}
std::string words(const mesh::Farewell& f) { return "farewell of " + who(f.origin); }
std::string words(const mesh::RetransmitRequest& f) {
  return "request of " + who(f.origin) + " for " + range(f.first, f.last);
}
std::string words(const mesh::Retained& f) {
  return "end of an answer of " + who(f.origin) + ", which retains from " + number(f.first) + " on";
}
std::string words(const mesh::Probe& f) {
  return "probe of " + who(f.origin) + ": is " + who(f.target) + " heard?";
}
std::string words(const mesh::Vouch& f) { return "vouch for " + who(f.target); }
std::string words(const mesh::ReceiptRequest& f) {
  return "question of " + who(f.origin) + ": have you all up to " + number(f.last) + "?";
}
std::string words(const mesh::Receipt& f) {
  return "receipt of " + who(f.origin) + " for " + range(f.first, f.last);
}
std::string words(const mesh::CoverageQuestion& f) {
  return "question of " + who(f.origin) + ": is " + to_string(f.position) + " shown?";
}
std::string words(const mesh::CoverageAnswer& f) {
  return "answer of " + who(f.origin) + ": " +
         (f.covered ? std::string(to_string(*f.covered)) : "it reads no server");
}
std::string words(const mesh::SurveyQuestion& f) {
  return "question of " + who(f.origin) + ": whom do you reach?";
}
std::string words(const mesh::SurveyAnswer& f) {
  return "answer of " + who(f.seen.origin) + ": how it sees " + number(f.seen.pairs.size()) +
         " others";
}
std::string words(const mesh::PathQuestion& f) {
  return "question of " + who(f.origin) + ": does this come through, and a " +
         (f.large ? "large" : "small") + " answer?";
}
std::string words(const mesh::PathAnswer& f) {
  return std::string("answer of ") + who(f.origin) +
         (f.large ? ": a large frame" : ": it has come through");
}
std::string words(const mesh::TraceRequest& f) {
  return "question of " + who(f.origin) + ": what takes time on " + to_string(f.pattern) + "?";
}
std::string words(const mesh::TraceReport& f) {
  return "report of " + who(f.origin) + " for trace " + number(f.number);
}
std::string words(const mesh::DatagramOffer& f) {
  return "offer of " + who(f.origin) + ": a port for datagrams, " + number(f.port);
}
std::string words(const mesh::OtherVersion& f) {
  return "frame of protocol version " + number(f.version);
}

template <typename Frame>
std::string frame_words(const Frame& frame) {
  return std::visit([](const auto& f) { return words(f); }, frame);
}

std::string words(const mesh::Announcement& a, const std::string& host) {
  return "beacon of " + who(a.origin) + (host.empty() ? "" : " at " + host) + ", port " +
         number(a.direct_port) + (a.leaving ? ", which leaves" : "");
}

// --- inputs -------------------------------------------------------------------------------------

std::string words(const input::Heard& in) { return "got " + words(in.announcement, in.host); }
std::string words(const input::FromLink& in) {
  return "got on link " + number(in.link) + ": " + frame_words(in.frame);
}
std::string words(const input::FromRoute& in) {
  return "got from " + in.host + ": " + frame_words(in.frame);
}
std::string words(const input::FromStream& in) {
  return "got " + frame_words(in.frame) + (in.datagram ? ", in a datagram" : "");
}
std::string words(const input::Probed& in) {
  return "got a probe of " + number(in.datagram.size) + " bytes from " + who(in.publisher);
}
std::string words(const input::Acknowledged& in) {
  return "datagrams up to " + number(in.ack.number) + " were acknowledged";
}
std::string words(const input::PathBroken&) {
  return "the system can't send a datagram to a reader";
}
std::string words(const input::PathOpened& in) {
  return in.socket.port == 0
             ? "no socket for datagrams of " + who(in.publisher)
             : "datagrams of " + who(in.publisher) + " may come to port " + number(in.socket.port);
}
std::string words(const input::Reader& in) {
  return "subscription of " + to_string(in.peer).substr(0, 8) +
         (in.present ? " has arrived" : " is gone");
}
std::string words(const input::Publish& in) {
  const auto* given = std::get_if<Position>(&in.dependency);
  return "published on " + to_string(in.message.topic) +
         (given != nullptr ? ", at " + to_string(*given)
          : std::holds_alternative<AfterCommit>(in.dependency)
              ? ", after a commit: the primary must name a position"
          : std::holds_alternative<AfterRead>(in.dependency)
              ? ", after what was read: the own server must say how far it is"
              : ", without a change");
}
std::string words(const input::Resolved& in) {
  return in.host + " has " + number(in.addresses.size()) + " addresses" +
         (in.trouble.empty() ? "" : ": " + in.trouble);
}
std::string words(const input::InterfacesChanged&) { return "there are other addresses here now"; }
std::string words(const input::Rekeyed& in) {
  return "the keys have changed, which ends " + number(in.ended.size()) + " links";
}
std::string words(const input::Subscribe&) { return "subscribed"; }
std::string words(const input::Unsubscribe&) { return "unsubscribed"; }
std::string words(const input::Demand& in) {
  return in.open ? "the application takes deliveries" : "the application takes no deliveries";
}
std::string words(const input::NoPrimary&) { return "there is no primary to ask for positions"; }
std::string words(const input::TrustPrimary&) { return "the operator says: the primary is right"; }
std::string words(const input::Ask& in) {
  return "asked whether " + to_string(in.position) + " is shown " +
         (in.where == Where::here ? "here" : "everywhere");
}
std::string words(const input::PortTested& in) {
  return "port " + to_string(in.endpoint) + ": " + std::string(port_answer_names.name(in.answer));
}
std::string words(const input::SurveyMesh&) { return "asked how all members see each other"; }
std::string words(const input::Trace& in) {
  return "asked what takes time on " + to_string(in.pattern);
}
std::string words(const input::Leave&) { return "leaving"; }
std::string words(const input::ReplayPositionRead& in) {
  if (!in.tide) return "the database could not tell its replay position just now";
  return "the database shows " + to_string(Lsn{in.tide->replayed}) + " on timeline " +
         number(in.tide->timeline());
}
std::string words(const input::TideForgotten&) {
  return "what the database has shown counts no longer, until it is read again";
}
std::string words(const input::CommitPositionRead& in) {
  return "the primary has written up to " + to_string(in.reading.insert) + " and flushed up to " +
         to_string(in.reading.flush);
}
std::string words(const input::TimePassed&) { return ""; }
std::string words(const ServerUp& in) { return "the database answers: " + in.description; }
std::string words(const ServerDown& in) { return "the database does not answer: " + in.reason; }
std::string words(const PrimaryUp& in) { return "the primary answers: " + in.description; }
std::string words(const PrimaryDown& in) { return "the primary does not answer: " + in.reason; }
std::string words(const Warning&) { return ""; }  // told anyway

// --- effects ------------------------------------------------------------------------------------

std::string words(const effect::Dial& e) {
  return "dial " + to_string(e.endpoint) + " as link " + number(e.link);
}
std::string words(const effect::Undial& e) { return "close link " + number(e.link); }
std::string words(const effect::Resolve& e) { return "look up the name " + e.host; }
std::string words(const effect::Follow& e) {
  return "follow the stream of " + who(e.publisher) + " at " + to_string(e.endpoint);
}
std::string words(const effect::Unfollow& e) {
  return "follow the stream of " + who(e.publisher) + " no longer";
}
std::string words(const effect::OpenPath& e) {
  return "open a socket for datagrams of " + who(e.publisher) + " at " + e.host;
}
std::string words(const effect::ClosePath& e) {
  return "close the socket for datagrams of " + who(e.publisher);
}
std::string words(const effect::SubscribeShared& e) {
  return "take from " + who(e.publisher) + (e.wanted ? " again" : " no longer") +
         " what goes to those without datagrams";
}
std::string words(const effect::Acknowledge& e) {
  return "acknowledge datagrams of " + who(e.publisher) + " up to " + number(e.ack.number);
}
std::string words(const effect::AdmitPath& e) {
  return "a reader may get datagrams at " + to_string(e.endpoint);
}
std::string words(const effect::DropPath&) { return "a reader gets no more datagrams"; }
std::string words(const effect::ProbePath& e) {
  return "try a datagram of " + number(e.size) + " bytes";
}
std::string words(const effect::Remind& e) {
  return "remind " + number(std::max(e.datagrams.size(), e.alone.size())) +
         " readers: " + frame_words(e.frame);
}
std::string words(const effect::ToLink& e) {
  return "send on link " + number(e.link) + ": " + frame_words(e.frame);
}
std::string words(const effect::ToRoute& e) { return "answer: " + frame_words(e.frame); }
std::string words(const effect::Broadcast& e) { return "send to all: " + frame_words(e.frame); }
std::string words(const effect::Announce& e) { return "send " + words(e.announcement, ""); }
std::string words(const effect::ReadReplayPosition&) {
  return "ask the database how far it has replayed";
}
std::string words(const effect::QueryCommitPosition&) { return "ask the primary for a position"; }
std::string words(const effect::Nudge&) { return "nudge the primary to flush"; }
std::string words(const effect::LeavePrimary&) {
  return "leave the server that is no primary, and look for another one";
}
std::string words(const effect::TestPort& e) { return "test the port " + to_string(e.endpoint); }
std::string words(const effect::Surveyed& e) {
  return "tell how " + number(e.survey.members.size()) + " members see each other";
}
std::string words(const effect::Deliver& e) {
  const auto& d = e.delivery;
  return "deliver " + number(d.sequence) + " of " + d.origin_name + ", held for " +
         milliseconds(d.held) + (d.late ? ", late" : "") + ": " + place(d.message.position) +
         (d.message.position && !d.late ? " is shown" : "");
}
std::string words(const effect::Notify&) { return ""; }  // told anyway

}  // namespace

std::string describe(const Input& input) {
  return std::visit([](const auto& in) { return words(in); }, input);
}

std::string describe(const Effect& effect) {
  return std::visit([](const auto& e) { return words(e); }, effect);
}

}  // namespace tidegate::node
