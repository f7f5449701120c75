#include "tests/fuzz/member.hpp"

#include <string>
#include <utility>
#include <vector>

#include "tests/lib/samples.hpp"

namespace tidegate::fuzz {
namespace {

mesh::Data draw_data(Draw& draw) {
  mesh::Data data{draw_origin(draw), draw.number(), {}};
  const auto count = 1 + draw.below(4);
  for (int i = 0; i < count; ++i) data.messages.push_back(draw_message(draw));
  return data;
}

MemberSeen draw_member(Draw& draw) {
  MemberSeen seen{.origin = draw_origin(draw), .answered = true, .version = "1", .reads = 7};
  const auto pairs = draw.below(4);
  for (int i = 0; i < pairs; ++i) {
    seen.pairs.push_back({.origin = draw_origin(draw),
                          .name = "b",
                          .host = "10.0.0.2",
                          .publish_port = 10,
                          .direct_port = 20,
                          .beacon_came = draw.coin()});
  }
  if (draw.coin()) seen.refused.push_back({"10.0.0.3", 20, RefusedSeen::Why::no_key, "", {}});
  if (draw.coin()) seen.seeds.push_back({.seed = "x:1", .tested = {"10.0.0.4:1"}});
  return seen;
}

}  // namespace

Origin draw_origin(Draw& draw) {
  const auto drawn = draw.byte();
  auto origin = testing::origin(static_cast<std::uint8_t>(1 + drawn % 5));
  origin.incarnation = 1 + (drawn >> 4U) % 3;
  return origin;
}

History draw_history(Draw& draw) {
  std::vector<HistoryEntry> entries;
  std::uint64_t begin = 0;
  const auto first = 1 + draw.below(3);
  const auto count = draw.below(4);
  for (int i = 0; i <= count; ++i) {
    entries.push_back({static_cast<TimelineId>(first + i), begin, i == 0 ? 0 : draw.byte()});
    begin += 1 + draw.number() % 0x10000;
  }
  if (draw.byte() == 7) entries.back().number = 0xFFFFFFFF;
  auto history = History::of(std::move(entries));
  return history ? *history : testing::history("1");
}

std::optional<Position> draw_position(Draw& draw) {
  const auto kind = draw.byte();
  if (kind % 4 == 0) return std::nullopt;
  auto position =
      testing::place(draw_history(draw), 1 + draw.number() / 2, kind % 16 == 1 ? 8 : testing::home);
  if (kind % 8 == 2) position.after = position.offset / 2;
  return position;
}

Message draw_message(Draw& draw) {
  auto topic = Topic::parse(draw.coin() ? "a/b" : "c").value();
  const auto size = draw.byte();
  Message message{std::move(topic), std::string(size < 200 ? size : std::size_t{size} * 100, 'x'),
                  draw_position(draw), std::nullopt};
  const auto further = draw.byte();
  if ((further & 1U) != 0) message.inherited = draw_position(draw);
  if (further % 8 == 7) message.headers = {{"name", std::string(draw.byte(), 'v')}};
  return message;
}

mesh::PeerInfo draw_info(Draw& draw) {
  mesh::PeerInfo info{draw_origin(draw), draw.byte() == 9 ? "other" : "default", "b", 10, 20};
  if (draw.coin()) info.direct_port = static_cast<std::uint16_t>(draw.number());
  if (draw.coin()) info.epoch = draw.number();
  info.stream_key[0] = draw.below(3);
  info.name += std::string(draw.below(60), 'n');
  return info;
}

mesh::Announcement draw_announcement(Draw& draw) {
  const auto flags = draw.byte();
  return {flags == 9 ? "other" : "default",
          draw_origin(draw),
          10,
          static_cast<std::uint16_t>(20 + (flags >> 4U)),
          (flags & 1U) != 0,
          (flags & 2U) != 0,
          draw.number()};
}

Instant draw_instant(Draw& draw) {
  return Instant(Duration(static_cast<std::int64_t>(draw.number() >> 3U)));
}

mesh::TraceRequest draw_trace(Draw& draw) {
  mesh::TraceRequest request{draw_origin(draw), draw.below(3), draw_instant(draw), Pattern::all(),
                             std::nullopt};
  if (draw.coin()) request.message = mesh::PublishedMessage{draw_origin(draw), draw.number()};
  return request;
}

mesh::TraceReport draw_report(Draw& draw) {
  mesh::TraceReport report{draw_origin(draw), draw.below(3), draw_instant(draw), draw_instant(draw),
                           draw.coin(),       std::nullopt,  std::nullopt};
  if (draw.coin()) {
    report.sending = mesh::SendingSteps{static_cast<Traced::Fate>(1 + draw.below(6)),
                                        draw.number(),
                                        draw_instant(draw),
                                        draw_instant(draw),
                                        draw_instant(draw),
                                        draw_instant(draw),
                                        testing::a_message("a", "").topic};
  }
  if (draw.coin()) {
    report.receiving = mesh::ReceivingSteps{static_cast<TracedFate>(draw.below(11)),
                                            draw_instant(draw),
                                            draw_instant(draw),
                                            draw_instant(draw),
                                            draw_instant(draw),
                                            draw_instant(draw)};
  }
  return report;
}

mesh::CallFrame draw_call(Draw& draw) {
  switch (draw.below(12)) {
    case 0:
      return mesh::Hello{draw_info(draw)};
    case 1:
      return mesh::Ready{draw_origin(draw), draw_origin(draw), draw.number(), draw.number()};
    case 2:
      return mesh::Listening{draw_origin(draw), draw_origin(draw)};
    case 3:
      return mesh::RetransmitRequest{draw_origin(draw), draw.number(), draw.number()};
    case 4:
      return mesh::Probe{draw_origin(draw), draw_origin(draw)};
    case 5:
      return mesh::ReceiptRequest{draw_origin(draw), draw.number()};
    case 6:
      return mesh::CoverageQuestion{draw_origin(draw), draw.number(),
                                    draw_position(draw).value_or(testing::place(1, 5))};
    case 7:
      return mesh::SurveyQuestion{draw_origin(draw), draw.number()};
    case 8:
      return mesh::PathQuestion{draw_origin(draw), draw.coin()};
    case 9:
      return draw_trace(draw);
    case 10:
      return mesh::DatagramOffer{draw_origin(draw),
                                 draw_origin(draw),
                                 draw.below(8),
                                 static_cast<std::uint16_t>(draw.number()),
                                 static_cast<std::uint32_t>(draw.number()),
                                 draw.coin(),
                                 {}};
    default:
      return mesh::OtherVersion{draw.byte()};
  }
}

mesh::AnswerFrame draw_answer(Draw& draw) {
  switch (draw.below(11)) {
    case 0:
      return mesh::Welcome{draw_info(draw)};
    case 1:
      return mesh::Refusal{"no"};
    case 2:
      return draw_data(draw);
    case 3:
      return mesh::Retained{draw_origin(draw), draw.number()};
    case 4:
      return mesh::Vouch{draw_origin(draw)};
    case 5:
      return mesh::Receipt{draw_origin(draw), draw.number(), draw.number()};
    case 6:
      return mesh::CoverageAnswer{draw_origin(draw), draw.number(),
                                  draw.coin() ? std::optional(Covered::pending) : std::nullopt};
    case 7:
      return mesh::SurveyAnswer{draw.number(), draw_member(draw)};
    case 8:
      return mesh::PathAnswer{draw_origin(draw), draw.number(), draw.coin()};
    case 9:
      return draw_report(draw);
    default:
      return mesh::OtherVersion{draw.byte()};
  }
}

mesh::StreamFrame draw_publication(Draw& draw) {
  switch (draw.below(4)) {
    case 0:
      return mesh::Heartbeat{draw_origin(draw), draw.number(), draw.number(), draw_position(draw)};
    case 1:
      return mesh::Farewell{draw_origin(draw), draw.number()};
    default:
      return draw_data(draw);
  }
}

}  // namespace tidegate::fuzz
