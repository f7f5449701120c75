#include "lib/mesh/datagram_sender.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tidegate::mesh {
namespace {

using std::chrono::milliseconds;

constexpr Duration first_reminder = milliseconds(5);
// The first reminder may be lost as its message was: the second one goes over the connection, too.
constexpr Duration by_connection_behind = 2 * first_reminder;
constexpr Duration longest_unheard = milliseconds(20);
constexpr Duration pause_in_flood = milliseconds(20);
constexpr Duration patience = milliseconds(250);

// So much is believed of a reader's buffer.
constexpr std::uint32_t most_capacity = 1024;

constexpr Duration first_probe_pause = milliseconds(50);
constexpr Duration longest_probe_pause = std::chrono::seconds(5);
// Of a path that has never worked.
constexpr Duration longest_first_probe_pause = std::chrono::minutes(1);
constexpr Duration lossy_pause = std::chrono::seconds(5);
constexpr std::uint64_t judged_at_once = 128;

// So few readers are served alone.
constexpr std::size_t few(std::size_t readers) { return std::max<std::size_t>(1, readers / 4); }

template <typename Paths>
auto path_to(const Origin& reader, Paths& paths) {
  return std::find_if(paths.begin(), paths.end(),
                      [&](const auto& path) { return path.second.reader == reader; });
}

}  // namespace

// --- readers ------------------------------------------------------------------------------------

void DatagramSender::offered(const DatagramOffer& offer, const std::string& host,
                             std::uint64_t last, Instant now, Effects& effects) {
  const auto known = paths_.find(offer.path);
  if (known != paths_.end()) {
    auto& path = known->second;
    if (path.reader != offer.origin) return;
    path.leaves_shared |= !offer.shared;
    if (path.admitted) return;  // it repeats its offer while no probe has come
  }
  forget(offer.origin, effects);
  Path path;
  path.reader = offer.origin;
  path.budget = std::min(offer.capacity, most_capacity) / 2;
  path.leaves_shared = !offer.shared;
  path.needs = last;
  path.act_at = now;
  path.pause = first_probe_pause;
  wake_at(now);
  paths_.emplace(offer.path, path);
  effects.push_back(effect::AdmitPath{offer.path, {host, offer.port}, offer.secret});
}

void DatagramSender::forget(const Origin& reader, Effects& effects) {
  const auto found = path_to(reader, paths_);
  if (found == paths_.end()) return;
  if (found->second.admitted) effects.push_back(effect::DropPath{found->first});
  paths_.erase(found);
}

DatagramState DatagramSender::state(const Origin& reader) const {
  const auto found = path_to(reader, paths_);
  if (found == paths_.end()) return DatagramState::none;
  return found->second.open ? DatagramState::open : DatagramState::tried;
}

// --- the way of a frame -------------------------------------------------------------------------

const SendPlan& DatagramSender::plan(std::uint64_t last, std::size_t bytes, Instant now) {
  plan_.everyone = false;
  plan_.alone.clear();
  plan_.datagrams.clear();
  for (const auto& [id, path] : paths_) {
    const bool fits = path.open && bytes <= path.largest && path.sent - path.acked < path.budget &&
                      path.next > path.needs;
    if (fits) {
      plan_.datagrams.push_back({id, path.sent + 1});
    } else if (path.leaves_shared) {
      plan_.alone.push_back(path.reader.peer);
    }
  }
  if (plan_.datagrams.empty() || plan_.alone.size() > few(paths_.size())) {
    plan_.everyone = true;
    plan_.alone.clear();
    plan_.datagrams.clear();
  }
  auto next = plan_.datagrams.begin();
  for (auto& [id, path] : paths_) {
    if (next != plan_.datagrams.end() && next->path == id) {
      ++next;
      path.leaves_shared = true;  // the first frame makes it do so
      if (path.acked == path.sent) path.progress = now;
      path.sent_at = now;
      path.last = last;
      ++path.sent;
    } else {
      path.needs = last;
    }
    watch(path, now);
  }
  return plan_;
}

// Nothing goes in a datagram before all that went over the connection is acknowledged, so no more
// than what fills half of the reader's buffer.
std::vector<DatagramSender::Unconfirmed> DatagramSender::unconfirmed() const {
  std::vector<Unconfirmed> all;
  for (const auto& [id, path] : paths_) {
    if (path.next <= path.last) all.push_back({path.reader.peer, path.next, path.last});
  }
  return all;
}

