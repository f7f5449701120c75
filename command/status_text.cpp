#include "command/status_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "command/log.hpp"
#include "command/units.hpp"
#include "lib/base/limits.hpp"
#include "tidegate/lsn.hpp"

namespace tidegate::command {
namespace {

// Columns on a terminal: code points, since names are UTF-8. Wide characters are rare enough.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
  }));
}

std::string padded(const std::string& text, std::size_t columns) {
  return text + std::string(columns - std::min(columns, width(text)), ' ');
}

std::string row(const char* head, const std::string& text) {
  return fmt::format("  {:<9} {}\n", head, text);
}

std::string count(std::uint64_t number, const char* one, const char* many) {
  return fmt::format("{} {}", number, number == 1 ? one : many);
}

std::string server_words(const Status& status) {
  if (!status.gated) return "none: messages are delivered at once";
  if (!status.tide) return "does not answer: messages stay held";
  return fmt::format("timeline {}, replayed {}", status.tide->timeline(),
                     to_string(Lsn{status.tide->replayed}));
}

std::string held_words(const Status& status) {
  if (status.held == 0) return "nothing";
  auto text = fmt::format("{}, {}", count(status.held, "message", "messages"),
                          rough_size(status.held_bytes));
  if (status.held_first) {
    text += fmt::format("; next at {}, waiting for {}", to_string(*status.held_first),
                        rough_duration(status.held_longest));
  }
  if (const auto behind = bytes_behind(status)) {
    text += fmt::format(", {} of WAL behind", rough_size(*behind));
  }
  return text;
}

std::string outbox_words(const Status& status) {
  if (status.outbox == 0) return "empty";
  return fmt::format("{}, {}, not sent yet{}", count(status.outbox, "message", "messages"),
                     rough_size(status.outbox_bytes),
                     status.primary_known ? "" : "; no primary answers");
}

std::string sent_words(const Status& status) {
  if (status.last_sequence == 0) return "nothing";
  return fmt::format("up to sequence {}{}", status.last_sequence,
                     status.last_position ? ", position " + to_string(*status.last_position) : "");
}

std::string kept_words(const Status& status) {
  if (status.retained == 0) return "nothing";
  return fmt::format("{} from sequence {} on, {}", count(status.retained, "message", "messages"),
                     status.retained_first, rough_size(status.retain_bytes));
}

// Usual counts are always shown; those that point at trouble only when they are not 0.
std::string counter_words(const Counters& counters) {
  constexpr std::size_t usual = 3;  // published, received, delivered
  std::string text;
  for (std::size_t i = 0; i < counter_names.size(); ++i) {
    const auto number = counters.*counter_names[i].count;
    if (i >= usual && number == 0) continue;
    std::string name = counter_names[i].name;
    std::replace(name.begin(), name.end(), '_', ' ');
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, number);
  }
  return text;
}

// The head, and a row for each of the others.
std::vector<std::vector<std::string>> other_rows(const Status& status) {
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "HOST", "PORT", "STATE", "SILENT", "NEXT", "HELD", "MISSING"}};
  for (const auto& peer : status.peers) {
    rows.push_back({harmless(peer.name), harmless(peer.host), std::to_string(peer.direct_port),
                    std::string(to_string(peer.state)), rough_duration(peer.silent),
                    peer.next_sequence == 0 ? "-" : std::to_string(peer.next_sequence),
                    std::to_string(peer.held), std::to_string(peer.missing)});
  }
  return rows;
}

}  // namespace

std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& cells : rows) {
    widths.resize(std::max(widths.size(), cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], width(cells[i]));
  }
  std::string text;
  for (const auto& cells : rows) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) line += padded(cells[i], widths[i] + 2);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string peers_text(const Status& status) {
  auto rows = other_rows(status);
  rows.insert(rows.begin() + 1, {harmless(status.name), "-", std::to_string(status.direct_port),
                                 "this peer", "-", "-", "-", "-"});
  return table_text(rows);
}

std::string others_text(const Status& status) { return table_text(other_rows(status)); }

std::string status_text(const Status& status) {
  auto text = fmt::format("{} in mesh {}, up for {}\n", harmless(status.name),
                          harmless(status.mesh), rough_duration(status.up));
  text += row("ports",
              fmt::format("{} (publish), {} (direct)", status.publish_port, status.direct_port));
  text += row("database", server_words(status));
  text += row("held", held_words(status));
  text += row("primary", status.primary_known ? "answers" : "not known");
  text += row("outbox", outbox_words(status));
  text += row("sent", sent_words(status));
  text += row("kept", kept_words(status));
  text += row("counts", counter_words(status.counters));
  for (const auto& trouble : troubles(status)) text += row("trouble", trouble);
  const auto ready = std::count_if(status.peers.begin(), status.peers.end(),
                                   [](const auto& peer) { return peer.state == PeerState::ready; });
  text += row("peers", fmt::format("{} ready, {} known\n", ready, status.peers.size()));
  return text + peers_text(status);
}

std::vector<std::string> troubles(const Status& status) {
  constexpr Duration noticeable = std::chrono::seconds(3);
  std::vector<std::string> list;
  if (!status.taking && status.untaken >= noticeable) {
    list.push_back(
        fmt::format("the application has taken no delivery for {}; what has come waits, and what "
                    "more comes is let go at held-bytes",
                    rough_duration(status.untaken)));
  }
  if (status.gated && !status.tide) {
    list.emplace_back("the database does not answer; nothing that waits for a change is delivered");
  } else if (status.held > 0 && status.taking && status.held_longest >= noticeable &&
             status.tide_still >= noticeable) {
    list.push_back(
        fmt::format("the database has replayed nothing for {}; look whether its replay is paused "
                    "(pg_is_wal_replay_paused) or its receiver is cut off (pg_stat_wal_receiver)",
                    rough_duration(status.tide_still)));
  }
  if (status.outbox > 0 && !status.primary_known) {
    list.emplace_back("no primary answers; what is published after a commit waits");
  }
  if (status.outgoing_bytes > base::limits::outgoing_bytes / 2) {
    list.push_back(fmt::format(
        "{} wait for readers that don't take them; beyond {} larger frames are withheld from all",
        rough_size(status.outgoing_bytes), rough_size(base::limits::outgoing_bytes)));
  }
  for (const auto& peer : status.peers) {
    const auto name = harmless(peer.name);
    if (peer.state == PeerState::suspect) {
      list.push_back(fmt::format("{} has been silent for {}: stopped, overloaded or cut off", name,
                                 rough_duration(peer.silent)));
    }
    if (peer.slow) {
      list.push_back(
          fmt::format("{} keeps trailing: it was {} behind when it last asked for what "
                      "it has missed",
                      name, count(peer.lag, "message", "messages")));
    }
  }
  return list;
}

std::optional<std::uint64_t> bytes_behind(const Status& status) {
  if (!status.tide || !status.held_first) return std::nullopt;
  const auto& next = *status.held_first;
  if (next.cluster() != status.tide->incarnation.cluster ||
      kinship(next.history(), status.tide->history).kind != Kinship::Kind::same) {
    return std::nullopt;
  }
  const auto replayed = status.tide->replayed;
  return next.offset > replayed ? next.offset - replayed : 0;
}

}  // namespace tidegate::command
