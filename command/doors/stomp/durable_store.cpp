#include "command/doors/stomp/durable_store.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "command/doors/json_lines/json.hpp"
#include "lib/base/limits.hpp"

namespace tidegate::stomp_door {
namespace {

constexpr Duration pause_between_tries = std::chrono::seconds(1);

// As the notice of the peer, where there is one.
std::string body_of(const stomp::Loss& loss) {
  if (loss.is_range()) {
    auto json = json_lines::to_json(
        Notice(Undelivered{loss.origin, loss.publisher, loss.first, loss.last, loss.why, {}, {}}));
    if (loss.kind == stomp::Loss::Kind::dropped) json["why"] = "queue_full";
    return json_lines::to_text(json);
  }
  const auto why =
      loss.kind == stomp::Loss::Kind::ended ? NotResumed::Why::ended : NotResumed::Why::behind;
  return json_lines::to_text(
      json_lines::to_json(Notice(NotResumed{loss.origin, loss.publisher, loss.first, why})));
}

}  // namespace

Result<std::unique_ptr<DurableStore>> DurableStore::open(const std::string& state_file) {
  const auto path = state_file + ".subscriptions";
  std::string text;
  auto file = peer::DurableFile::open(path, base::limits::stomp_durable_file_bytes, text);
  if (!file) return Error{"the durable subscriptions: " + file.error().message};
  const auto image = stomp::read_durable(text);
  if (!image) {
    return Error{"the durable subscriptions in " + path + " can't be understood: " +
                 image.error().message + "; move the file away, and their clients begin anew"};
  }
  std::unique_ptr<DurableStore> store(new DurableStore(std::move(file).value(), *image));
  if (image->torn == 0) return store;
  // Nothing may stand behind it.
  if (auto failed = store->file_.replace(store->subscriptions_.snapshot())) return *failed;
  return store;
}

DurableStore::DurableStore(peer::DurableFile file, const stomp::DurableImage& image)
    : file_(std::move(file)), subscriptions_(image, body_of) {}

bool DurableStore::prepare(Options& options) const {
  if (subscriptions_.empty()) return false;
  options.resume = subscriptions_.resume();
  return std::exchange(options.from, From::earliest) != From::earliest;
}

std::optional<DurableStore::Word> DurableStore::write(Instant now) {
  const auto journal = subscriptions_.take_journal();
  const bool whole = failing_ || subscriptions_.changed();
  if (journal.empty() && !whole) return std::nullopt;
  if (now < again_at_) return std::nullopt;
  auto failed = whole ? std::optional<Error>() : file_.append(journal);
  const auto most = std::max(base::limits::stomp_durable_journal_bytes, file_.replaced_bytes());
  if (whole || failed || file_.appended_bytes() > most) {
    failed = file_.replace(subscriptions_.snapshot());
    if (!failed) subscriptions_.written();
  }
  const bool before = std::exchange(failing_, failed.has_value());
  again_at_ = failed ? now + pause_between_tries : Instant::min();
  if (failed) {
    return Word{true, failed->message +
                          "; until that is mended, a peer that is killed gives "
                          "its clients again what they have acknowledged"};
  }
  if (!before) return std::nullopt;
  return Word{false, "the durable subscriptions are written again"};
}

}  // namespace tidegate::stomp_door
