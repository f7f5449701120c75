#include "command/doors/outbox_subscriptions.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "lib/base/limits.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::doors {
namespace {

namespace fs = std::filesystem;

constexpr auto lock_ending = ".lock";  // of the first file of a name, and the last

// Those of rows count from 1 and never come near.
constexpr Ticket tickets_of_losses = Ticket{1} << 52U;

std::string quoted(const std::string& name) { return "the subscription '" + name + "'"; }

Pattern hints() { return Pattern::parse(to_string(outbox_hint_topic())).value(); }

}  // namespace

OutboxSubscriptions::OutboxSubscriptions(OutboxPlace place, io::Reactor& reactor,
                                         PeerPatterns& patterns, spdlog::logger& log)
    : place_(std::move(place)),
      reactor_(reactor),
      patterns_(patterns),
      log_(log),
      timer_(reactor.timer()),
      last_loss_(tickets_of_losses) {}

OutboxSubscriptions::~OutboxSubscriptions() {
  for (const auto& line : digest_.rest(io::clock_now())) command::write(log_, line);
}

void OutboxSubscriptions::open(const Client& client, std::uint64_t tag, const std::string& name,
                               const Pattern& pattern, From from) {
  take_over(client, name, "a newer connection has taken " + quoted(name) + " to the outbox");
  if (open_.size() == base::limits::door_outboxes) {
    return client->refused(tag, "there are " + std::to_string(open_.size()) +
                                    " open subscriptions to the outbox, and each has a "
                                    "connection to the database; close one first");
  }
  if (!fs::exists(path_of(name) + lock_ending) && too_many_names()) {
    return client->refused(tag, "there are " + std::to_string(base::limits::door_outbox_names) +
                                    " names of subscriptions to the outbox; remove one first");
  }
  auto opened = OutboxSubscription::open({.database = place_.database,
                                          .cursor_file = path_of(name),
                                          .from = from,
                                          .patterns = {pattern},
                                          .taken_by_done = true});
  if (!opened) {
    return client->refused(tag, quoted(name) + " can't be opened: " + opened.error().message);
  }
  if (open_.empty()) patterns_.add(hints());
  auto& one = open_[name];
  one.owner = client;
  one.opening = tag;
  one.outbox = std::move(opened).value();
  watch(one);
  tell_begun(one, *client);
  const auto losses = losses_.find(name);
  if (losses == losses_.end()) return;
  for (const auto& [ticket, lost] : losses->second) client->give(name, ticket, lost);
}

void OutboxSubscriptions::taken(const Client& client, const std::string& name, Ticket ticket) {
  auto* one = open_of(client, name);
  if (one == nullptr) return;
  if (ticket < tickets_of_losses) return one->outbox->done(ticket);
  auto& losses = losses_[name];
  losses.erase(ticket);
  if (losses.empty()) losses_.erase(name);
}

void OutboxSubscriptions::close(const Client& client, const std::string& name) {
  if (open_of(client, name) != nullptr) close(name);
}

void OutboxSubscriptions::remove(const Client& client, std::uint64_t tag, const std::string& name) {
  take_over(client, name, "another connection has removed " + quoted(name) + " to the outbox");
  const auto path = path_of(name);
  if (!fs::exists(path + lock_ending)) {
    return client->refused(tag, "there is no subscription '" + name + "' to the outbox here");
  }
  losses_.erase(name);
  for (const auto& file : {path + ".new", path, path + lock_ending}) {
    std::error_code error;
    (void)fs::remove(file, error);
    if (error) return client->refused(tag, file + " can't be removed: " + error.message());
  }
  client->answered(tag);
}

OutboxSubscriptions::Open* OutboxSubscriptions::open_of(const Client& client,
                                                        const std::string& name) {
  const auto found = open_.find(name);
  return found == open_.end() || found->second.owner.lock() != client ? nullptr : &found->second;
}

// Closes it, whichever client has it; another one is told.
void OutboxSubscriptions::take_over(const Client& client, const std::string& name,
                                    const std::string& why) {
  const auto found = open_.find(name);
  if (found == open_.end()) return;
  const auto owner = found->second.owner.lock();
  if (owner != nullptr && owner != client) {
    owner->taken_over(name, why);
    told_ = true;
  }
  close(name);
}

void OutboxSubscriptions::close(const std::string& name) {
  const auto found = open_.extract(name);
  const auto& one = found.mapped();
  if (open_.empty()) patterns_.remove(hints());
  const auto owner = one.owner.lock();
  if (owner != nullptr && one.opening) owner->given_up(*one.opening);
}

void OutboxSubscriptions::handle(const Incoming& incoming) {
  const auto* delivery = std::get_if<Delivery>(&incoming);
  if (delivery == nullptr || delivery->message.topic != hint_) return;
  for (auto& [name, one] : open_) one.outbox->wake();
}

void OutboxSubscriptions::peer_has_turned() {
  const auto now = io::clock_now();
  for (const auto& line : digest_.due(now)) command::write(log_, line);
  if (!leaving_) {
    for (auto& [name, one] : open_) hand_out(name, one);
  }
  timer_.set(std::exchange(told_, false) ? now : digest_.deadline());
}

void OutboxSubscriptions::hand_out(const std::string& name, Open& one) {
  const auto client = one.owner.lock();
  while (one.ready && client != nullptr && client->wants_rows(name)) {
    auto incoming = one.outbox->next(std::chrono::milliseconds(0));
    tell_begun(one, *client);
    one.ready = incoming.has_value();
    if (incoming) give(name, *client, std::move(*incoming));
  }
  // Its descriptor stays readable, and nobody wants the rows now.
  if (one.ready) {
    one.watch.stop();
  } else {
    watch(one);
  }
}

void OutboxSubscriptions::give(const std::string& name, OutboxClient& client, Incoming incoming) {
  if (auto* delivery = std::get_if<Delivery>(&incoming)) {
    told_ = true;
    return client.give(name, std::move(*delivery));
  }
  const auto& notice = std::get<Notice>(incoming);
  auto line = command::describe(notice);
  line.text = quoted(name) + ": " + line.text;
  tell("outbox " + std::to_string(notice.index()), line);
  const auto* lost = std::get_if<OutboxLost>(&notice);
  if (lost == nullptr) return;
  losses_[name].emplace(++last_loss_, *lost);
  told_ = true;
  client.give(name, last_loss_, *lost);
}

// Without a cursor nobody knows yet what comes behind its beginning.
void OutboxSubscriptions::tell_begun(Open& one, OutboxClient& client) {
  if (!one.opening || one.outbox->cursor().empty()) return;
  told_ = true;
  client.answered(*std::exchange(one.opening, std::nullopt));
}

void OutboxSubscriptions::watch(Open& one) {
  if (one.watch) return;
  one.watch =
      reactor_.watch_input(one.outbox->descriptor(), [&one](io::Readiness) { one.ready = true; });
}

void OutboxSubscriptions::tell(const std::string& kind, const command::LogLine& line) {
  for (const auto& each : digest_.add(kind, line, io::clock_now())) command::write(log_, each);
}

std::string OutboxSubscriptions::path_of(const std::string& name) const {
  return place_.state_file + ".outbox." + name;
}

bool OutboxSubscriptions::too_many_names() const {
  const auto before = fs::path(path_of(""));
  const auto directory = before.parent_path();
  const auto prefix = before.filename().string();
  std::size_t names = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory.empty() ? "." : directory, error)) {
    const auto file = entry.path().filename().string();
    if (file.starts_with(prefix) && file.ends_with(lock_ending)) ++names;
  }
  return names >= base::limits::door_outbox_names;
}

}  // namespace tidegate::doors
