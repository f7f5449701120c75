#include "lib/stomp/frame_reader.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/base/limits.hpp"
#include "lib/stomp/frame_writer.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::stomp;
using namespace tidegate::testing;
using namespace std::string_literals;

namespace {

constexpr std::size_t body_bytes = 1000;

struct ReadFrames {
  std::vector<Frame> frames;
  std::string error;
};

ReadFrames read(const std::string& bytes, std::optional<Version> version, std::size_t piece = 0) {
  FrameReader reader(body_bytes);
  if (version) reader.follow(*version);
  ReadFrames got;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto size = piece == 0 ? bytes.size() : std::min(piece, bytes.size() - at);
    reader.add(std::string_view(bytes).substr(at, size));
    at += size;
    while (true) {
      auto frame = reader.next();
      if (!frame) {
        got.error = frame.error().message;
        return got;
      }
      if (!*frame) break;
      got.frames.push_back(std::move(**frame));
    }
  }
  return got;
}

Frame read_one(const std::string& bytes, std::optional<Version> version) {
  auto got = read(bytes, version);
  CHECK(got.error == "");
  REQUIRE(got.frames.size() == 1);
  return std::move(got.frames.front());
}

std::string value_of(const std::string& line, std::optional<Version> version) {
  const auto frame = read_one("SEND\n" + line + "\n\n\0"s, version);
  REQUIRE(frame.headers.size() == 1);
  return frame.headers.front().name + "=" + frame.headers.front().value;
}

std::string refusal(const std::string& bytes, std::optional<Version> version) {
  const auto got = read(bytes, version);
  CHECK(got.frames.empty());
  CHECK(got.error != "");
  return got.error;
}

}  // namespace

TEST_CASE("frames come out whole, however their bytes are cut") {
  const auto bytes =
      "\n\nSEND\ndestination:a\n\nbody\0\n\n\nSEND\ncontent-length:3\n\n\0\n\0\0ACK\nid:1\n\n\0\n"s;
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    CAPTURE(piece);
    const auto got = read(bytes, Version::v1_1, piece);
    CHECK(got.error == "");
    REQUIRE(got.frames.size() == 3);
    CHECK(got.frames[0] == Frame{"SEND", {{"destination", "a"}}, "body"});
    CHECK(got.frames[1].body == "\0\n\0"s);
    CHECK(got.frames[2] == Frame{"ACK", {{"id", "1"}}, ""});
  }
}

TEST_CASE("each version has escapes of its own, and the first frame has none") {
  CHECK(value_of("a:x\\ny\\\\", std::nullopt) == "a=x\\ny\\\\");
  CHECK(value_of("a:x\\ny\\\\\\t", Version::v1_0) == "a=x\\ny\\\\\\t");
  CHECK(value_of("a\\c:x\\ny\\\\\\c", Version::v1_1) == "a:=x\ny\\:");
  CHECK(value_of("a\\c:x\\ny\\\\\\c\\r", Version::v1_2) == "a:=x\ny\\:\r");
  for (const auto* text : {"a:\\t", "a:x\\", "\\t:a"}) {
    CAPTURE(text);
    for (const auto version : {Version::v1_1, Version::v1_2}) {
      CHECK(contains(refusal("SEND\n"s + text + "\n\n\0"s, version), "escape"));
    }
  }
  CHECK(contains(refusal("SEND\na:\\r\n\n\0"s, Version::v1_1), "escape"));
  CHECK(read_one("CONNECTED\na:\\t\n\n\0"s, Version::v1_2).headers.front().value == "\\t");
}

TEST_CASE("a colon in a value stands as it is") {
  CHECK(value_of("a:b:c", Version::v1_0) == "a=b:c");
  CHECK(value_of("a:b:c", Version::v1_1) == "a=b:c");
  CHECK(value_of("a:b:c\\cd", Version::v1_2) == "a=b:c:d");
}

TEST_CASE("blanks around a header are cut off in 1.0 and belong to it afterwards") {
  CHECK(value_of(" a : b ", Version::v1_0) == "a=b");
  CHECK(value_of(" a : b ", Version::v1_1) == " a = b ");
  CHECK(value_of(" a : b ", Version::v1_2) == " a = b ");
}

TEST_CASE("a CR ends a line together with its LF in 1.2, and is text before") {
  CHECK(value_of("a:b\r", Version::v1_2) == "a=b");
  CHECK(value_of("a:b\r", Version::v1_1) == "a=b\r");
  CHECK(value_of("a:b\r", Version::v1_0) == "a=b\r");
  CHECK(read_one("\r\nCONNECT\r\na:b\r\n\r\n\0"s, std::nullopt) ==
        Frame{"CONNECT", {{"a", "b"}}, ""});
  CHECK(read_one("SEND\r\n\r\n\r\n\0"s, Version::v1_2).body == "\r\n");
  CHECK(contains(refusal("SEND\na:b\rc\n\n\0"s, Version::v1_2), "CR"));
  CHECK(contains(refusal("SEND\na:b\r\r\n\n\0"s, Version::v1_2), "CR"));
  refusal("SEND\r\n\r\n\0"s, Version::v1_1);
}

