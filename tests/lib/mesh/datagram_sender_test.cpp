// A publisher and the paths to its readers, in virtual time.
#include "lib/mesh/datagram_sender.hpp"

#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"

namespace tidegate::mesh {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::origin;

constexpr std::size_t short_frame = 300;
constexpr std::uint32_t capacity = 92;

class Publisher {
 public:
  // Reader 2 has path 2, and so on.
  void offer(std::uint8_t reader, bool shared = true, std::uint32_t room = capacity) {
    effects_.clear();
    sender.offered({origin(reader), origin(1), reader, 40'000, room, shared, {}}, "10.0.0.2", last_,
                   now, effects_);
    advance();
  }
  // A reader whose probes have come, and who has all that was sent.
  void open(std::uint8_t reader, std::size_t sizes = datagram_sizes.size()) {
    offer(reader);
    const auto probes = all<effect::ProbePath>();
    for (std::size_t i = probes.size() - sizes; i < probes.size(); ++i) {
      ack(reader, probes.at(i).number.number, probes.at(i).size);
    }
  }
  void ack(std::uint8_t reader, std::uint64_t number, std::uint32_t size = 0,
           std::optional<std::uint64_t> received = std::nullopt) {
    sender.acknowledged(reader, {number, size, received.value_or(number), last_ + 1}, now);
  }

  // "all" for everyone, else the readers that get it as "datagrams / alone".
  std::string publish(std::size_t bytes = short_frame) {
    const auto& plan = sender.plan(++last_, bytes, now);
    if (plan.everyone) return "all";
    return text(plan.datagrams, plan.alone);
  }

  std::string wait(Duration duration) {
    effects_.clear();
    const auto until = now + duration;
    while (sender.deadline() <= until) {
      now = std::max(now, sender.deadline());
      advance();
    }
    now = until;
    std::string told;
    for (const auto& remind : all<effect::Remind>()) {
      told += (told.empty() ? "" : ", ") + text(remind.datagrams, remind.alone);
    }
    const auto probes = all<effect::ProbePath>().size() / datagram_sizes.size();
    if (probes > 0) told += (told.empty() ? "" : ", ") + std::to_string(probes) + " rounds";
    return told;
  }

  template <typename Kind>
  [[nodiscard]] std::vector<Kind> all() const {
    std::vector<Kind> found;
    for (const auto& effect : effects_) {
      if (const auto* one = std::get_if<Kind>(&effect)) found.push_back(*one);
    }
    return found;
  }
  DatagramSender sender;
  Instant now{seconds(100)};

 private:
  void advance() {
    sender.advance(
        now,
        [&] {
          return StreamFrame(Heartbeat{origin(1), 1, last_, {}});
        },
        effects_);
  }
  static std::string text(const std::vector<PathNumber>& datagrams,
                          const std::vector<PeerId>& alone) {
    std::string words;
    for (const auto& number : datagrams) words += std::to_string(number.path);
    words += "/";
    for (const auto& reader : alone) words += std::to_string(reader.bytes[0]);
    return words;
  }

  Effects effects_;
  std::uint64_t last_ = 0;
};

}  // namespace

TEST_CASE("nobody has a path: everyone gets the frame over the connection") {
  Publisher a;
  CHECK(a.publish() == "all");
  a.offer(2);
  CHECK(a.all<effect::AdmitPath>().size() == 1);
  CHECK(a.publish() == "all");
  CHECK(a.sender.state(origin(2)) == DatagramState::tried);
  CHECK(a.sender.state(origin(3)) == DatagramState::none);
}

TEST_CASE("a path that was probed carries what fits the largest probe that came") {
  Publisher a;
  a.open(2);
  CHECK(a.sender.state(origin(2)) == DatagramState::open);
  CHECK(a.publish() == "2/");
  CHECK(a.publish(datagram_sizes[0] - datagram_head_bytes) == "2/");
  CHECK(a.publish(datagram_sizes[0] - datagram_head_bytes + 1) == "all");
  SUBCASE("the longer probes were lost") {
    Publisher b;
    b.open(2, 1);
    CHECK(b.publish(500) == "2/");
    CHECK(b.publish(501) == "all");
  }
  SUBCASE("a reader says that it has got more than was sent") {
    Publisher b;
    b.offer(2);
    b.ack(2, 3, 65'000);
    CHECK(b.publish() == "all");
  }
}

TEST_CASE("no more datagrams are unacknowledged than half of the reader's buffer holds") {
  Publisher a;
  a.open(2);
  for (std::uint64_t i = 0; i < capacity / 2; ++i) CHECK(a.publish() == "2/");
  CHECK(a.publish() == "all");
  SUBCASE("a reader that has acknowledged some has not got yet what went over the connection") {
    a.sender.acknowledged(2, {20, 300, 20, 10}, a.now);
    CHECK(a.publish() == "all");
  }
  SUBCASE("once it has that, too, datagrams go on") {
    a.ack(2, 20);
    CHECK(a.publish() == "2/");
  }
}

TEST_CASE("a slow reader falls back alone, and many of them together") {
  Publisher a;
  for (std::uint8_t reader = 2; reader < 7; ++reader) a.open(reader);
  for (std::uint64_t i = 0; i < capacity / 2; ++i) {
    CHECK(a.publish() == "23456/");
    for (std::uint8_t reader = 3; reader < 7; ++reader) a.ack(reader, 4 + i);
  }
  CHECK(a.publish() == "3456/2");
  for (std::uint64_t i = 0; i < capacity / 2; ++i) {
    (void)a.publish();
    for (std::uint8_t reader = 4; reader < 7; ++reader) a.ack(reader, 50 + i);
  }
  CHECK(a.publish() == "all");
}

TEST_CASE("a lost tail is told within 10 ms, at first by datagram, then over the connection") {
  Publisher a;
  a.open(2);
  CHECK(a.publish() == "2/");
  CHECK(a.wait(milliseconds(4)).empty());
  CHECK(a.wait(milliseconds(2)) == "2/");
  CHECK(a.wait(milliseconds(5)) == "2/2");
  CHECK(a.wait(milliseconds(20)) == "2/");
}

TEST_CASE("an acknowledged tail is not told of") {
  Publisher a;
  a.open(2);
  CHECK(a.publish() == "2/");
  a.ack(2, 4);
  CHECK(a.wait(seconds(10)).empty());
  CHECK(a.sender.deadline() == never);
}

TEST_CASE("messages in a row tell of each other, and the reader is reminded if it is not heard") {
  Publisher a;
  a.open(2);
  for (int i = 0; i < 4; ++i) {
    CHECK(a.publish() == "2/");
    CHECK(a.wait(milliseconds(4)).empty());
  }
  SUBCASE("they end") { CHECK(a.wait(milliseconds(2)) == "2/"); }
  SUBCASE("they go on, and none has come: the way is dead") {
    std::string told;
    for (int i = 0; i < 5; ++i) {
      (void)a.publish();
      told += a.wait(milliseconds(4));
    }
    CHECK(told.find("2/") != std::string::npos);
    CHECK(told.find("/2") != std::string::npos);
  }
}

TEST_CASE("a path on which nothing is acknowledged is left, probed, and taken again") {
  Publisher a;
  a.open(2);
  CHECK(a.publish() == "2/");
  CHECK(a.wait(milliseconds(249)).ends_with("2/"));
  CHECK(a.wait(milliseconds(2)) == "/2, 1 rounds");
  CHECK(a.sender.state(origin(2)) == DatagramState::tried);
  CHECK(a.publish() == "all");
  SUBCASE("and its reader gets alone what goes to others in datagrams") {
    a.open(3);
    CHECK(a.publish() == "3/2");
  }
  SUBCASE("ever more rarely") {
    (void)a.wait(seconds(30));
    CHECK(a.wait(seconds(20)) == "4 rounds");
  }
  SUBCASE("and works again") {
    (void)a.wait(seconds(3));
    const auto probes = a.all<effect::ProbePath>();
    a.ack(2, probes.back().number.number, probes.back().size);
    CHECK(a.publish() == "2/");
  }
}

TEST_CASE("a path that has never worked is probed once a minute in the end") {
  Publisher a;
  a.offer(2);
  (void)a.wait(std::chrono::minutes(10));
  CHECK(a.wait(std::chrono::minutes(5)) == "5 rounds");
}

TEST_CASE("a path that loses most is left for seconds, and one that loses a fifth is not") {
  Publisher a;
  a.open(2);
  std::uint64_t number = 3;
  std::uint64_t received = 3;
  const auto run = [&](std::uint64_t lost_of_ten) {
    for (int i = 0; i < 300; ++i) {
      if (a.publish() != "2/") return false;
      if (++number % 10 < lost_of_ten) continue;
      a.ack(2, number, short_frame, ++received);
    }
    return true;
  };
  CHECK(run(2));
  CHECK_FALSE(run(6));
  CHECK(a.wait(seconds(4)) == "/2");
  CHECK(a.wait(seconds(2)) == "1 rounds");
}

TEST_CASE("a path that the system refuses is left at once, and its reader is told how far it is") {
  Publisher a;
  a.open(2);
  CHECK(a.publish() == "2/");
  a.sender.broken(2, a.now);
  CHECK(a.publish() == "all");
  CHECK(a.wait(milliseconds(1)) == "/2");
}

TEST_CASE("with another key nobody gets datagrams before it has offered its path anew") {
  Publisher a;
  a.open(2);
  CHECK(a.publish() == "2/");
  Effects effects;
  a.sender.renew(effects);
  CHECK(effects.size() == 1);
  CHECK(std::get<effect::DropPath>(effects.at(0)).path == 2);
  CHECK(a.publish() == "all");
  CHECK(a.wait(seconds(60)).empty());
  a.ack(2, 3, datagram_sizes[2]);
  CHECK(a.publish() == "all");
  SUBCASE("its frames come alone until then") {
    a.open(3);
    CHECK(a.publish() == "3/2");
  }
  SUBCASE("then it is probed again") {
    a.offer(2, false);
    CHECK(a.all<effect::AdmitPath>().size() == 1);
    const auto probe = a.all<effect::ProbePath>().at(0);
    a.ack(2, probe.number.number, probe.size);
    CHECK(a.publish() == "2/");
  }
  SUBCASE("one that leaves is not dropped twice") {
    effects.clear();
    a.sender.forget(origin(2), effects);
    CHECK(effects.empty());
  }
}

TEST_CASE("a reader that was reminded by datagram has left the shared part, and is not forgotten") {
  Publisher a;
  a.offer(2);
  a.publish();  // which has not come, when it acknowledges
  const auto probe = a.all<effect::ProbePath>().at(0);
  a.sender.acknowledged(2, {probe.number.number, probe.size, 1, 1}, a.now);
  CHECK(a.wait(milliseconds(6)) == "2/");
  (void)a.wait(milliseconds(300));
  CHECK(a.sender.state(origin(2)) == DatagramState::tried);
  a.open(3);
  CHECK(a.publish() == "3/2");
}

TEST_CASE("a reader that has left the shared part and comes back gets its frames alone") {
  Publisher a;
  a.open(3);
  a.offer(2, false);
  CHECK(a.publish() == "3/2");
  SUBCASE("also one that says so later") {
    a.offer(4);
    CHECK(a.publish() == "3/2");
    Effects none;
    a.sender.offered({origin(4), origin(1), 4, 40'000, capacity, false, {}}, "10.0.0.2", 0, a.now,
                     none);
    CHECK(none.empty());
    CHECK(a.publish() == "all");  // two of three
  }
}

TEST_CASE("a later offer takes the place of an earlier one, and nobody takes that of another") {
  Publisher a;
  a.open(2);
  Effects effects;
  a.sender.offered({origin(2), origin(1), 9, 40'001, capacity, true, {}}, "10.0.0.2", 0, a.now,
                   effects);
  CHECK(effects.size() == 2);
  CHECK(std::get<effect::DropPath>(effects.at(0)).path == 2);
  effects.clear();
  a.sender.offered({origin(3), origin(1), 9, 40'002, capacity, true, {}}, "10.0.0.3", 0, a.now,
                   effects);
  CHECK(effects.empty());
  a.sender.forget(origin(2), effects);
  CHECK(std::get<effect::DropPath>(effects.at(0)).path == 9);
  CHECK(a.sender.state(origin(2)) == DatagramState::none);
}

TEST_CASE("what went in datagrams alone is unconfirmed until it is acknowledged") {
  Publisher a;
  a.open(2);
  CHECK(a.sender.unconfirmed().empty());
  CHECK(a.publish() == "2/");
  CHECK(a.publish() == "2/");
  CHECK(a.publish(5000) == "all");
  const auto unconfirmed = a.sender.unconfirmed();
  REQUIRE(unconfirmed.size() == 1);
  CHECK(unconfirmed[0].reader == origin(2).peer);
  CHECK(unconfirmed[0].first == 1);
  CHECK(unconfirmed[0].last == 2);
  a.ack(2, 5);
  CHECK(a.sender.unconfirmed().empty());
}

TEST_CASE("acknowledgements of what was not sent, and of paths that are not there, say nothing") {
  Publisher a;
  a.open(2);
  CHECK(a.publish() == "2/");
  a.ack(2, 400);
  a.ack(7, 4);
  CHECK_FALSE(a.wait(milliseconds(6)).empty());
}

}  // namespace tidegate::mesh
