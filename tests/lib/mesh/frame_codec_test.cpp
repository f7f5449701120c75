#include "lib/mesh/frame_codec.hpp"

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "lib/base/random.hpp"
#include "tests/lib/mesh/sample_frames.hpp"

using namespace std::string_literals;
using namespace tidegate;
using namespace tidegate::base;
using namespace tidegate::mesh;
using tidegate::testing::a_message;
using tidegate::testing::for_each_channel;
using tidegate::testing::hex;
using tidegate::testing::origin;
using tidegate::testing::place;

namespace {

// The frame that the bytes are on one of the channels; nothing if it may not carry them.
template <typename Channel>
std::optional<Channel> read(const std::string& bytes) {
  auto decoded = decode<Channel>(bytes);
  const auto* frame = std::get_if<Channel>(&decoded);
  return frame != nullptr ? std::optional(*frame) : std::nullopt;
}

template <typename Channel>
bool misplaced(const std::string& bytes) {
  return std::holds_alternative<Misplaced>(decode<Channel>(bytes));
}

template <typename Channel>
bool malformed(const std::string& bytes) {
  return std::holds_alternative<Malformed>(decode<Channel>(bytes));
}

bool malformed_everywhere(const std::string& bytes) {
  return malformed<CallFrame>(bytes) && malformed<AnswerFrame>(bytes) &&
         malformed<StreamFrame>(bytes);
}

}  // namespace

TEST_CASE("every frame comes back as it was") {
  for_each_channel([]<typename Channel>(const std::vector<Channel>& frames) {
    for (const auto& frame : frames) CHECK((read<Channel>(encode(frame)) == frame));
  });
}

TEST_CASE("a frame of another channel is misplaced, whatever else it says") {
  for (const auto& frame : tidegate::testing::sample_calls()) {
    CHECK(misplaced<AnswerFrame>(encode(frame)));
    CHECK(misplaced<StreamFrame>(encode(frame)));
  }
  for (const auto& frame : tidegate::testing::sample_answers()) {
    CHECK(misplaced<CallFrame>(encode(frame)));
    CHECK(misplaced<StreamFrame>(encode(frame)) == !std::holds_alternative<Data>(frame));
  }
  for (const auto& frame : tidegate::testing::sample_publications()) {
    CHECK(misplaced<CallFrame>(encode(frame)));
    CHECK(misplaced<AnswerFrame>(encode(frame)) == !std::holds_alternative<Data>(frame));
  }
}

TEST_CASE("an unknown kind is malformed on every channel") {
  for (const auto* bytes : {"\x91\x13", "\x91\x7f", "\x91\xcc\xff"}) {
    CHECK(malformed_everywhere(bytes));
  }
  CHECK(malformed_everywhere(std::string("\x91\x00", 2)));
}

TEST_CASE("the bytes are those of the worked example in PROTOCOL.md") {
  Data data{{PeerId{{0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78, 0x87, 0x96, 0xa5, 0xb4, 0xc3,
                     0xd2, 0xe1, 0xf0}},
             1000},
            1,
            {a_message("builds/42", "new", "1:0/3000060")}};
  data.messages[0].position->after = 0x3000018;
  CHECK(hex(encode(data)) ==
        "9606c4100f1e2d3c4b5a69788796a5b4c3d2e1f0cd03e801"
        "91c41d010000000000000007"
        "0000000100000000000000000000000000000000"
        "919692a66275696c6473a23432c4036e657701ce030000604800");
}

TEST_CASE("a history is written once for all messages of a frame, and shared when it is read") {
  const auto history = tidegate::testing::history("1 2@100/7");
  const auto sized = [&](std::size_t count) {
    Data data{origin(1), 1, {}};
    for (std::size_t i = 0; i < count; ++i) {
      data.messages.push_back(a_message("a", ""));
      data.messages.back().position = place(tidegate::testing::history("1 2@100/7"), 100 + i);
      data.messages.back().inherited = place(history, 101 + i);
    }
    return encode(data);
  };
  CHECK(sized(2).size() - sized(1).size() == 11);
  const auto frame = std::get<Data>(*read<StreamFrame>(sized(3)));
  CHECK(frame.messages[0].position->history().entries().data() ==
        frame.messages[2].inherited->history().entries().data());
}

