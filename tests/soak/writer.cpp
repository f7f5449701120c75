#include "tests/soak/writer.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

#include "peer/io/clock.hpp"
#include "tests/soak/row_checker.hpp"
#include "tidegate/commit.hpp"

namespace tidegate::soak {
namespace {

using namespace std::chrono_literals;

constexpr Duration shortest_pause = 20ms;
constexpr Duration longest_pause = 200ms;
constexpr std::uint64_t burst = 30;

template <typename Failure>
Position need(Result<Position, Failure> position) {
  if (!position) throw std::runtime_error(position.error().message);
  return std::move(position).value();
}

}  // namespace

Writer::Writer(AnyPeer& peer, Journal& journal, std::string primary, std::string prefix,
               base::Random random, std::function<void()> drain)
    : peer_(peer),
      journal_(journal),
      primary_(std::move(primary)),
      prefix_(std::move(prefix)),
      random_(random),
      drain_(std::move(drain)),
      due_(io::clock_now()) {}

void Writer::primary_up(const ServerIncarnation& incarnation) {
  known_ = incarnation;
  straddled_ = straddled_ || known_ != committed_on_;
}

void Writer::write(Instant now) {
  due_ = now + random_.between(shortest_pause, longest_pause);
  if (burst_ > 0) {
    --burst_;
    due_ = now;
  } else if (random_.below(100) == 0) {
    burst_ = burst;
  }
  if (!session_ && !connect(now)) return;
  try {
    announce(make());
  } catch (const std::runtime_error& error) {
    // Nobody knows whether the row is there, so it is not announced.
    journal_.write(Noted{error.what()});
    session_.reset();
  }
}

bool Writer::connect(Instant now) {
  try {
    session_.emplace(primary_ + " connect_timeout=5");
    committed_on_ = instance_of(*session_);
    return true;
  } catch (const std::runtime_error&) {
    session_.reset();
    due_ = now + 300ms;
    return false;
  }
}

Writer::Made Writer::make() {
  if (random_.below(10) == 0) return {"no_change", last_seen_, NoChange{}};
  return commit_row(prefix_ + "." + std::to_string(++rows_));
}

Writer::Made Writer::commit_row(const std::string& row) {
  auto& session = *session_;
  const auto insert = "INSERT INTO rows VALUES ('" + row + "')";
  const bool lazy = random_.below(3) == 0;
  const std::string settings = lazy ? "BEGIN; SET LOCAL synchronous_commit = off; " : "BEGIN; ";
  const std::string suffix = lazy ? "_async" : "";
  switch (random_.below(8)) {
    case 0:
    case 1:
      session.execute(settings + insert);
      return {"position" + suffix, row, need(commit(session.connection()))};
    case 2:
      session.execute(settings + insert + "; COMMIT");
      return {"position_after" + suffix, row, need(position_after_commit(session.connection()))};
    case 3:
    case 4:
      session.execute(insert);
      return {"durable", row, AfterCommit{.durable = true}};
    default:
      session.execute(settings + insert + "; COMMIT");
      return {"after" + suffix, row, AfterCommit{}};
  }
}

void Writer::announce(const Made& made) {
  const bool asks = std::holds_alternative<AfterCommit>(made.dependency);
  straddled_ = known_ != committed_on_;
  const auto number = ++number_;
  journal_.write(Announcing{number, made.way, made.row});
  // Now and then a long one, so that frames, windows and buffers are not all of one size.
  const std::string padding(random_.below(random_.below(20) == 0 ? 16384 : 100), 'x');
  const auto answer =
      peer_.publish(Topic::of({"rows", prefix_}).value(),
                    std::to_string(number) + " " + made.row + " " + padding, made.dependency);
  if (asks && answer == Publish::accepted) {
    // Once it answers, it has taken the message; all that it had to say before is said now.
    static_cast<void>(peer_.status());
    drain_();
  }
  journal_.write(Answered{number, answer == Publish::accepted, asks && straddled_,
                          std::string(to_string(answer))});
}

}  // namespace tidegate::soak
