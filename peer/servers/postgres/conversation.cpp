#include "peer/servers/postgres/conversation.hpp"

#include "lib/base/must.hpp"

namespace tidegate::postgres {

template <typename Seam>
void Conversation<Seam>::advance(Instant now, gate::ServerEvents& events) {
  auto event = database_.advance(now);
  if (!event) return;
  if (std::holds_alternative<Database::Connected>(*event)) {
    phase_ = Phase::introduction;
    database_.query(introduction_sql, now);
  } else if (const auto* answer = std::get_if<Database::Answer>(&*event)) {
    if (phase_ != Phase::introduction) {
      TIDEGATE_MUST(phase_ == Phase::asking);
      return answered(answer->rows, now, events);
    }
    auto server = read_introduction(answer->rows, database_.server());
    if (!server) return give_up(server.error().message, now, events);
    server_ = std::move(*server);
    introduced(now, events);
  } else if (const auto* refusal = std::get_if<Database::QueryFailed>(&*event)) {
    refused(*refusal, now, events);
  } else {
    lost(std::move(std::get<Database::Lost>(*event)), events);
  }
}

template <typename Seam>
void Conversation<Seam>::ask(const std::string& sql, Instant now) {
  phase_ = Phase::asking;
  database_.query(sql, now);
}

template <typename Seam>
void Conversation<Seam>::come_up() {
  up_ = true;
  reported_.clear();
  phase_ = Phase::ready;
}

template <typename Seam>
void Conversation<Seam>::give_up(std::string reason, Instant now, Events& events) {
  database_.drop(now);
  lost({"", std::move(reason)}, events);
}

template <typename Seam>
void Conversation<Seam>::go_down(std::string reason, Events& events) {
  const bool news = up_ || reason != reported_;
  up_ = false;
  phase_ = Phase::down;
  reported_ = reason;
  went_down(news, std::move(reason), events);
}

template class Conversation<servers::ReplayReader>;
template class Conversation<servers::CommitPositionReader>;

}  // namespace tidegate::postgres
