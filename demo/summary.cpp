#include "demo/summary.hpp"

#include <algorithm>

#include "demo/layout.hpp"

namespace tidegate::demo {
namespace {

// The smallest value that is not below `percent` of all; "-" when there are none.
std::string percentile(std::vector<Duration> values, std::size_t percent) {
  if (values.empty()) return "-";
  std::sort(values.begin(), values.end());
  const auto rank = (values.size() * percent + 99) / 100;
  return milliseconds(values[std::max<std::size_t>(rank, 1) - 1]);
}

// The results of `value` for those deliveries that have one.
template <typename Value>
std::vector<Duration> each(const ReaderTally& reader, Value&& value) {
  std::vector<Duration> values;
  for (const auto& delivery : reader.by_row()) {
    if (!delivery) continue;
    if (const std::optional<Duration> one = value(*delivery)) values.push_back(*one);
  }
  return values;
}

std::vector<Duration> held(const ReaderTally& reader) {
  return each(reader, [](const Delivered& delivery) { return std::optional(delivery.held); });
}

std::vector<Duration> since_commit(const ReaderTally& reader, const Tally& tally) {
  return each(reader, [&](const Delivered& delivery) -> std::optional<Duration> {
    const auto index = static_cast<std::size_t>(delivery.row - 1);
    if (index >= tally.committed().size()) return std::nullopt;
    return delivery.at - tally.committed()[index];
  });
}

// Of deliveries that came after the replay. The others are counted as too early, not measured here.
std::vector<Duration> since_replay(const ReaderTally& reader,
                                   const support::ReplaySampler& sampler) {
  return each(reader, [&](const Delivered& delivery) -> std::optional<Duration> {
    const auto replayed = sampler.replayed_after(delivery.lsn);
    if (!delivery.readable || !replayed) return std::nullopt;
    return delivery.at - *replayed;
  });
}

int lost(const ReaderTally& reader) {
  return static_cast<int>(reader.by_row().size()) - reader.delivered();
}

// The faults in the deliveries of a reader, gated or not; empty when there are none.
std::string trouble(const std::string& title, const ReaderTally& reader) {
  if (lost(reader) > 0) {
    return title + " missed " + of(lost(reader), static_cast<int>(reader.by_row().size())) +
           " announcements (" +
           (reader.why_lost().empty() ? "they never came" : reader.why_lost()) + "). ";
  }
  if (reader.repeated() > 0) {
    return title + " got announcements again: " + std::to_string(reader.repeated()) + ". ";
  }
  return "";
}

}  // namespace

std::vector<std::string> figures(const Tally& tally, const support::ReplaySampler& sampler) {
  const auto& a = tally.ungated;
  const auto& b = tally.gated;
  const auto count = [](const std::string& label, int ungated, int gated) {
    return table_line(label, std::to_string(ungated), std::to_string(gated));
  };
  const auto time = [](const std::string& label, const std::vector<Duration>& ungated,
                       const std::vector<Duration>& gated, std::size_t percent) {
    return table_line(label, percentile(ungated, percent), percentile(gated, percent));
  };
  const auto replayed_a = since_replay(a, sampler);
  const auto replayed_b = since_replay(b, sampler);
  return {
      count("announcements received", a.delivered(), b.delivered()),
      table_line("arrived before the row was readable", of(a.early(), a.delivered()),
                 of(b.early(), b.delivered())),
      time("commit to delivery, median", since_commit(a, tally), since_commit(b, tally), 50),
      time("of it held at the reader, median", held(a), held(b), 50),
      time("row replayed to delivery, p50", replayed_a, replayed_b, 50),
      time("row replayed to delivery, p99", replayed_a, replayed_b, 99),
      time("row replayed to delivery, max", replayed_a, replayed_b, 100),
      count("lost", lost(a), lost(b)),
      "",
      wrapped("\"Replayed\" is what a connection of its own saw, which asked the replica every " +
              milliseconds(sampler.interval()) + " on average: the times from there are too " +
              "long by up to such an interval, and never too short."),
  };
}

Verdict judge(const Tally& tally, const Settings& settings) {
  const auto& ungated = tally.ungated;
  const auto& gated = tally.gated;
  const auto troubles = trouble("The ungated reader", ungated) + trouble("The gated reader", gated);
  if (gated.early() > 0) {
    return {false,
            {wrapped("This must never happen: the gated reader was told of " +
                     std::to_string(gated.early()) +
                     " rows before it could read them. Please report it. " + troubles)}};
  }
  if (!troubles.empty()) {
    return {false, {wrapped("This must not happen. " + troubles + "Please report it.")}};
  }
  if (ungated.early() == 0) {
    return {false,
            {wrapped("Odd: the ungated reader found every row too, so this run does not show the "
                     "race that the gate is for. The replica was faster than the announcements "
                     "each time. Try a longer delay:"),
             "  ./dev demo --delay 200"}};
  }
  return {true,
          {wrapped("Without the gate " + of(ungated.early(), ungated.delivered()) +
                   " announcements came before their row could be read on the replica. With it " +
                   "none did, and none was lost: each was held until its row was there."),
           "",
           settings.delay.count() > 0
               ? "Next, a replica without any delay:   ./dev demo --delay 0"
               : "Next, a replica that is further behind:   ./dev demo --delay 500"}};
}

}  // namespace tidegate::demo
