#include "command/status_text.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "command/log.hpp"
#include "command/readiness.hpp"
#include "command/units.hpp"
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

std::string down_words(const ServerStatus& server) {
  if (server.reason.empty()) return "not reached yet";
  return fmt::format("has not answered for {}: {}", rough_duration(server.since),
                     harmless(server.reason));
}

std::string database_words(const Status& status) {
  if (!status.gated) return "none: messages are delivered at once";
  const auto& server = status.database;
  if (!server.up && !status.tide) return down_words(server);
  // The role may have changed since the description was made.
  auto text = std::string(server.primary ? "primary now; " : "") + harmless(server.description);
  if (status.tide) {
    text += fmt::format("{}timeline {}, replayed {}", text.empty() ? "" : "; ",
                        status.tide->timeline(), to_string(Lsn{status.tide->replayed}));
  }
  if (!server.degraded.empty()) text += "; " + harmless(server.degraded);
  return text;
}

std::string primary_words(const Status& status) {
  const auto& server = status.primary;
  if (!status.primary_known) return server.asked ? down_words(server) : "none";
  if (server.description.empty()) return "answers";
  return harmless(server.description) +
         (server.degraded.empty() ? "" : "; " + harmless(server.degraded));
}

std::string lag_words(const Status& status) {
  const auto time = lag(status);
  if (!time) return status.gated ? "not known" : "none";
  if (*time == Duration::zero()) return "none: all changes that were announced here are shown";
  return rough_duration(*time) + " since the oldest change that is not shown was announced";
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

std::string unsent_words(const Status& status) {
  if (status.unsent == 0) return "empty";
  return fmt::format("{}, {}, not sent yet{}", count(status.unsent, "message", "messages"),
                     rough_size(status.unsent_bytes),
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

// Usual counts, the first ones, are always shown; those that point at trouble only when they are
// not 0.
template <typename Counts, typename Names>
std::string counter_words(const Counts& counters, const Names& names, std::size_t usual) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto number = counters.*names[i].count;
    if (i >= usual && number == 0) continue;
    std::string name = names[i].name;
    std::replace(name.begin(), name.end(), '_', ' ');
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, number);
  }
  return text;
}

bool lives(const PeerStatus& peer) {
  return peer.state != PeerState::left && peer.state != PeerState::gone;
}

// How far the members have come on the way from one key to another.
std::string key_row(const Status& status) {
  if (status.keys.empty()) return "none: who reaches these ports can join";
  std::size_t known = 0;
  std::size_t others = 0;
  for (const auto& peer : status.peers) {
    if (!lives(peer) || peer.key.empty()) continue;
    ++known;
    if (peer.key != status.keys.front()) ++others;
  }
  auto text = key_words(status.keys);
  if (others == 0) return text;
  return text + fmt::format("; {} of {} other peers {} another one", others, known,
                            others == 1 ? "uses" : "use");
}

std::string state_words(const PeerStatus& peer) {
  const bool unready = peer.state == PeerState::heard || peer.state == PeerState::hello;
  if (!unready || peer.lacks == Handshake::done) return std::string(to_string(peer.state));
  return fmt::format("{}, no {}", to_string(peer.state), to_string(peer.lacks));
}

// Of those that are ready: to how many messages go in datagrams, from how many they come, and with
// whom that was tried in vain.
std::string datagram_words(const Status& status) {
  std::size_t ready = 0;
  std::size_t to = 0;
  std::size_t from = 0;
  std::string in_vain;
  for (const auto& peer : status.peers) {
    if (peer.state != PeerState::ready) continue;
    ++ready;
    to += peer.datagrams_to == DatagramState::open ? 1 : 0;
    from += peer.datagrams_from == DatagramState::open ? 1 : 0;
    if (peer.datagrams_to == DatagramState::tried) {
      in_vain += "; none reaches " + harmless(peer.name);
    }
    if (peer.datagrams_from == DatagramState::tried) {
      in_vain += "; none comes from " + harmless(peer.name);
    }
  }
  return fmt::format("to {} and from {} of {} ready peers{}", to, from, ready, in_vain);
}

std::string seed_words(const SeedStatus& seed) {
  if (seed.unanswered == Duration::zero()) {
    return fmt::format("{}: {} answered", seed.seed,
                       seed.addresses.size() == 1
                           ? "has"
                           : fmt::format("{} of {} have", seed.answered, seed.addresses.size()));
  }
  return fmt::format("{}: no answer for {}{}", seed.seed, rough_duration(seed.unanswered),
                     seed.reason.empty() ? "" : ": " + harmless(seed.reason));
}

// The head, and a row for each of the others that is shown.
std::vector<std::vector<std::string>> other_rows(const Status& status, bool all) {
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "HOST", "PORT", "STATE", "SILENT", "NEXT", "HELD", "MISSING"}};
  for (const auto& peer : status.peers) {
    if (!all && !lives(peer)) continue;
    rows.push_back({harmless(peer.name), harmless(peer.host), std::to_string(peer.direct_port),
                    state_words(peer), rough_duration(peer.silent),
                    peer.next_sequence == 0 ? "-" : std::to_string(peer.next_sequence),
                    std::to_string(peer.held), std::to_string(peer.missing)});
  }
  return rows;
}

