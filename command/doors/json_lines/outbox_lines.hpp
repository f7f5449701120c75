// The program beside the peer as a client that reads the outbox (doors/outbox_subscriptions.hpp):
// its lines subscribe and take, rows are deliveries on the output.
//
// Tickets on lines are counted here, over all subscriptions: those of a subscription that was
// opened anew begin anew, and work that was begun before would take another row.
//
// No row is fetched while a pipe's worth of lines is pending: so a slow reader leaves rows in the
// database, and its backlog does not keep the messages of the mesh from it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/doors/outbox_subscriptions.hpp"

namespace tidegate::json_lines {

class OutboxLines final : public doors::OutboxClient,
                          public std::enable_shared_from_this<OutboxLines> {
 public:
  // Both outlive it.
  OutboxLines(doors::OutboxSubscriptions& all, Output& output) : all_(all), output_(output) {}

  // `line` is the number of the line in, which names it in an error.
  void obey(const OutboxOrder& order, std::uint64_t line);

  void answered(std::uint64_t tag) override;
  void refused(std::uint64_t tag, const std::string& why) override;
  void given_up(std::uint64_t tag) override;
  void taken_over(const std::string& name, const std::string& why) override;
  [[nodiscard]] bool wants_rows(const std::string& name) const override;
  void give(const std::string& name, Delivery row) override;
  void give(const std::string& name, Ticket ticket, const OutboxLost& lost) override;

 private:
  struct Own {
    std::string pattern;
    std::map<Ticket, Ticket> untaken;  // by the one that was printed
  };
  // A line that is answered later. Its number is its tag.
  struct Asked {
    std::string name;
    std::string pattern;
    std::string id;
    bool forgets = false;
  };

  void act(const OutboxOrder& order, std::uint64_t line, const OutboxOrder::Subscribe& wanted);
  void act(const OutboxOrder& order, std::uint64_t line, const OutboxOrder::Take& take);
  void act(const OutboxOrder& order, std::uint64_t line, const OutboxOrder::Unsubscribe& unwanted);
  void act(const OutboxOrder& order, std::uint64_t line, const OutboxOrder::Forget& forget);
  // That of a line, for one of the subscription.
  Ticket printed(const std::string& name, Ticket ticket);
  void complain(std::uint64_t line, const std::string& what, const std::string& id);

  doors::OutboxSubscriptions& all_;
  Output& output_;
  std::map<std::string, Own> own_;
  std::map<std::uint64_t, Asked> asked_;
  Ticket last_ticket_ = 0;
};

}  // namespace tidegate::json_lines