TEST_CASE("a frame that refers to branches which it does not bring is malformed") {
  const auto frame = encode(Data{origin(1), 1, {a_message("a", "", "1:0/64")}});
  REQUIRE(frame.substr(frame.size() - 4) == "\x01\x64\x00\x00"s);
  for (const auto& end : {"\x02\x64"s, "\x7f\x64"s, "\x01\x00"s}) {
    CHECK(malformed<StreamFrame>(frame.substr(0, frame.size() - 4) + end + "\x00\x00"s));
  }
}

TEST_CASE("a change that would lie before the log begins is malformed") {
  const auto frame = encode(Data{origin(1), 1, {a_message("a", "", "1:0/64")}});
  const auto with_span = [&](char span) {
    return frame.substr(0, frame.size() - 2) + span + "\x00"s;
  };
  CHECK(std::get<Data>(*read<StreamFrame>(with_span('\x63'))).messages[0].position->after == 1);
  CHECK(malformed<StreamFrame>(with_span('\x64')));
}

TEST_CASE("a frame with more branches than one may have is malformed before they are read") {
  const auto peer = origin(1).peer.bytes;
  const auto head = "\x96\x06\xc4\x10" + std::string(peer.begin(), peer.end()) + "\x01\x01";
  const auto branch = "\xc4\x1d" + tidegate::testing::branch_bytes(place(1, 1).branch);
  const auto message = "\x91\x94\x91\xa1" + "a\xc4\x00"s + std::string(2, '\0');
  const auto with = [&](std::size_t branches) {
    auto bytes = head + static_cast<char>(0x90 + branches);
    for (std::size_t i = 0; i < branches; ++i) bytes += branch;
    return bytes + message;
  };
  CHECK(read<StreamFrame>(with(limits::frame_branches)).has_value());
  CHECK(malformed<StreamFrame>(with(limits::frame_branches + 1)));
}

TEST_CASE("a message without headers has no byte for them") {
  const auto with = [](std::vector<Header> headers) {
    auto message = a_message("a", "");
    message.headers = std::move(headers);
    return encode(Data{origin(1), 1, {std::move(message)}});
  };
  CHECK(with({{"n", "v"}}).size() == with({}).size() + 5);
  CHECK(with({{"n", "v"}, {"m", ""}}).size() == with({}).size() + 8);
}

TEST_CASE("headers that no publisher may give are malformed") {
  const auto with = [](const std::string& list) {
    const auto frame = encode(Data{origin(1), 1, {a_message("a", "")}});
    const auto message = frame.size() - 8;
    REQUIRE(frame[message] == '\x94');
    return frame.substr(0, message) + '\x95' + frame.substr(message + 1) + list;
  };
  const auto pairs = [](std::size_t count, const std::string& value) {
    auto list = "\xdc"s + '\0' + static_cast<char>(2 * count);
    for (std::size_t i = 0; i < count; ++i) {
      list += "\xa1"s + static_cast<char>(' ' + i) + "\xda" +
              static_cast<char>(value.size() >> 8U) + static_cast<char>(value.size()) + value;
    }
    return list;
  };
  const auto good = [&](const std::string& list) {
    return read<StreamFrame>(with(list)).has_value();
  };
  CHECK(good("\x90"));
  CHECK(good("\x92\xa1n\xa0"));
  CHECK(good(pairs(limits::message_headers, "")));
  CHECK(good(pairs(2, std::string(limits::header_bytes / 2 - 1, 'x'))));
  for (const auto& bad : {"\x91\xa1n"s, "\x93\xa1n\xa1v\xa1m"s, "\x92\xa0\xa1v"s,
                          "\x92\xa1\xff\xa1v"s, "\x92\xa1n\xa1\xff"s, "\x94\xa1n\xa1v\xa1n\xa1w"s,
                          "\x92\xa1n\x01"s, "\xa1n"s, pairs(limits::message_headers + 1, ""),
                          pairs(2, std::string(limits::header_bytes / 2, 'x'))}) {
    CAPTURE(hex(bad));
    CHECK(malformed<StreamFrame>(with(bad)));
  }
}

