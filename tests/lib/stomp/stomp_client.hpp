// A client of a STOMP session in virtual time: frames go to the session and come from it as bytes,
// and its effects are at hand.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "lib/stomp/frame_writer.hpp"
#include "lib/stomp/session.hpp"

namespace tidegate::testing {

using FrameHeaders = std::vector<Header>;

[[nodiscard]] inline std::shared_ptr<const Delivery> stomp_delivery(const std::string& topic,
                                                                    std::uint64_t sequence,
                                                                    std::string payload = "text") {
  Delivery delivery{.message = {Topic::parse(topic).value(), std::move(payload), {}, {}},
                    .origin = {},
                    .origin_name = "app-1"};
  delivery.origin.peer.bytes.fill(0xAB);
  delivery.origin.incarnation = 7;
  delivery.sequence = sequence;
  return std::make_shared<const Delivery>(std::move(delivery));
}

inline const std::string message_id_before_sequence = "abababababababababababababababab-7-";

class StompClient {
 public:
  explicit StompClient(stomp::SessionOptions options = {.name = "1", .server = "tidegate/0"})
      : session(std::move(options), now_) {}

  // Says CONNECT and takes the CONNECTED.
  StompClient& connect(const std::string& version, FrameHeaders more = {}) {
    more.push_back({"accept-version", version});
    send("CONNECT", std::move(more));
    REQUIRE(hear_one().command == "CONNECTED");
    return *this;
  }

  void send(const std::string& command, FrameHeaders headers = {}, std::string body = {}) {
    const auto version = session.version().value_or(stomp::Version::v1_0);
    bytes(to_bytes(stomp::Frame{command, std::move(headers), std::move(body)}, version));
  }
  void bytes(std::string_view bytes) { session.receive(bytes, now_); }

  // The frames that have come; none may be broken.
  std::vector<stomp::Frame> hear() {
    std::vector<stomp::Frame> frames;
    while (!session.output().empty()) {
      const auto output = std::string(session.output());
      if (session.version()) reader_.follow(*session.version());
      reader_.add(output);
      session.wrote(output.size(), now_);
      while (true) {
        auto frame = reader_.next();
        REQUIRE(frame.ok());
        if (!*frame) break;
        frames.push_back(std::move(**frame));
      }
    }
    return frames;
  }
  stomp::Frame hear_one() {
    auto frames = hear();
    REQUIRE(frames.size() == 1);
    return std::move(frames.front());
  }
  // The bodies of the MESSAGEs that have come, and nothing else.
  std::vector<std::string> hear_messages() {
    std::vector<std::string> bodies;
    for (auto& frame : hear()) {
      CHECK(frame.command == "MESSAGE");
      bodies.push_back(std::move(frame.body));
    }
    return bodies;
  }
  // The ERROR that has ended the connection.
  std::string hear_error() {
    const auto frame = hear_one();
    CHECK(frame.command == "ERROR");
    CHECK(session.over());
    return frame.body;
  }

  // The effects of one kind since the last call of this; the others are forgotten.
  template <typename Kind>
  std::vector<Kind> effects() {
    std::vector<Kind> found;
    for (auto& effect : session.take_effects()) {
      if (auto* one = std::get_if<Kind>(&effect)) found.push_back(std::move(*one));
    }
    return found;
  }

  void pass(Duration time) {
    const auto end = now_ + time;
    while (session.deadline() <= end) {
      now_ = std::max(now_, session.deadline());
      session.step(now_);
      if (session.ended()) break;
      heard_meanwhile += session.output();
      session.wrote(session.output().size(), now_);
    }
    now_ = end;
  }

  std::string heard_meanwhile;  // during pass()

 private:
  Instant now_{std::chrono::hours(1)};
  stomp::FrameReader reader_{std::size_t{32} << 20U};

 public:
  stomp::Session session;
};

[[nodiscard]] inline std::string header_of(const stomp::Frame& frame, std::string_view name) {
  const auto* value = frame.find(name);
  return value == nullptr ? "(none)" : *value;
}

}  // namespace tidegate::testing