// The pause begins anew with what goes behind a settled state; it is not put off by what follows,
// so that no timer is set for each message.
void DatagramSender::watch(Path& path, Instant now) {
  if (!path.open || path.act_at != never) return;
  path.pause = first_reminder;
  path.act_at = now + path.pause;
  wake_at(path.act_at);
}

// --- acknowledgements ---------------------------------------------------------------------------

void DatagramSender::acknowledged(PathId id, const DatagramAck& ack, Instant now) {
  const auto found = paths_.find(id);
  if (found == paths_.end() || !found->second.admitted) return;
  auto& path = found->second;
  if (ack.number > path.sent || ack.number < path.acked) return;
  path.next = std::max(path.next, ack.next);
  if (ack.number > path.acked) {
    path.acked = ack.number;
    path.progress = now;
    path.pause = first_reminder;
  }
  const auto probe = ack.number - path.probed;
  if (ack.number >= path.probed && probe < datagram_sizes.size() &&
      ack.size == datagram_sizes.at(probe)) {
    path.largest = std::max<std::size_t>(path.largest, ack.size - datagram_head_bytes);
    if (!path.open) {
      path.open = path.worked = true;
      path.sent_at = path.progress = now;
      path.judged = ack.number;
      path.arrived = ack.received;
      path.act_at = never;
      watch(path, now);
    }
  }
  if (path.open) judge(path, ack, now);
}

void DatagramSender::judge(Path& path, const DatagramAck& ack, Instant now) {
  const auto sent = ack.number - path.judged;
  if (sent < judged_at_once) return;
  const auto arrived = ack.received - std::min(path.arrived, ack.received);
  path.judged = ack.number;
  path.arrived = ack.received;
  if (2 * arrived < sent) leave(path, now, lossy_pause);
}

void DatagramSender::broken(PathId id, Instant now) {
  const auto found = paths_.find(id);
  if (found != paths_.end() && found->second.open) leave(found->second, now, first_probe_pause);
}

void DatagramSender::renew(Effects& effects) {
  for (auto& [id, path] : paths_) {
    if (!std::exchange(path.admitted, false)) continue;
    path.open = false;
    path.act_at = never;
    effects.push_back(effect::DropPath{id});
  }
}

// Datagrams that it has not acknowledged may be lost.
void DatagramSender::leave(Path& path, Instant now, Duration pause) {
  path.lost |= path.open;
  path.open = false;
  path.pause = std::max(pause, first_probe_pause);
  path.act_at = now + pause;
  wake_at(now);
}

// --- time ---------------------------------------------------------------------------------------

void DatagramSender::look(Instant now, Effects& effects) {
  for (auto& [id, path] : paths_) {
    if (now >= path.act_at && path.open) remind(id, path, now);
    if (now >= path.act_at && !path.open) probe(id, path, now, effects);
    if (std::exchange(path.lost, false)) reminded_.alone.push_back(path.reader.peer);
  }
  deadline_ = never;
  for (const auto& [id, path] : paths_) wake_at(path.act_at);
}

void DatagramSender::remind(PathId id, Path& path, Instant now) {
  if (path.settled()) {
    path.act_at = never;
    return;
  }
  const bool unanswered = path.acked < path.sent;
  if (unanswered && now - path.progress >= patience) return leave(path, now, Duration::zero());
  // While messages go the next one tells as much, if it comes.
  if (now - path.sent_at < first_reminder && now - path.progress < longest_unheard) {
    path.pause = first_reminder;
    path.act_at = std::min(path.sent_at + first_reminder, path.progress + longest_unheard);
    return;
  }
  if (path.sent - path.acked < 2 * path.budget) {
    path.leaves_shared = true;
    reminded_.datagrams.push_back({id, ++path.sent});
  }
  path.lost |= unanswered && path.pause == by_connection_behind;
  if (!unanswered) {
    // It is the connection that is waited for, perhaps to the end of a flood.
    path.act_at = now + pause_in_flood;
    return;
  }
  path.act_at = std::min(now + path.pause, path.progress + patience);
  path.pause *= 2;
}

void DatagramSender::probe(PathId id, Path& path, Instant now, Effects& effects) {
  path.largest = 0;
  path.probed = path.sent + 1;
  for (const auto size : datagram_sizes) {
    effects.push_back(effect::ProbePath{{id, ++path.sent}, size});
  }
  path.act_at = now + path.pause;
  const auto longest = path.worked ? longest_probe_pause : longest_first_probe_pause;
  path.pause = std::min(2 * path.pause, longest);
}

}  // namespace tidegate::mesh