TEST_CASE("a frame that ends anywhere before its end is an error") {
  for_each_channel([]<typename Channel>(const std::vector<Channel>& frames) {
    for (const auto& frame : frames) {
      const auto bytes = encode(frame);
      for (std::size_t size = 0; size < bytes.size(); ++size) {
        CHECK(malformed<Channel>(bytes.substr(0, size)));
      }
    }
  });
}

TEST_CASE("a frame with bytes behind its end is an error") {
  CHECK(malformed<CallFrame>(encode(Listening{origin(1), origin(2)}) + "x"));
}

TEST_CASE("a field behind the last known one is skipped") {
  auto bytes = encode(Farewell{origin(1), 9});
  REQUIRE(bytes[0] == '\x94');
  bytes[0] = '\x95';
  bytes += '\xc0';
  CHECK((read<StreamFrame>(bytes) == StreamFrame{Farewell{origin(1), 9}}));
}

TEST_CASE("fields behind the last known one may be of any type, but must be whole") {
  const auto farewell = encode(Farewell{origin(1), 9}).substr(1);
  // A map with a float and an extension, then an array.
  const std::string further("\x81\xcb\x40\x09\x21\xfb\x54\x44\x2d\x18\xd4\x01\x02\x92\xc3\xff", 16);
  CHECK((read<StreamFrame>("\x96" + farewell + further) == StreamFrame{Farewell{origin(1), 9}}));
  for (std::size_t size = 0; size < further.size(); ++size) {
    CHECK(malformed<StreamFrame>("\x96" + farewell + further.substr(0, size)));
  }
  CHECK(malformed<StreamFrame>("\x95" + farewell + std::string(100, '\x91') + "\x01"));
}

TEST_CASE("numbers and lengths are read in every form that MessagePack has for them") {
  const auto peer = origin(1).peer.bytes;
  const auto id = "\xc4\x10" + std::string(peer.begin(), peer.end());
  const auto frame = [&](const std::string& last) { return "\x94\x08" + id + "\x01" + last; };
  const std::string zeros(7, '\0');
  for (const auto& nine :
       {"\xcc\x09"s, "\xcd"s + zeros.substr(6) + "\x09", "\xce"s + zeros.substr(4) + "\x09",
        "\xcf"s + zeros + "\x09", "\xd0\x09"s, "\xd1"s + zeros.substr(6) + "\x09",
        "\xd2"s + zeros.substr(4) + "\x09", "\xd3"s + zeros + "\x09"}) {
    CAPTURE(hex(nine));
    CHECK((read<StreamFrame>(frame(nine)) == StreamFrame{Farewell{origin(1), 9}}));
  }
  for (const auto& negative : {"\xff"s, "\xd0\x80"s, "\xd3\xff"s + zeros}) {
    CHECK(malformed<StreamFrame>(frame(negative)));
  }

  const auto data = [&](const std::string& messages) {
    return "\x96\x06" + id + "\x01\x01\x90" + messages;
  };
  const std::string none(2, '\0');  // positions
  const StreamFrame expected = Data{origin(1), 1, {a_message("a", "x")}};
  for (const auto& list :
       {"\x91"s, "\xdc"s + zeros.substr(6) + "\x01", "\xdd"s + zeros.substr(4) + "\x01"}) {
    for (const auto& text : {"\xa1"s, "\xd9\x01"s, "\xda"s + zeros.substr(6) + "\x01",
                             "\xdb"s + zeros.substr(4) + "\x01"}) {
      for (const auto& binary :
           {"\xc4\x01"s, "\xc5"s + zeros.substr(6) + "\x01", "\xc6"s + zeros.substr(4) + "\x01"}) {
        const auto bytes = data(list + "\x94" + list + text + "a" + binary + "x" + none);
        CHECK((read<StreamFrame>(bytes) == expected));
      }
    }
  }
}

