#include "command/commands/outbox_printer.hpp"

#include <chrono>
#include <utility>

#include <unistd.h>

#include "command/log.hpp"

namespace tidegate::commands {

OutboxPrinter::OutboxPrinter(OutboxSubscription& outbox, io::Reactor& reactor, spdlog::logger& log,
                             Line line, std::optional<std::size_t> count)
    : outbox_(outbox),
      log_(log),
      watch_(reactor.watch_input(outbox.descriptor(), [](io::Readiness) {})),
      line_(std::move(line)),
      output_(STDOUT_FILENO, reactor),
      count_(count) {}

void OutboxPrinter::handle(const Incoming& incoming) {
  const auto* delivery = std::get_if<Delivery>(&incoming);
  if (delivery != nullptr && delivery->message.topic == hint_) outbox_.wake();
}

void OutboxPrinter::peer_has_turned() {
  take_what_was_written();
  while (!leaving_ && !output_.full() && !finished()) {
    const auto incoming = outbox_.next(std::chrono::milliseconds(0));
    if (!incoming) break;
    if (const auto* delivery = std::get_if<Delivery>(&*incoming)) {
      output_.line(line_(*delivery));
      written_.push_back(delivery->row->ticket);
      ++printed_;
    } else {
      command::write(log_, command::describe(std::get<Notice>(*incoming)));
    }
  }
  output_.flush();
  take_what_was_written();
}

bool OutboxPrinter::finished() const { return output_.closed() || printed_ == count_; }

void OutboxPrinter::take_what_was_written() {
  if (output_.pending() || output_.closed()) return;
  for (const auto ticket : std::exchange(written_, {})) outbox_.done(ticket);
}

}  // namespace tidegate::commands
