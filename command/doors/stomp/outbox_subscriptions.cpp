#include "command/doors/stomp/outbox_subscriptions.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "command/doors/json_lines/json.hpp"
#include "lib/base/limits.hpp"

namespace tidegate::stomp_door {
namespace {

namespace fs = std::filesystem;

constexpr auto lock_ending = ".lock";  // of the first file of a name, and the last

std::string quoted(const std::string& name) { return "the subscription '" + name + "'"; }

Pattern hints() { return Pattern::parse(to_string(outbox_hint_topic())).value(); }

// Its id is the same whenever that loss is told, and none that a row or a message has.
std::shared_ptr<const stomp::Loss> loss_of(const OutboxLost& lost) {
  stomp::Loss loss{.kind = stomp::Loss::Kind::outbox,
                   .origin = {},
                   .publisher = "outbox",
                   .first = lost.first,
                   .last = lost.last,
                   .json = json_lines::to_text(json_lines::to_json(Notice(lost)))};
  constexpr std::string_view mark = "outbox-lost";
  std::copy(mark.begin(), mark.end(), loss.origin.peer.bytes.begin());
  loss.origin.peer.bytes.back() = static_cast<std::uint8_t>(lost.why);
  loss.origin.incarnation = lost.last;
  return std::make_shared<const stomp::Loss>(std::move(loss));
}

}  // namespace

OutboxSubscriptions::OutboxSubscriptions(OutboxPlace place, io::Reactor& reactor,
                                         doors::PeerPatterns& patterns, Hands hands)
    : place_(std::move(place)), reactor_(reactor), patterns_(patterns), hands_(std::move(hands)) {}

void OutboxSubscriptions::carry_out(std::uint64_t connection, const stomp::OutboxEffect& effect) {
  std::visit([&](const auto& one) { act(connection, one); }, effect);
}

void OutboxSubscriptions::act(std::uint64_t connection, const stomp::OutboxOpen& wanted) {
  const auto& name = wanted.name;
  auto* session = hands_.session_of(connection);
  if (session == nullptr) return;
  take_over(connection, name, "a newer connection has taken " + quoted(name) + " to the outbox");
  if (open_.size() == base::limits::stomp_outboxes) {
    return session->refused(wanted.tag, "there are " + std::to_string(open_.size()) +
                                            " open subscriptions to the outbox, and each has a "
                                            "connection to the database; close one first");
  }
  if (!fs::exists(path_of(name) + lock_ending) && too_many_names()) {
    return session->refused(
        wanted.tag, "there are " + std::to_string(base::limits::stomp_outbox_names) +
                        " names of subscriptions to the outbox; remove one by UNSUBSCRIBE with the "
                        "header outbox");
  }
  auto opened = OutboxSubscription::open({.database = place_.database,
                                          .cursor_file = path_of(name),
                                          .from = wanted.from,
                                          .patterns = {wanted.pattern},
                                          .taken_by_done = true});
  if (!opened) {
    return session->refused(wanted.tag,
                            quoted(name) + " can't be opened: " + opened.error().message);
  }
  if (open_.empty()) patterns_.add(hints());
  auto& one = open_[name];
  one.owner = connection;
  one.opening = wanted.tag;
  one.outbox = std::move(opened).value();
  watch(one);
  tell_begun(one, *session);
  if (const auto losses = losses_.find(name); losses != losses_.end()) {
    for (const auto& loss : losses->second) session->give(name, {nullptr, loss});
  }
}

void OutboxSubscriptions::act(std::uint64_t connection, const stomp::OutboxTaken& taken) {
  const auto found = open_.find(taken.name);
  if (found == open_.end() || found->second.owner != connection) return;
  if (taken.loss == nullptr) return found->second.outbox->done(taken.row);
  auto& losses = losses_[taken.name];
  std::erase(losses, taken.loss);
  if (losses.empty()) losses_.erase(taken.name);
}

void OutboxSubscriptions::act(std::uint64_t connection, const stomp::OutboxClose& close_it) {
  const auto found = open_.find(close_it.name);
  if (found != open_.end() && found->second.owner == connection) close(close_it.name);
}

void OutboxSubscriptions::act(std::uint64_t connection, const stomp::OutboxRemove& remove) {
  const auto& name = remove.name;
  auto* session = hands_.session_of(connection);
  if (session == nullptr) return;
  take_over(connection, name, "another connection has removed " + quoted(name) + " to the outbox");
  const auto path = path_of(name);
  if (!fs::exists(path + lock_ending)) {
    return session->refused(remove.tag,
                            "there is no subscription '" + name + "' to the outbox here");
  }
  losses_.erase(name);
  for (const auto& file : {path + ".new", path, path + lock_ending}) {
    std::error_code error;
    (void)fs::remove(file, error);
    if (!error) continue;
    return session->refused(remove.tag, file + " can't be removed: " + error.message());
  }
  session->answered(remove.tag);
}

// Closes it, whichever connection has it; another one is told.
void OutboxSubscriptions::take_over(std::uint64_t connection, const std::string& name,
                                    const std::string& why) {
  const auto found = open_.find(name);
  if (found == open_.end()) return;
  if (found->second.owner != connection) {
    auto* other = hands_.session_of(found->second.owner);
    if (other != nullptr) other->cut(stomp::Ended::evicted, why);
  }
  close(name);
}

void OutboxSubscriptions::close(const std::string& name) {
  const auto found = open_.extract(name);
  const auto& one = found.mapped();
  if (open_.empty()) patterns_.remove(hints());
  auto* session = hands_.session_of(one.owner);
  if (session != nullptr && one.opening) session->given_up(*one.opening);
}

void OutboxSubscriptions::heard(const Delivery& delivery) {
  if (delivery.message.topic != hint_) return;
  for (auto& [name, one] : open_) one.outbox->wake();
}

void OutboxSubscriptions::hand_out() {
  for (auto& [name, one] : open_) hand_out(name, one);
}

void OutboxSubscriptions::hand_out(const std::string& name, Open& one) {
  auto* session = hands_.session_of(one.owner);
  while (one.ready && session != nullptr && session->wants_rows(name)) {
    auto incoming = one.outbox->next(std::chrono::milliseconds(0));
    tell_begun(one, *session);
    one.ready = incoming.has_value();
    if (incoming) give(name, *session, std::move(*incoming));
  }
  // Its descriptor stays readable, and nobody wants the rows now.
  if (one.ready) {
    one.watch.stop();
  } else {
    watch(one);
  }
}

bool OutboxSubscriptions::has_more() const {
  return std::any_of(open_.begin(), open_.end(), [this](const auto& entry) {
    const auto& [name, one] = entry;
    const auto* session = hands_.session_of(one.owner);
    return one.ready && session != nullptr && session->wants_rows(name);
  });
}

void OutboxSubscriptions::give(const std::string& name, stomp::Session& session,
                               Incoming incoming) {
  if (auto* delivery = std::get_if<Delivery>(&incoming)) {
    return session.give(name, {std::make_shared<const Delivery>(std::move(*delivery)), nullptr});
  }
  const auto& notice = std::get<Notice>(incoming);
  const auto [level, text] = command::describe(notice);
  hands_.tell("outbox " + std::to_string(notice.index()), level, quoted(name) + ": " + text);
  const auto* lost = std::get_if<OutboxLost>(&notice);
  if (lost == nullptr) return;
  const auto loss = loss_of(*lost);
  losses_[name].push_back(loss);
  session.give(name, {nullptr, loss});
}

// Without a cursor nobody knows yet what comes behind its beginning.
void OutboxSubscriptions::tell_begun(Open& one, stomp::Session& session) const {
  if (!one.opening || one.outbox->cursor().empty()) return;
  session.answered(*std::exchange(one.opening, std::nullopt));
}

void OutboxSubscriptions::watch(Open& one) {
  if (one.watch) return;
  one.watch =
      reactor_.watch_input(one.outbox->descriptor(), [&one](io::Readiness) { one.ready = true; });
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
  return names >= base::limits::stomp_outbox_names;
}

}  // namespace tidegate::stomp_door