TEST_CASE("a hello of another version tells just that, whatever follows") {
  CHECK((read<CallFrame>("\x93\x01\x01\xc0") == CallFrame{OtherVersion{1}}));
  CHECK((read<AnswerFrame>("\x93\x02\x04\xc0") == AnswerFrame{OtherVersion{4}}));
}

TEST_CASE("an array that claims more elements than there are bytes is refused at once") {
  for (const auto& bytes : {std::string("\xdd\xff\xff\xff\xff", 5), std::string("\xdc\xff\xff", 3),
                            std::string("\x95\x06\xdd\x7f\xff\xff\xff", 7)}) {
    CHECK(malformed<StreamFrame>(bytes));
  }
}

TEST_CASE("deep nesting is refused") { CHECK(malformed_everywhere(std::string(100000, '\x91'))); }

TEST_CASE("a hello with a stream key of thousands of bytes does not end the peer") {
  // It was copied into the 32 bytes of a key before its length counted.
  auto info = testing::sample_card;
  info.stream_key.fill(1);
  auto bytes = encode(CallFrame(Hello{info}));
  bytes.resize(bytes.size() - info.stream_key.size() - 2);  // its lead and its length
  bytes += "\xc5\x0f\xa0"s + std::string(4000, '\1');
  CHECK(malformed<CallFrame>(bytes));
}

TEST_CASE("a peer of a version that says nothing of traces knows none") {
  auto bytes = encode(CallFrame(Hello{tidegate::testing::sample_card}));
  REQUIRE(bytes[0] == '\x9c');
  REQUIRE(bytes.back() == '\x01');
  auto before = bytes.substr(0, bytes.size() - 1);
  before[0] = '\x9b';
  CHECK(std::get<Hello>(read<CallFrame>(bytes).value()).info.traces);
  CHECK_FALSE(std::get<Hello>(read<CallFrame>(before).value()).info.traces);
  bytes.back() = '\x7e';  // features of a later version
  CHECK_FALSE(std::get<Hello>(read<CallFrame>(bytes).value()).info.traces);
}

TEST_CASE("a trace that breaks a bound is refused") {
  const TraceRequest request{origin(1), 1, {}, Pattern::all(), PublishedMessage{origin(2), 1}};
  const auto with_pattern = [&](const std::string& text) {
    auto other = request;
    other.pattern = Pattern::parse(text).value();
    return encode(CallFrame(other));
  };
  CHECK(read<CallFrame>(with_pattern(std::string(limits::trace_pattern_bytes, 'x'))).has_value());
  CHECK(malformed<CallFrame>(with_pattern(std::string(limits::trace_pattern_bytes + 1, 'x'))));
  CHECK(malformed<CallFrame>(with_pattern("\xff")));
  auto wrong = encode(CallFrame(request));
  wrong.replace(wrong.find("\xa1#"), 2, "\xa1\\");  // what no pattern can be
  CHECK(malformed<CallFrame>(wrong));
  auto of_none = request;
  of_none.message->sequence = 0;
  CHECK(malformed<CallFrame>(encode(CallFrame(of_none))));

  TraceReport report{origin(1),
                     1,
                     {},
                     {},
                     false,
                     tidegate::testing::sample_sending(),
                     tidegate::testing::sample_receiving()};
  const auto refused = [](const TraceReport& one) {
    return malformed<AnswerFrame>(encode(AnswerFrame(one)));
  };
  CHECK_FALSE(refused(report));
  auto unnumbered = report;
  unnumbered.sending->fate = Traced::Fate::sent;
  unnumbered.sending->sequence = 0;
  CHECK(refused(unnumbered));
  unnumbered.sending->fate = Traced::Fate::under_way;
  CHECK_FALSE(refused(unnumbered));
  const PathAnswer far{origin(1), std::uint64_t{1} << 53U, false};
  CHECK(malformed<AnswerFrame>(encode(AnswerFrame(far))));
  for (const auto fate : {Traced::Fate::none, static_cast<Traced::Fate>(8)}) {
    auto other = report;
    other.sending->fate = fate;
    CHECK(refused(other));
  }
  for (const auto fate : {TracedFate::unanswered, TracedFate::refused}) {
    auto other = report;
    other.receiving->fate = fate;
    CHECK(refused(other));
  }
  report.receiving->left = Instant(Duration(std::int64_t{1} << 60));
  CHECK_FALSE(refused(report));
  report.receiving->left += Duration(1);
  CHECK(refused(report));
  report.receiving->left = Instant(Duration(-1));
  CHECK(refused(report));
}

