#include "command/doors/json_lines/line_reader.hpp"

#include <random>
#include <vector>

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::json_lines;

namespace {

// All lines of a text that arrives in pieces.
std::vector<Line> lines_of(const std::vector<std::string>& pieces, std::size_t longest = 100) {
  LineReader reader(longest);
  std::vector<Line> lines;
  const auto take = [&] {
    while (auto line = reader.next()) lines.push_back(std::move(*line));
  };
  for (const auto& piece : pieces) {
    reader.add(piece.data(), piece.size());
    take();
  }
  reader.end();
  take();
  return lines;
}

}  // namespace

TEST_CASE("lines are cut wherever the pieces end, and keep their numbers") {
  const std::string text = "one\ntwo\r\n\nfour\nfive";
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
      const auto size = std::min<std::size_t>(1 + random() % 6, text.size() - at);
      pieces.push_back(text.substr(at, size));
      at += size;
    }
    const auto lines = lines_of(pieces);
    REQUIRE(lines.size() == 4);
    CHECK(lines[0].text == "one");
    CHECK(lines[1].text == "two");
    CHECK(lines[2].text == "four");
    CHECK(lines[2].number == 4);
    CHECK(lines[3].text == "five");
    CHECK(lines[3].number == 5);
  }
}

TEST_CASE("a line that is too long is told and thrown away, the next one is read") {
  for (const auto piece : {1U, 3U, 50U}) {
    CAPTURE(piece);
    std::vector<std::string> pieces;
    const std::string text = "a\n" + std::string(30, 'x') + "\nb\n" + std::string(10, 'y') + "\n";
    for (std::size_t at = 0; at < text.size(); at += piece)
      pieces.push_back(text.substr(at, piece));
    const auto lines = lines_of(pieces, 10);
    REQUIRE(lines.size() == 4);
    CHECK_FALSE(lines[0].too_long);
    CHECK(lines[1].too_long);
    CHECK(lines[1].number == 2);
    CHECK(lines[1].text.empty());
    CHECK(lines[2].text == "b");
    CHECK(lines[3].text == std::string(10, 'y'));
  }
}

TEST_CASE("a last line that is too long and unfinished is told too") {
  const auto lines = lines_of({std::string(30, 'x')}, 10);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].too_long);
  CHECK(lines_of({}).empty());
  CHECK(lines_of({"\n\n"}).empty());
}
