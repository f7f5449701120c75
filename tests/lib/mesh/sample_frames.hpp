// One frame of each kind, by channel.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "lib/mesh/frame.hpp"
#include "tests/lib/samples.hpp"

namespace tidegate::testing {

inline const mesh::PeerInfo sample_card{origin(1), "default", "master-1", 17900, 17901, 1, {}, 99};

inline mesh::Data sample_data() {
  auto far = a_message("c", std::string(300, '\0'), "2:0/3000060");
  far.position->after = 0x3000018;
  far.inherited = place(history("1 2@256/77 5@4096"), 5000);
  far.headers = {{"content-type", "text/plain"}, {"empty", ""}};
  return {origin(1), 3, {a_message("a/b", "x"), std::move(far)}};
}

inline Position behind(Position position) {
  position.after = position.offset - 72;
  return position;
}

// As it comes over the wire: the asking peer knows the rest.
inline MemberSeen sample_member() {
  using std::chrono::milliseconds;
  MemberSeen seen{.origin = origin(2), .answered = true, .version = "0.9.1", .reads = 7};
  seen.pairs.push_back({.origin = origin(1),
                        .name = "app-1",
                        .host = "10.0.0.1",
                        .publish_port = 17900,
                        .direct_port = 17901,
                        .state = PeerState::ready,
                        .lacks = Handshake::done,
                        .silent = milliseconds(3),
                        .last_beacon = milliseconds(40),
                        .beacon_came = true,
                        .stream_came = true,
                        .round_trip = milliseconds(2),
                        .large_came = true,
                        .clock_ahead = milliseconds(-70)});
  seen.pairs.push_back({.origin = origin(3),
                        .host = "10.0.0.3",
                        .publish_port = 17900,
                        .direct_port = 17901,
                        .state = PeerState::gone,
                        .direct = PortAnswer::no_answer,
                        .publish = PortAnswer::refused});
  seen.refused = {{"10.0.0.9", 17905, RefusedSeen::Why::other_mesh, "elsewhere", milliseconds(9)}};
  seen.seeds = {{.seed = "app-3.example:17901",
                 .unanswered = std::chrono::seconds(7),
                 .tested = {"10.0.0.3:17901"},
                 .reason = "no",
                 .answer = PortAnswer::silent}};
  return seen;
}

inline Pattern a_pattern() { return Pattern::parse("builds/*/\\*/#").value(); }

inline mesh::SendingSteps sample_sending() {
  return {Traced::Fate::sent,
          7,
          Instant(Duration(1)),
          Instant(Duration(2)),
          Instant(Duration(3)),
          Instant(std::chrono::hours(24 * 3650)),
          Topic::parse("builds/42/\\*").value()};
}

inline mesh::ReceivingSteps sample_receiving() {
  return {TracedFate::overdue,  Instant(Duration(1)), Instant(Duration(2)),
          Instant(Duration(3)), Instant(Duration(4)), Instant(Duration(5))};
}

inline std::vector<mesh::CallFrame> sample_calls() {
  return {mesh::Hello{sample_card},
          mesh::Ready{origin(1), origin(2), 3, 7},
          mesh::Listening{origin(2), origin(1)},
          mesh::RetransmitRequest{origin(1), 3, 9},
          mesh::Probe{origin(1), origin(2)},
          mesh::ReceiptRequest{origin(1), 9},
          mesh::CoverageQuestion{origin(2), 7, behind(place(history("1 2@256/77"), 0x3000060))},
          mesh::CoverageQuestion{origin(2), 0, place(history("3"), 1)},
          mesh::SurveyQuestion{origin(1), 7},
          mesh::PathQuestion{origin(1), true},
          mesh::TraceRequest{origin(2), 3, Instant(std::chrono::seconds(9)), a_pattern(), {}},
          mesh::TraceRequest{origin(2), 3, {}, a_pattern(), mesh::PublishedMessage{origin(1), 7}},
          mesh::DatagramOffer{origin(2), origin(1), 1, 40'000, 92, true, {}},
          mesh::DatagramOffer{origin(2), origin(1), ~mesh::PathId{0}, 1, 16, false, {1, 2, 3}}};
}

inline std::vector<mesh::AnswerFrame> sample_answers() {
  return {mesh::Welcome{sample_card},
          mesh::Refusal{"another mesh"},
          sample_data(),
          mesh::Retained{origin(1), 4},
          mesh::Vouch{origin(2)},
          mesh::Receipt{origin(1), 4, 9},
          mesh::CoverageAnswer{origin(1), 7, Covered::unknown},
          mesh::CoverageAnswer{origin(1), 8, std::nullopt},
          mesh::SurveyAnswer{7, sample_member()},
          mesh::PathAnswer{origin(1), 1'700'000'000'000'000, false},
          mesh::TraceReport{origin(1), 3, Instant(Duration(7)), Instant(Duration(8)), true, {}, {}},
          mesh::TraceReport{
              origin(1), 3, {}, Instant(Duration(8)), false, sample_sending(), sample_receiving()}};
}

inline std::vector<mesh::StreamFrame> sample_publications() {
  return {sample_data(), mesh::Heartbeat{origin(1), 1, 0, std::nullopt},
          mesh::Heartbeat{origin(1), 5, 9, place(history("1 2@256/77"), 0x3000060)},
          mesh::Farewell{origin(1), 9}};
}

// Calls `use` with the frames of each channel.
template <typename Use>
void for_each_channel(Use use) {
  use(sample_calls());
  use(sample_answers());
  use(sample_publications());
}

}  // namespace tidegate::testing
