#include "command/outbox_retention.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "peer/io/clock.hpp"
#include "peer/servers/postgres/session_settings.hpp"
#include "peer/servers/postgres/sql_row.hpp"

namespace tidegate::command {
namespace {

// Short enough that replay on a standby, which waits for none of it, is not held up either.
constexpr std::uint64_t slice_rows = 1000;
constexpr Duration pause_between_slices = std::chrono::milliseconds(20);
constexpr Duration pause = std::chrono::seconds(10);
constexpr auto* read_only = "25006";  // a standby, which may become the primary

std::string question_of(const OutboxBounds& bounds) {
  const auto age =
      bounds.age == Duration::zero()
          ? std::string("NULL")
          : fmt::format("'{} microseconds'",
                        std::chrono::duration_cast<std::chrono::microseconds>(bounds.age).count());
  const auto bytes = bounds.bytes == 0 ? std::string("NULL") : std::to_string(bounds.bytes);
  return fmt::format("{}SELECT tidegate.remove_announced({}, {}, {})", postgres::question_settings,
                     age, bytes, slice_rows);
}

}  // namespace

Result<std::unique_ptr<OutboxRetention>> OutboxRetention::open(const std::string& server,
                                                               OutboxBounds bounds,
                                                               io::Reactor& reactor,
                                                               spdlog::logger& log) {
  auto database = postgres::Database::create(server, postgres::Database::Session::plain, {},
                                             base::Random(std::random_device()()));
  if (!database) return database.error();
  return std::unique_ptr<OutboxRetention>(
      new OutboxRetention(std::move(database).value(), bounds, reactor, log));
}

OutboxRetention::OutboxRetention(postgres::Database database, OutboxBounds bounds,
                                 io::Reactor& reactor, spdlog::logger& log)
    : database_(std::move(database)),
      question_(question_of(bounds)),
      log_(log),
      watch_(reactor.watch(database_.interest(), [this](io::Readiness) { turn(); })),
      timer_(reactor.timer([this] { turn(); })) {
  timer_.set(Instant::min());
}

void OutboxRetention::turn() {
  const auto now = io::clock_now();
  if (const auto event = database_.advance(now)) {
    if (const auto* answer = std::get_if<postgres::Database::Answer>(&*event)) {
      answered(*answer, now);
    } else if (const auto* refused = std::get_if<postgres::Database::QueryFailed>(&*event)) {
      if (refused->sqlstate == read_only) {
        removal_.trouble = "its server is a standby";
        ask_at_ = now + pause;
      } else {
        failed(refused->message, now);
      }
    } else if (const auto* lost = std::get_if<postgres::Database::Lost>(&*event)) {
      failed(lost->reason, now);
    }
  }
  if (database_.idle() && now >= ask_at_) {
    ask_at_ = now + pause;
    asked_at_ = now;
    database_.query(question_, now);
  }
  for (const auto& line : digest_.due(now)) write(log_, line);
  watch_.follow(database_.interest());
  auto wake_at = std::min(database_.deadline(), digest_.deadline());
  if (database_.idle()) wake_at = std::min(wake_at, ask_at_);
  timer_.set(wake_at);
}

void OutboxRetention::answered(const postgres::Database::Answer& answer, Instant now) {
  std::uint64_t removed = 0;
  if (answer.rows.size() != 1 || answer.rows[0].size() != 1 ||
      !postgres::read_number(answer.rows[0][0], removed)) {
    return failed("the server did not tell how many rows it has removed", now);
  }
  removal_.trouble.clear();
  if (removed == 0) return;
  removal_.rows += removed;
  ++removal_.slices;
  removal_.longest = std::max(removal_.longest, now - asked_at_);
  if (removed == slice_rows) ask_at_ = now + pause_between_slices;
}

void OutboxRetention::failed(const std::string& why, Instant now) {
  ask_at_ = now + pause;
  removal_.trouble = why;
  const auto text = "old rows of the outbox can't be removed: " + harmless(why) +
                    "; `tidegate outbox --check` tells more";
  for (const auto& line : digest_.add("outbox retention", {LogLevel::warning, text}, now)) {
    write(log_, line);
  }
}

}  // namespace tidegate::command
