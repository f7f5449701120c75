// Prints what a subscription to an outbox gives. A delivery counts as taken once its line has been
// written to standard output: a reader that is gone takes nothing.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "command/doors/door.hpp"
#include "command/doors/json_lines/output.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/outbox.hpp"

namespace spdlog {
class logger;
}

namespace tidegate::commands {

class OutboxPrinter final : public doors::Door {
 public:
  using Line = std::function<std::string(const Delivery&)>;
  OutboxPrinter(OutboxSubscription& outbox, io::Reactor& reactor, spdlog::logger& log, Line line,
                std::optional<std::size_t> count);

  // Of the mesh only hints are of interest.
  void handle(const Incoming& incoming) override;
  void peer_has_turned() override;
  [[nodiscard]] bool finished() const override;
  void peer_leaves() override { leaving_ = true; }
  [[nodiscard]] bool pending() const override { return output_.pending(); }

  // The last ones, once nothing is pending any more.
  void take_what_was_written();

  [[nodiscard]] std::size_t printed() const { return printed_; }
  [[nodiscard]] json_lines::Output& output() { return output_; }

 private:
  OutboxSubscription& outbox_;
  spdlog::logger& log_;
  io::Reactor::Watch watch_;
  Topic hint_ = outbox_hint_topic();
  Line line_;
  json_lines::Output output_;
  std::optional<std::size_t> count_;
  std::size_t printed_ = 0;
  std::vector<Ticket> written_;  // to the output, and perhaps not by it
  bool leaving_ = false;
};

}  // namespace tidegate::commands
