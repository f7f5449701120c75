#include "demo/tally.hpp"

#include <algorithm>

#include "demo/member.hpp"
#include "lib/base/must.hpp"

namespace tidegate::demo {

void ReaderTally::add(const Delivered& delivery) {
  const auto index = static_cast<std::size_t>(delivery.row - 1);
  if (index >= by_row_.size() || by_row_[index]) {
    ++repeated_;
    return;
  }
  by_row_[index] = delivery;
  ++delivered_;
  if (!delivery.readable) ++early_;
}

void ReaderTally::add(const Lost& lost) {
  if (!why_lost_.empty()) why_lost_ += ", ";
  why_lost_ += std::to_string(lost.count) + " " + lost.why;
}

void Tally::add(const std::string& name, const Report& report) {
  if (const auto* started = std::get_if<Started>(&report)) started_[name] = started->at;
  if (const auto* met = std::get_if<Met>(&report)) met_.try_emplace({name, met->name}, met->at);
  if (const auto* commit = std::get_if<Committed>(&report)) committed_.push_back(commit->at);
  if (const auto* delivery = std::get_if<Delivered>(&report)) reader(name).add(*delivery);
  if (const auto* lost = std::get_if<Lost>(&report)) reader(name).add(*lost);
}

ReaderTally& Tally::reader(const std::string& name) {
  TIDEGATE_MUST(name == ungated_name || name == gated_name);
  return name == gated_name ? gated : ungated;
}

std::optional<Duration> Tally::joining(const std::string& a, const std::string& b) const {
  const auto a_met = met_.find({a, b});
  const auto b_met = met_.find({b, a});
  if (a_met == met_.end() || b_met == met_.end()) return std::nullopt;
  const auto begin = std::max(started_.at(a), started_.at(b));
  return std::max(a_met->second, b_met->second) - begin;
}

}  // namespace tidegate::demo
