#include "tests/soak/history.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "peer/io/clock.hpp"

namespace tidegate::soak {

History::History() : begin_(io::clock_now()), last_traffic_(begin_) {}

void History::born(int peer, const std::string& name, const std::string& server,
                   const std::filesystem::path& journal) {
  const std::lock_guard lock(mutex_);
  lives_.push_back({peer, name, server, false, {}});
  journals_.emplace_back(journal);
}

void History::killed(int peer) {
  const std::lock_guard lock(mutex_);
  for (auto& life : lives_) {
    if (life.peer == peer) life.killed = true;
  }
}

std::size_t History::fault_begins(FaultKind kind, const std::string& what) {
  const std::lock_guard lock(mutex_);
  faults_.push_back({kind, what, io::clock_now(), never});
  return faults_.size() - 1;
}

void History::fault_ends(std::size_t fault) {
  const std::lock_guard lock(mutex_);
  faults_.at(fault).end = io::clock_now();
}

void History::went_astray(const Astray& astray) {
  const std::lock_guard lock(mutex_);
  astray_.push_back(astray);
}

void History::read_on() {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < lives_.size(); ++i) {
    for (auto& record : journals_[i].read()) take(lives_[i], std::move(record));
  }
}

void History::take(Life& life, Record record) {
  const auto* answered = std::get_if<Answered>(&record.event);
  const bool published = answered != nullptr && answered->accepted;
  const bool delivered = std::holds_alternative<Delivered>(record.event);
  if (published) ++published_;
  if (std::holds_alternative<Withdrawn>(record.event)) --published_;
  if (delivered) ++delivered_;
  if (published || delivered) last_traffic_ = std::max(last_traffic_, record.at);
  life.records.push_back(std::move(record));
}

std::vector<std::optional<History::LastStanding>> History::last_standings(int peers) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::optional<LastStanding>> standings(static_cast<std::size_t>(peers));
  for (const auto& life : lives_) {
    auto& word = standings.at(static_cast<std::size_t>(life.peer));
    word.reset();
    const auto record = std::find_if(
        life.records.rbegin(), life.records.rend(),
        [](const Record& some) { return std::holds_alternative<Standing>(some.event); });
    if (record != life.records.rend()) {
      word = LastStanding{record->at, std::get<Standing>(record->event)};
    }
  }
  return standings;
}

std::string History::progress() const {
  const auto standings = last_standings(most_peers);
  const std::lock_guard lock(mutex_);
  std::uint64_t held = 0;
  for (const auto& word : standings) held += word ? word->standing.held : 0;
  return since_begin(io::clock_now()) + "  published " + std::to_string(published_) +
         "  delivered " + std::to_string(delivered_) + "  held " + std::to_string(held) + "  | " +
         under_way(faults_, io::clock_now(), Duration::zero());
}

std::string History::since_begin(Instant when) const {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%7.1f s",
                std::chrono::duration<double>(when - begin_).count());
  return text.data();
}

Instant History::last_traffic() const {
  const std::lock_guard lock(mutex_);
  return last_traffic_;
}

std::string under_way(const std::vector<Happening>& faults, Instant when, Duration aftermath) {
  std::string text;
  for (const auto& fault : faults) {
    if (when < fault.begin || (fault.end != never && when > fault.end + aftermath)) continue;
    text += (text.empty() ? "" : ", ") + fault.what;
  }
  return text.empty() ? "no fault" : text;
}

}  // namespace tidegate::soak
