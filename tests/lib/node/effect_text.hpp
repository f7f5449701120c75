// Effects as one line of text, so that a test can state all that a step has brought about.
//
//     dial 1 b:17901, link 1: Hello, all: Data 3-5, deliver builds/42 of b
#pragma once

#include <string>

#include "lib/node/event.hpp"

namespace tidegate::testing {

struct FrameText {
  std::string operator()(const mesh::Hello&) const { return "Hello"; }
  std::string operator()(const mesh::Welcome&) const { return "Welcome"; }
  std::string operator()(const mesh::Refusal&) const { return "Refusal"; }
  std::string operator()(const mesh::Ready& f) const { return "Ready " + std::to_string(f.next); }
  std::string operator()(const mesh::Listening&) const { return "Listening"; }
  std::string operator()(const mesh::Data& f) const {
    return "Data " + std::to_string(f.first) + "-" +
           std::to_string(f.first + f.messages.size() - 1);
  }
  std::string operator()(const mesh::Heartbeat& f) const {
    return "Heartbeat " + std::to_string(f.last);
  }
  std::string operator()(const mesh::Farewell& f) const {
    return "Farewell " + std::to_string(f.last);
  }
  std::string operator()(const mesh::RetransmitRequest& f) const {
    return "Request " + std::to_string(f.first) + "-" + std::to_string(f.last);
  }
  std::string operator()(const mesh::Retained& f) const {
    return "Kept " + std::to_string(f.first);
  }
  std::string operator()(const mesh::Probe&) const { return "Probe"; }
  std::string operator()(const mesh::Vouch&) const { return "Vouch"; }
  std::string operator()(const mesh::ReceiptRequest& f) const {
    return "ReceiptRequest " + std::to_string(f.last);
  }
  std::string operator()(const mesh::Receipt& f) const {
    return "Receipt " + std::to_string(f.first) + "-" + std::to_string(f.last);
  }
  std::string operator()(const mesh::CoverageQuestion& f) const {
    return "Question " + std::to_string(f.number);
  }
  std::string operator()(const mesh::CoverageAnswer& f) const {
    return "Answer " + std::to_string(f.number) + " " +
           (f.covered ? std::string(to_string(*f.covered)) : "unread");
  }
  std::string operator()(const mesh::SurveyQuestion& f) const {
    return "SurveyQuestion " + std::to_string(f.number);
  }
  std::string operator()(const mesh::SurveyAnswer& f) const {
    return "SurveyAnswer " + std::to_string(f.number);
  }
  std::string operator()(const mesh::PathQuestion& f) const {
    return f.large ? "large PathQuestion" : "PathQuestion";
  }
  std::string operator()(const mesh::PathAnswer& f) const {
    return f.large ? "large PathAnswer" : "PathAnswer";
  }
  std::string operator()(const mesh::TraceRequest& f) const {
    return "Trace " + std::to_string(f.number) +
           (f.message ? " of " + std::to_string(f.message->sequence) : "");
  }
  std::string operator()(const mesh::TraceReport& f) const {
    return "Report " + std::to_string(f.number) + (f.refused ? " refused" : "") +
           (f.sending ? " sending " + std::string(to_string(f.sending->fate)) : "") +
           (f.receiving ? " receiving " + std::string(to_string(f.receiving->fate)) : "");
  }
  std::string operator()(const mesh::DatagramOffer& f) const {
    return std::string("DatagramOffer ") + (f.shared ? "shared" : "alone");
  }
  std::string operator()(const mesh::OtherVersion&) const { return "OtherVersion"; }
};

struct NoticeText {
  std::string operator()(const PeerReady& n) const { return n.name + " is ready"; }
  std::string operator()(const PeerGone& n) const {
    return n.name + " is gone: " + std::string(to_string(n.why));
  }
  std::string operator()(const Undelivered& n) const {
    return "undelivered " + std::to_string(n.first) + "-" + std::to_string(n.last) + " of " +
           n.name + ": " + std::string(to_string(n.why));
  }
  std::string operator()(const NotResumed& n) const {
    return n.name + " not resumed at " + std::to_string(n.next) + ": " +
           std::string(to_string(n.why));
  }
  std::string operator()(const OutboxLost& n) const {
    return "outbox lost " + std::to_string(n.first) + "-" + std::to_string(n.last) + ": " +
           std::string(to_string(n.why));
  }
  std::string operator()(const Sent& n) const {
    return "sent " + std::to_string(n.ticket) + " as " + std::to_string(n.sequence);
  }
  std::string operator()(const Received& n) const {
    auto line = "received " + std::to_string(n.ticket);
    for (const auto& peer : n.without) {
      line += " without " + peer.name + ": " + std::string(to_string(peer.why));
    }
    return line;
  }
  std::string operator()(const Unpublished& n) const {
    return "unpublished " + to_string(n.topic) + ": " + std::string(to_string(n.why));
  }
  std::string operator()(const Undone& n) const {
    return "undone " + std::to_string(n.ticket) + " as " + std::to_string(n.sequence) + ": " +
           std::string(to_string(n.why));
  }
  std::string operator()(const Coverage& n) const {
    auto text = "question " + std::to_string(n.ticket) + " " + std::string(to_string(n.covered));
    for (const auto& member : n.members) {
      text += "; " + member.name + " " +
              (!member.answered ? "silent"
               : member.reads   ? std::string(to_string(member.covered))
                                : "unread");
    }
    return text;
  }
  std::string operator()(const Traced& n) const {
    auto text = "traced " + std::to_string(n.ticket) + " " + std::string(to_string(n.fate));
    for (const auto& one : n.receivers)
      text += "; " + one.name + " " + std::string(to_string(one.fate));
    return text;
  }
  std::string operator()(const ServerUp&) const { return "server up"; }
  std::string operator()(const ServerDown&) const { return "server down"; }
  std::string operator()(const PrimaryUp&) const { return "primary up"; }
  std::string operator()(const PrimaryDown&) const { return "primary down"; }
  std::string operator()(const Warning& n) const { return "warning: " + n.text; }
  std::string operator()(const Trouble& n) const { return "trouble: " + n.text; }
};

struct EffectText {
  std::string operator()(const node::effect::Dial& e) const {
    return "dial " + std::to_string(e.link) + " " + at(e.endpoint);
  }
  std::string operator()(const node::effect::Undial& e) const {
    return "undial " + std::to_string(e.link);
  }
  std::string operator()(const node::effect::Resolve& e) const { return "resolve " + e.host; }
  std::string operator()(const node::effect::Follow& e) const { return "follow " + at(e.endpoint); }
  std::string operator()(const node::effect::Unfollow& e) const {
    // origin(2) is b.
    return std::string("unfollow ") + static_cast<char>('a' + e.publisher.peer.bytes[0] - 1);
  }
  std::string operator()(const node::effect::OpenPath& e) const { return "open path " + e.host; }
  std::string operator()(const node::effect::ClosePath&) const { return "close path"; }
  std::string operator()(const node::effect::SubscribeShared& e) const {
    return e.wanted ? "join shared" : "leave shared";
  }
  std::string operator()(const node::effect::Acknowledge& e) const {
    return "acknowledge " + std::to_string(e.ack.number) + " next " + std::to_string(e.ack.next);
  }
  std::string operator()(const node::effect::AdmitPath& e) const {
    return "admit path " + at(e.endpoint);
  }
  std::string operator()(const node::effect::DropPath&) const { return "drop path"; }
  std::string operator()(const node::effect::ProbePath& e) const {
    return "probe " + std::to_string(e.size);
  }
  std::string operator()(const node::effect::Remind& e) const {
    return "remind " + std::to_string(e.datagrams.size()) + "+" + std::to_string(e.alone.size()) +
           ": " + std::visit(FrameText(), e.frame);
  }
  std::string operator()(const node::effect::ToLink& e) const {
    return "link " + std::to_string(e.link) + ": " + std::visit(FrameText(), e.frame);
  }
  std::string operator()(const node::effect::ToRoute& e) const {
    return "route " + e.route + ": " + std::visit(FrameText(), e.frame);
  }
  std::string operator()(const node::effect::Broadcast& e) const {
    return "all: " + std::visit(FrameText(), e.frame);
  }
  std::string operator()(const node::effect::Announce& e) const {
    return e.announcement.leaving ? "announce leaving" : "announce";
  }
  std::string operator()(const node::effect::ReadReplayPosition&) const { return "poll"; }
  std::string operator()(const node::effect::QueryCommitPosition&) const { return "ask"; }
  std::string operator()(const node::effect::Nudge&) const { return "nudge"; }
  std::string operator()(const node::effect::LeavePrimary&) const { return "leave primary"; }
  std::string operator()(const node::effect::TestPort& e) const { return "test " + at(e.endpoint); }
  std::string operator()(const node::effect::Surveyed& e) const {
    return "surveyed " + std::to_string(e.survey.members.size());
  }
  std::string operator()(const node::effect::Deliver& e) const {
    return "deliver " + to_string(e.delivery.message.topic) + " of " + e.delivery.origin_name +
           (e.delivery.late ? " late" : "");
  }
  std::string operator()(const node::effect::Notify& e) const {
    return std::visit(NoticeText(), e.notice);
  }

  static std::string at(const base::Endpoint& endpoint) {
    return endpoint.host + ":" + std::to_string(endpoint.port);
  }
};

// Of a node or of a part of the mesh.
template <typename Effects>
std::string text(const Effects& effects) {
  std::string line;
  for (const auto& effect : effects) {
    line += (line.empty() ? "" : ", ") + std::visit(EffectText(), effect);
  }
  return line;
}

}  // namespace tidegate::testing
