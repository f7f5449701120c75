#include "peer/servers/postgres/outbox_reader.hpp"

#include <optional>
#include <utility>

#include "peer/servers/postgres/outbox_query.hpp"
#include "peer/servers/postgres/server_sql.hpp"
#include "peer/servers/postgres/tide_reader.hpp"

namespace tidegate::postgres {
namespace {

class OutboxReader final : public TideReader<servers::OutboxReader> {
 public:
  OutboxReader(Database database, Database::Timeouts timeouts, base::Random random)
      : TideReader(std::move(database), timeouts, random) {}

  void read(const outbox::Question& question, Instant now) override {
    if (!ready()) return;
    asked_ = Asked::rows;
    answer_.reset();
    ask(outbox_question(question), now);
  }

  [[nodiscard]] std::optional<Result<outbox::Reading>> take() override {
    return ready() ? std::exchange(answer_, std::nullopt) : std::nullopt;
  }

 private:
  enum class Asked : std::uint8_t { tide, rows, flush };

  void answered(const Rows& rows, Instant now, Events& events) override {
    switch (std::exchange(asked_, Asked::tide)) {
      case Asked::tide:
        return TideReader::answered(rows, now, events);
      case Asked::flush:
        return be_ready();
      case Asked::rows:
        answer_ = read_outbox(rows);
        return answer_->ok() ? ask_tide(now) : be_ready();
    }
  }

  void tide_told(std::optional<Tide> tide, bool flushed, Instant now, Events&) override {
    if (!answer_) return be_ready();
    if (!tide) {
      answer_.reset();
      return be_ready();
    }
    answer_->value().tide = std::move(*tide);
    if (flushed) return be_ready();
    asked_ = Asked::flush;
    ask(nudge_sql, now);
  }

  // No such table, or no right to it: that can change without another session.
  void refused(const Database::QueryFailed& refusal, Instant now, Events& events) override {
    if (std::exchange(asked_, Asked::tide) != Asked::rows) {
      return TideReader::refused(refusal, now, events);
    }
    answer_ = Error{refusal.message};
    be_ready();
  }

  void forgotten() override {
    asked_ = Asked::tide;
    answer_.reset();
  }

  Asked asked_ = Asked::tide;  // by the question under way
  std::optional<Result<outbox::Reading>> answer_;
};

}  // namespace

Result<std::unique_ptr<servers::OutboxReader>> open_outbox_reader(
    const std::string& connection_string, Database::Timeouts timeouts, base::Random random) {
  auto database = Database::create(connection_string, Database::Session::replication, timeouts,
                                   base::Random(random.next()));
  if (!database) return database.error();
  return std::unique_ptr<servers::OutboxReader>(
      std::make_unique<OutboxReader>(std::move(*database), timeouts, random));
}

}  // namespace tidegate::postgres
