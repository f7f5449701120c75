#include "tests/sim/trace.hpp"

#include <array>
#include <cstdio>

namespace tidegate::sim {
namespace {

std::string at(const std::optional<Position>& position) {
  return position ? " at=" + to_string(*position) : "";
}

std::string at(const Message& message) {
  return at(message.position) +
         (message.inherited ? " after=" + to_string(*message.inherited) : "");
}

struct Words {
  std::string operator()(const mesh::Hello&) const { return "hello"; }
  std::string operator()(const mesh::Welcome&) const { return "welcome"; }
  std::string operator()(const mesh::Refusal&) const { return "refusal"; }
  std::string operator()(const mesh::Ready& frame) const {
    return "ready next=" + std::to_string(frame.next);
  }
  std::string operator()(const mesh::Listening&) const { return "listening"; }
  std::string operator()(const mesh::Data& frame) const {
    return "data first=" + std::to_string(frame.first) +
           " n=" + std::to_string(frame.messages.size()) + at(frame.messages.back());
  }
  std::string operator()(const mesh::Heartbeat& frame) const {
    return "heartbeat last=" + std::to_string(frame.last) + at(frame.position);
  }
  std::string operator()(const mesh::Farewell& frame) const {
    return "farewell last=" + std::to_string(frame.last);
  }
  std::string operator()(const mesh::RetransmitRequest& frame) const {
    return "request " + std::to_string(frame.first) + ".." + std::to_string(frame.last);
  }
  std::string operator()(const mesh::Retained& frame) const {
    return "kept first=" + std::to_string(frame.first);
  }
  std::string operator()(const mesh::Probe&) const { return "probe"; }
  std::string operator()(const mesh::Vouch&) const { return "vouch"; }
  std::string operator()(const mesh::ReceiptRequest& frame) const {
    return "receipt? " + std::to_string(frame.last);
  }
  std::string operator()(const mesh::Receipt& frame) const {
    return "receipt " + std::to_string(frame.first) + ".." + std::to_string(frame.last);
  }
  std::string operator()(const mesh::CoverageQuestion& frame) const {
    return "question" + at(frame.position);
  }
  std::string operator()(const mesh::CoverageAnswer& frame) const {
    return "coverage " + (frame.covered ? std::string(to_string(*frame.covered)) : "of no server");
  }
  std::string operator()(const mesh::SurveyQuestion&) const { return "survey?"; }
  std::string operator()(const mesh::SurveyAnswer& frame) const {
    return "survey of " + std::to_string(frame.seen.pairs.size());
  }
  std::string operator()(const mesh::PathQuestion&) const { return "path?"; }
  std::string operator()(const mesh::PathAnswer& frame) const {
    return frame.large ? "large path" : "path";
  }
  std::string operator()(const mesh::TraceRequest& frame) const {
    return "trace " + std::to_string(frame.number);
  }
  std::string operator()(const mesh::TraceReport& frame) const {
    return "report " + std::to_string(frame.number);
  }
  std::string operator()(const mesh::DatagramOffer& frame) const {
    return "offer of port " + std::to_string(frame.port);
  }
  std::string operator()(const mesh::OtherVersion&) const { return "another version"; }
};

}  // namespace

std::string text_of(const mesh::CallFrame& frame) { return std::visit(Words{}, frame); }
std::string text_of(const mesh::AnswerFrame& frame) { return std::visit(Words{}, frame); }
std::string text_of(const mesh::StreamFrame& frame) { return std::visit(Words{}, frame); }

std::string text_of(Duration since) {
  std::array<char, 32> text{};
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(since).count();
  std::snprintf(text.data(), text.size(), "%lld.%06lld", static_cast<long long>(micros / 1'000'000),
                static_cast<long long>(micros % 1'000'000));
  return text.data();
}

void Trace::line(Duration since, const std::string& text) {
  if (!on()) return;
  auto line = text_of(since) + " " + text + "\n";
  if (mode_ == Mode::print) {
    std::fputs(line.c_str(), stdout);
    return;
  }
  lines_.push_back(std::move(line));
  if (lines_.size() > most_) lines_.pop_front();
}

std::string Trace::take() {
  std::string all;
  for (const auto& line : lines_) all += line;
  lines_.clear();
  return all;
}

}  // namespace tidegate::sim
