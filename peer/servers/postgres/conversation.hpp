// Shared by both readers of a PostgreSQL server: they have it introduce itself on each connection,
// ask one question at a time, give up a server that answers nonsense, and report once that it is
// down.
//
// `Seam` is the kind of reader (server.hpp). A reader fills in what it makes of the introduction
// and of the answers, and how it says that the server is down.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/postgres/server_sql.hpp"
#include "peer/servers/server.hpp"

namespace tidegate::postgres {

template <typename Seam>
class Conversation : public Seam {
 public:
  [[nodiscard]] io::Interest interest() const final { return database_.interest(); }
  [[nodiscard]] Instant deadline() const final { return database_.deadline(); }
  void advance(Instant now, gate::ServerEvents& events) final;
  [[nodiscard]] bool ready() const final { return phase_ == Phase::ready; }

 protected:
  using Rows = std::vector<SqlRow>;
  using Events = gate::ServerEvents;

  explicit Conversation(Database database) : database_(std::move(database)) {}

  // --- what a reader may do ---

  void ask(const std::string& sql, Instant now);
  void be_ready() { phase_ = Phase::ready; }  // the answer is complete
  void come_up();                             // the server that has introduced itself will do
  void give_up(std::string reason, Instant now, Events& events);
  void go_down(std::string reason, Events& events);
  [[nodiscard]] bool connected() const { return phase_ != Phase::down; }
  [[nodiscard]] bool up() const { return up_; }

  Database database_;
  Introduction server_;  // of the last connection

  // --- what a reader fills in ---

  // `server_` is new. Comes up, then asks or is ready; or gives up.
  virtual void introduced(Instant now, Events& events) = 0;
  // Of what ask() asked. Asks more or is ready; or gives up.
  virtual void answered(const Rows& rows, Instant now, Events& events) = 0;
  virtual void refused(const Database::QueryFailed& refusal, Instant now, Events& events) = 0;
  virtual void lost(Database::Lost lost, Events& events) {
    go_down(std::move(lost.reason), events);
  }
  // Earlier readings count no more. `news`: to be told.
  virtual void went_down(bool news, std::string reason, Events& events) = 0;

 private:
  enum class Phase : std::uint8_t { down, introduction, asking, ready };

  Phase phase_ = Phase::down;
  bool up_ = false;
  std::string reported_;  // why it was last said to be down, until it is up
};

extern template class Conversation<servers::ReplayReader>;
extern template class Conversation<servers::CommitPositionReader>;

}  // namespace tidegate::postgres
