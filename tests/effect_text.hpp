// Effects as one line of text, so that a test can state all that a step has brought about.
//
//     dial 1 b:17901, link 1: Hello, all: Data 3-5, deliver builds/42 of b
#pragma once

#include <string>

#include "lib/event.hpp"

namespace tidegate::testing {

struct FrameText {
  std::string operator()(const Hello&) const { return "Hello"; }
  std::string operator()(const Welcome&) const { return "Welcome"; }
  std::string operator()(const Refusal&) const { return "Refusal"; }
  std::string operator()(const Ready& f) const { return "Ready " + std::to_string(f.next); }
  std::string operator()(const Listening&) const { return "Listening"; }
  std::string operator()(const Data& f) const {
    return "Data " + std::to_string(f.first) + "-" +
           std::to_string(f.first + f.messages.size() - 1);
  }
  std::string operator()(const Heartbeat& f) const { return "Heartbeat " + std::to_string(f.last); }
  std::string operator()(const Farewell& f) const { return "Farewell " + std::to_string(f.last); }
  std::string operator()(const Request& f) const {
    return "Request " + std::to_string(f.first) + "-" + std::to_string(f.last);
  }
  std::string operator()(const Kept& f) const { return "Kept " + std::to_string(f.first); }
  std::string operator()(const Probe&) const { return "Probe"; }
  std::string operator()(const Vouch&) const { return "Vouch"; }
  std::string operator()(const OtherVersion&) const { return "OtherVersion"; }
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
  std::string operator()(const Unpublished& n) const { return "unpublished " + to_string(n.topic); }
  std::string operator()(const ServerUp&) const { return "server up"; }
  std::string operator()(const ServerDown&) const { return "server down"; }
  std::string operator()(const PrimaryUp&) const { return "primary up"; }
  std::string operator()(const PrimaryDown&) const { return "primary down"; }
  std::string operator()(const Warning& n) const { return "warning: " + n.text; }
};

struct EffectText {
  std::string operator()(const effect::Dial& e) const {
    return "dial " + std::to_string(e.link) + " " + at(e.endpoint);
  }
  std::string operator()(const effect::Undial& e) const {
    return "undial " + std::to_string(e.link);
  }
  std::string operator()(const effect::Follow& e) const { return "follow " + at(e.endpoint); }
  std::string operator()(const effect::Unfollow& e) const { return "unfollow " + at(e.endpoint); }
  std::string operator()(const effect::ToLink& e) const {
    return "link " + std::to_string(e.link) + ": " + std::visit(FrameText(), e.frame);
  }
  std::string operator()(const effect::ToRoute& e) const {
    return "route " + e.route + ": " + std::visit(FrameText(), e.frame);
  }
  std::string operator()(const effect::Broadcast& e) const {
    return "all: " + std::visit(FrameText(), e.frame);
  }
  std::string operator()(const effect::Announce& e) const {
    return e.announcement.leaving ? "announce leaving" : "announce";
  }
  std::string operator()(const effect::Poll&) const { return "poll"; }
  std::string operator()(const effect::Ask&) const { return "ask"; }
  std::string operator()(const effect::Nudge&) const { return "nudge"; }
  std::string operator()(const effect::Deliver& e) const {
    return "deliver " + to_string(e.delivery.message.topic) + " of " + e.delivery.origin_name +
           (e.delivery.late ? " late" : "");
  }
  std::string operator()(const effect::Notify& e) const {
    return std::visit(NoticeText(), e.notice);
  }

  static std::string at(const Endpoint& endpoint) {
    return endpoint.host + ":" + std::to_string(endpoint.port);
  }
};

inline std::string text(const Effects& effects) {
  std::string line;
  for (const auto& effect : effects) {
    line += (line.empty() ? "" : ", ") + std::visit(EffectText(), effect);
  }
  return line;
}

}  // namespace tidegate::testing
