#include "command/bridge/bridge_server.hpp"

#include <chrono>
#include <random>
#include <utility>
#include <variant>

#include "peer/io/clock.hpp"

namespace tidegate::command {
namespace {

// To begin, the last rows of a large outbox are looked through.
constexpr postgres::Database::Timeouts timeouts{.connect = std::chrono::seconds(10),
                                                .answer = std::chrono::minutes(1)};

}  // namespace

Result<BridgeServer> BridgeServer::open(const std::string& primary) {
  auto database = postgres::Database::create(primary, postgres::Database::Session::plain, timeouts,
                                             base::Random(std::random_device()()));
  if (!database) return database.error();
  return BridgeServer(std::make_unique<Parts>(std::move(database).value()));
}

BridgeServer::Attachment::Attachment(BridgeServer& server, io::Reactor& reactor) : server_(server) {
  auto* parts = server.parts_.get();
  parts->watch =
      reactor.watch(parts->database.interest(), [parts](io::Readiness) { parts->turn(); });
  parts->timer.emplace(reactor.timer([parts] { parts->turn(); }));
  parts->timer->set(Instant::min());
}

BridgeServer::Attachment::~Attachment() {
  server_.parts_->answered = nullptr;  // of one who goes with the reactor
  server_.parts_->watch.stop();
  server_.parts_->timer.reset();
}

void BridgeServer::ask(const std::string& question, Answered answered) {
  parts_->answered = std::move(answered);
  parts_->database.query(question, io::clock_now());
  parts_->turn();
}

void BridgeServer::Parts::turn() {
  using postgres::Database;
  if (auto event = database.advance(io::clock_now())) {
    std::optional<std::optional<Result<Rows>>> came;
    if (std::holds_alternative<Database::Connected>(*event)) {
      trouble.clear();
    } else if (auto* answer = std::get_if<Database::Answer>(&*event)) {
      came.emplace(std::move(answer->rows));
    } else if (const auto* refused = std::get_if<Database::QueryFailed>(&*event)) {
      came.emplace(Error{refused->message});
    } else if (const auto* gone = std::get_if<Database::Lost>(&*event)) {
      ++lost;
      trouble = gone->reason;
      came.emplace(std::nullopt);
    }
    auto handler = came ? std::exchange(answered, nullptr) : nullptr;
    if (handler) handler(std::move(*came));
  }
  watch.follow(database.interest());
  timer->set(database.deadline());
}

}  // namespace tidegate::command