TEST_CASE("a frame that breaks a bound is refused") {
  auto data = Data{origin(1), 1, {a_message("a", "")}};
  data.messages[0].payload.assign(limits::payload_bytes + 1, 'x');
  CHECK(malformed<StreamFrame>(encode(data)));
  data.messages[0].payload.pop_back();
  CHECK(read<StreamFrame>(encode(data)).has_value());

  CHECK(malformed<StreamFrame>(encode(Data{origin(1), 0, {a_message("a", "")}})));
  CHECK(malformed<CallFrame>(encode(Ready{origin(1), origin(2), 1, 0})));
  CHECK(malformed<CallFrame>(encode(ReceiptRequest{origin(1), 0})));
  CHECK(malformed<AnswerFrame>(encode(Receipt{origin(1), 5, 3})));
  CHECK(malformed<AnswerFrame>(encode(Refusal{std::string(limits::reason_bytes + 1, 'x')})));
  CHECK(malformed<AnswerFrame>(encode(Refusal{"\xff"})));
  auto nameless = tidegate::testing::sample_card;
  nameless.direct_port = 0;
  CHECK(malformed<CallFrame>(encode(Hello{nameless})));
}

TEST_CASE("what a member tells in a survey keeps to its bounds, or is refused") {
  auto seen = testing::sample_member();
  seen.pairs.resize(limits::survey_members + 9, seen.pairs.front());
  seen.refused.resize(limits::survey_refused + 9, seen.refused.front());
  seen.seeds.resize(limits::survey_seeds + 9, seen.seeds.front());
  seen.seeds[0].tested.resize(limits::survey_seed_addresses + 9, "10.0.0.3:17901");
  seen.seeds[0].reason = std::string(limits::survey_text_bytes - 1, 'x') + "\xc3\xa4";
  const auto told = read<AnswerFrame>(encode(SurveyAnswer{1, seen}));
  REQUIRE(told.has_value());
  const auto& cut = std::get<SurveyAnswer>(*told).seen;
  CHECK(cut.pairs.size() == limits::survey_members);
  CHECK(cut.refused.size() == limits::survey_refused);
  CHECK(cut.seeds.size() == limits::survey_seeds);
  CHECK(cut.seeds[0].tested.size() == limits::survey_seed_addresses);
  CHECK(cut.seeds[0].reason == std::string(limits::survey_text_bytes - 1, 'x'));

  auto portless = testing::sample_member();
  portless.pairs[0].direct_port = 0;
  CHECK(malformed<AnswerFrame>(encode(SurveyAnswer{1, portless})));
  auto stateless = testing::sample_member();
  stateless.pairs[0].state = static_cast<PeerState>(6);
  CHECK(malformed<AnswerFrame>(encode(SurveyAnswer{1, stateless})));
  auto answerless = testing::sample_member();
  answerless.pairs[0].publish = static_cast<PortAnswer>(7);
  CHECK(malformed<AnswerFrame>(encode(SurveyAnswer{1, answerless})));
}