std::string departed_words(const Status& status, bool all) {
  const auto departed = static_cast<std::size_t>(std::count_if(
      status.peers.begin(), status.peers.end(), [](const auto& peer) { return !lives(peer); }));
  if (all || departed == 0) return "";
  return fmt::format("{} left; --all shows {}\n",
                     count(departed, "more peer has", "more peers have"),
                     departed == 1 ? "it" : "them");
}

std::string removal_words(const OutboxRemoval& removal) {
  if (!removal.trouble.empty()) {
    return "no old rows of the outbox are removed: " + harmless(removal.trouble);
  }
  if (removal.rows == 0) return "no rows of the outbox removed yet";
  return fmt::format("{} rows of the outbox removed in {} slices, the longest took {}",
                     removal.rows, removal.slices, rough_duration(removal.longest));
}

}  // namespace

std::string key_words(const std::vector<std::string>& keys) {
  std::string text;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i > 0) text += i == 1 ? " is used, accepted too: " : ", ";
    text += harmless(keys[i]);
  }
  return text + (keys.size() == 1 ? " is used" : "");
}

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

std::string peers_text(const Status& status, bool all) {
  auto rows = other_rows(status, all);
  rows.insert(rows.begin() + 1, {harmless(status.name), "-", std::to_string(status.direct_port),
                                 "this peer", "-", "-", "-", "-"});
  return table_text(rows) + departed_words(status, all);
}

std::string others_text(const Status& status, bool all) {
  return table_text(other_rows(status, all)) + departed_words(status, all);
}

void sort_peers(Status& status) {
  const auto key = [](const PeerStatus& peer) {
    return std::tuple(!lives(peer), std::tie(peer.name, peer.host), peer.direct_port);
  };
  std::stable_sort(status.peers.begin(), status.peers.end(),
                   [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

std::string status_text(const Status& status, bool all,
                        const std::optional<stomp_door::DoorCounters>& door,
                        const std::optional<OutboxRemoval>& removal) {
  auto text = fmt::format("{} in mesh {}, up for {}\n", harmless(status.name),
                          harmless(status.mesh), rough_duration(status.up));
  for (const auto& trouble : status.troubles) {
    text += row("trouble",
                fmt::format("for {}: {}", rough_duration(trouble.lasted), harmless(trouble.text)));
  }
  text += row("key", key_row(status));
  text += row("ports",
              fmt::format("{} (publish), {} (direct)", status.publish_port, status.direct_port));
  for (const auto& seed : status.seeds) text += row("seed", seed_words(seed));
  text += row("database", database_words(status));
  text += row("lag", lag_words(status));
  text += row("held", held_words(status));
  text += row("primary", primary_words(status));
  text += row("unsent", unsent_words(status));
  text += row("sent", sent_words(status));
  text += row("kept", kept_words(status));
  text += row("datagrams", datagram_words(status));
  // Published, received, delivered.
  text += row("counts", counter_words(status.counters, counter_names, 3));
  // Clients, connected.
  if (removal) text += row("removal", removal_words(*removal));
  if (door) text += row("door", counter_words(*door, stomp_door::door_counter_names, 2));
  const auto ready = std::count_if(status.peers.begin(), status.peers.end(),
                                   [](const auto& peer) { return peer.state == PeerState::ready; });
  text += row("peers", fmt::format("{} ready, {} known\n", ready, status.peers.size()));
  return text + peers_text(status, all);
}

std::string fitted(const std::string& text, std::size_t columns, std::size_t rows) {
  std::string result;
  std::size_t line = 0;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const auto end = std::min(text.find('\n', begin), text.size());
    if (++line == rows && text.find_first_not_of('\n', end) != std::string::npos) {
      const auto more =
          std::count(text.begin() + static_cast<std::ptrdiff_t>(begin), text.end(), '\n');
      return result + fmt::format("... {} lines more", more);
    }
    std::size_t used = 0;
    for (auto at = begin; at < end; ++at) {
      const bool starts = (static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80;
      if (starts && ++used > columns) break;
      result += text[at];
    }
    result += '\n';
    begin = end + 1;
  }
  return result;
}

std::string wrapped(const std::string& text, std::size_t columns, std::size_t left) {
  constexpr std::size_t narrowest = 20;
  if (columns < left + narrowest) return text;
  std::string result;
  std::size_t used = left;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const auto end = std::min(text.find(' ', begin), text.size());
    const auto word = text.substr(begin, end - begin);
    if (used > left && used + 1 + width(word) > columns) {
      result += "\n" + std::string(left, ' ');
      used = left;
    } else if (used > left) {
      result += ' ';
      ++used;
    }
    result += word;
    used += width(word);
    begin = end + 1;
  }
  return result;
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