TEST_CASE("of repeated headers the first counts") {
  const auto frame = read_one("SEND\na:first\na:second\n\n\0"s, Version::v1_2);
  CHECK(*frame.find("a") == "first");
  CHECK(frame.headers.size() == 2);
  CHECK(read_one("SEND\ncontent-length:1\ncontent-length:9\n\nx\0"s, Version::v1_2).body == "x");
  CHECK(read_one("SEND\nA:1\n\n\0"s, Version::v1_2).find("a") == nullptr);
}

TEST_CASE("content-length counts bytes, and a NUL follows the body") {
  CHECK(read_one("SEND\ncontent-length:4\n\n\xC3\xA4\xC3\xB6\0"s, Version::v1_2).body ==
        "\xC3\xA4\xC3\xB6");
  CHECK(contains(refusal("SEND\ncontent-length:1\n\nab\0"s, Version::v1_2), "NUL"));
  CHECK(contains(refusal("SEND\ncontent-length:x\n\n\0"s, Version::v1_2), "number"));
  CHECK(contains(refusal("SEND\ncontent-length:-1\n\n\0"s, Version::v1_2), "number"));
  CHECK(
      contains(refusal("SEND\ncontent-length:99999999999999999999\n\n"s, Version::v1_2), "number"));
}

TEST_CASE("bytes that are no frame are refused where they are seen") {
  for (const auto& bytes :
       {"GET / HTTP/1.1\r\n"s, "send\n\n\0"s, "SEND\nno colon\n\n\0"s, "SEND\n:x\n\n\0"s,
        "SEND\na:b\0"s, "\x16\x03\x01\0"s, "SEND\na:\xFF\n\n\0"s, "ABCDEFGHIJKLMNOPQ\n"s}) {
    CAPTURE(bytes);
    refusal(bytes, Version::v1_2);
    refusal(bytes, std::nullopt);
  }
}

TEST_CASE("a broken stream has no other frame") {
  FrameReader reader(body_bytes);
  reader.add("SEND\nbroken\n\n\0SEND\n\n\0"s);
  const auto first = reader.next();
  REQUIRE_FALSE(first.ok());
  reader.add("SEND\n\n\0"s);
  const auto second = reader.next();
  REQUIRE_FALSE(second.ok());
  CHECK(second.error() == first.error());
}

TEST_CASE("a client can't make the reader keep more than its bounds") {
  const std::string long_line(base::limits::stomp_line_bytes + 1, 'x');
  CHECK(contains(refusal(long_line, std::nullopt), "longer"));
  CHECK(contains(refusal("SEND\na:" + long_line, Version::v1_2), "longer"));
  CHECK(value_of("a:" + long_line.substr(3), Version::v1_2).size() == long_line.size() - 1);
  std::string many = "SEND\n";
  for (std::size_t i = 0; i < base::limits::stomp_headers; ++i) many += "a:b\n";
  CHECK(read_one(many + "\n\0"s, Version::v1_2).headers.size() == base::limits::stomp_headers);
  CHECK(contains(refusal(many + "a:b\n", Version::v1_2), "headers"));
  CHECK(contains(refusal("SEND\ncontent-length:1001\n\n", Version::v1_2), "1000"));
  CHECK(contains(refusal("SEND\n\n" + std::string(1001, 'x'), Version::v1_2), "1000"));
  CHECK(read_one("SEND\n\n" + std::string(1000, 'x') + "\0"s, Version::v1_2).body.size() == 1000);
}

TEST_CASE("a frame that is written is read as the same in 1.1 and 1.2") {
  const Frame frame{"MESSAGE", {{"a:b\\c\n", " x:y\\z\n\\n "}, {"b", ""}}, "body\0\n"s};
  for (const auto version : {Version::v1_1, Version::v1_2}) {
    std::string bytes;
    FrameWriter writer(bytes, version, frame.command);
    for (const auto& [name, value] : frame.headers) writer.header(name, value);
    writer.end(frame.body);
    auto again = read_one(bytes, version);
    CHECK(again.headers.back() == Header{"content-length", "6"});
    again.headers.pop_back();
    CHECK(again == frame);
  }
  CHECK(to_bytes({"MESSAGE", {{"a", "\r"}}, ""}, Version::v1_2) == "MESSAGE\na:\\r\n\n\0"s);
}

TEST_CASE("no text of others ends a header that is written") {
  const Frame frame{"MESSAGE", {{"a:b\nc", "x\n\ny:z\\\0"s}}, ""};
  CHECK(to_bytes(frame, Version::v1_0) == "MESSAGE\na b c:x  y:z\\ \n\n\0"s);
  CHECK(to_bytes(frame, Version::v1_1) == "MESSAGE\na\\cb\\nc:x\\n\\ny\\cz\\\\ \n\n\0"s);
  CHECK(to_bytes({"CONNECTED", {{"a", "x\ny:z\\"}}, ""}, Version::v1_2) ==
        "CONNECTED\na:x y:z\\\n\n\0"s);
}