TEST_CASE("a large answer about a path is large or nothing") {
  const auto large = encode(PathAnswer{origin(1), 5, true});
  CHECK(large.size() > limits::large_path_bytes);
  CHECK(read<AnswerFrame>(large) == AnswerFrame(PathAnswer{origin(1), 5, true}));
  const auto small = encode(PathAnswer{origin(1), 5, false});
  CHECK(small.back() == '\0');  // the length of its padding
  CHECK(malformed<AnswerFrame>(small.substr(0, small.size() - 1) + "\1x"));
}

namespace {

// Bytes that decode must be a frame that this peer could have sent itself, and the same one again
// when it comes back. Returns whether they did decode.
template <typename Channel>
bool reads_again(const std::string& bytes) {
  const auto frame = read<Channel>(bytes);
  if (!frame) return false;
  if constexpr (!std::is_same_v<Channel, StreamFrame>) {
    if (std::holds_alternative<OtherVersion>(*frame)) return true;  // is only ever received
  }
  if (read<Channel>(encode(*frame)) != frame) FAIL_CHECK("another frame after ", hex(bytes));
  return true;
}

bool decodes_to_a_frame_or_an_error(const std::string& bytes) {
  const bool call = reads_again<CallFrame>(bytes);
  const bool answer = reads_again<AnswerFrame>(bytes);
  const bool publication = reads_again<StreamFrame>(bytes);
  return call || answer || publication;
}

std::vector<std::string> encoded_samples() {
  std::vector<std::string> samples;
  for_each_channel([&](const auto& frames) {
    for (const auto& frame : frames) samples.push_back(encode(frame));
  });
  return samples;
}

}  // namespace

TEST_CASE("a flipped bit never does more than give another frame or an error") {
  for (const auto& bytes : encoded_samples()) {
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      auto flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      decodes_to_a_frame_or_an_error(flipped);
    }
  }
}

TEST_CASE("random bytes never do more than give a frame or an error") {
  Random random(1);
  int frames = 0;
  for (int i = 0; i < 50'000; ++i) {
    // Most begin as a frame does, or nothing would come past the first byte.
    std::string bytes;
    if (random.below(4) > 0) {
      bytes += static_cast<char>(0x92 + random.below(7));
      bytes += static_cast<char>(1 + random.below(9));
    }
    for (auto size = random.below(40); size > 0; --size) {
      bytes += static_cast<char>(random.below(256));
    }
    frames += decodes_to_a_frame_or_an_error(bytes) ? 1 : 0;
  }
  CHECK(frames > 0);
}

TEST_CASE("a mutated frame never does more than give another frame or an error") {
  Random random(2);
  const auto samples = encoded_samples();
  int decoded = 0;
  for (int i = 0; i < 50'000; ++i) {
    auto bytes = samples[random.below(samples.size())];
    for (auto changes = 1 + random.below(4); changes > 0 && !bytes.empty(); --changes) {
      const auto where = random.below(bytes.size());
      switch (random.below(4)) {
        case 0:
          bytes[where] = static_cast<char>(random.below(256));
          break;
        case 1:
          bytes.erase(where, 1 + random.below(4));
          break;
        case 2:
          bytes.insert(where, 1, static_cast<char>(random.below(256)));
          break;
        default: {
          const auto& other = samples[random.below(samples.size())];
          bytes = bytes.substr(0, where) + other.substr(random.below(other.size()));
        }
      }
    }
    decoded += decodes_to_a_frame_or_an_error(bytes) ? 1 : 0;
  }
  CHECK(decoded > 1'000);
}
