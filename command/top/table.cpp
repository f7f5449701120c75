#include "command/top/table.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "command/log.hpp"
#include "command/units.hpp"

namespace tidegate::command::top {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t least_name = 6;

struct Shape {
  Column column;
  const char* title;
  bool number;
  int worth;  // the least is left out first
};
constexpr std::array<Shape, columns> shapes{{{Column::name, "NAME", false, 9},
                                             {Column::address, "ADDRESS", false, 3},
                                             {Column::state, "STATE", false, 8},
                                             {Column::rate, "MSG/S", true, 6},
                                             {Column::next, "NEXT", true, 1},
                                             {Column::held, "HELD", true, 7},
                                             {Column::missing, "MISSING", true, 4},
                                             {Column::lag, "LAG", true, 5},
                                             {Column::silent, "SILENT", true, 2}}};

const Shape& shape(Column column) { return shapes.at(static_cast<std::size_t>(column)); }

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }

std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

std::string address(const PeerStatus& peer) {
  return peer.host + ":" + std::to_string(peer.direct_port);
}

double rate_of(const PeerStatus& peer, const Rates& rates) {
  const auto found = rates.of_peers.find(peer.origin);
  return found == rates.of_peers.end() ? 0 : found->second;
}

std::string state_words(const PeerStatus& peer) {
  return std::string(to_string(peer.state)) + (peer.slow ? ", slow" : "");
}

std::string cell(Column column, const PeerStatus& peer, const Rates& rates) {
  switch (column) {
    case Column::name:
      return harmless(peer.name);
    case Column::address:
      return harmless(address(peer));
    case Column::state:
      return state_words(peer);
    case Column::rate:
      return rate_text(rate_of(peer, rates));
    case Column::next:
      return peer.next_sequence == 0 ? "-" : std::to_string(peer.next_sequence);
    case Column::held:
      return std::to_string(peer.held);
    case Column::missing:
      return std::to_string(peer.missing);
    case Column::lag:
      return std::to_string(peer.lag);
    case Column::silent:
      return rough_duration(peer.silent);
  }
  return "";
}

// Less means further up. Numbers are told by their negatives, as the greatest come first.
double number(Column column, const PeerStatus& peer, const Rates& rates) {
  switch (column) {
    case Column::state:
      return static_cast<double>(peer.state);
    case Column::rate:
      return -rate_of(peer, rates);
    case Column::next:
      return -static_cast<double>(peer.next_sequence);
    case Column::held:
      return -static_cast<double>(peer.held);
    case Column::missing:
      return -static_cast<double>(peer.missing);
    case Column::lag:
      return -static_cast<double>(peer.lag);
    case Column::silent:
      return -std::chrono::duration<double>(peer.silent).count();
    case Column::name:
    case Column::address:
      break;
  }
  return 0;
}

auto order_of(const PeerStatus& peer, const Rates& rates, Column by) {
  const auto where = address(peer);
  return std::tuple(number(by, peer, rates), by == Column::address ? where : "", peer.name, where);
}

bool wanted(const PeerStatus& peer, const Choice& choice) {
  const bool departed = peer.state == PeerState::left || peer.state == PeerState::gone;
  if (departed && !choice.all) return false;
  const auto has = [&](const std::string& text) {
    return text.find(choice.filter) != std::string::npos;
  };
  return has(peer.name) || has(address(peer)) || has(state_words(peer));
}

std::string aligned(const std::string& text, std::size_t width, bool right) {
  const auto cut = clipped(text, width);
  const std::string blanks(width - width_of(cut), ' ');
  return right ? blanks + cut : cut + blanks;
}

struct Placed {
  Column column;
  std::size_t width;
};

std::size_t total(const std::vector<Placed>& placed) {
  std::size_t sum = 0;
  for (const auto& one : placed) sum += one.width + gap;
  return sum == 0 ? 0 : sum - gap;
}

// Those that fit, the names as wide as is left for them.
std::vector<Placed> fit(std::vector<Placed> placed, std::size_t width) {
  while (total(placed) > width && placed.size() > 1) {
    auto& names = placed.front();
    const auto over = total(placed) - width;
    if (names.width >= least_name + over) {
      names.width -= over;
      break;
    }
    placed.erase(std::min_element(placed.begin(), placed.end(), [](const auto& a, const auto& b) {
      return shape(a.column).worth < shape(b.column).worth;
    }));
  }
  if (total(placed) > width) placed.front().width = width;
  return placed;
}

std::string joined(const std::vector<Placed>& placed, const std::vector<std::string>& cells) {
  std::string line;
  for (const auto& [column, width] : placed) {
    if (!line.empty()) line += std::string(gap, ' ');
    line += aligned(cells[static_cast<std::size_t>(column)], width, shape(column).number);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

const char* title(Column column) { return shape(column).title; }

std::string clipped(const std::string& text, std::size_t width) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (!continues(text[at]) && width-- == 0) break;
  }
  return text.substr(0, at);
}

std::vector<PeerStatus> chosen(const Status& status, const Rates& rates, const Choice& choice) {
  std::vector<PeerStatus> peers;
  for (const auto& peer : status.peers) {
    if (wanted(peer, choice)) peers.push_back(peer);
  }
  std::sort(peers.begin(), peers.end(), [&](const PeerStatus& a, const PeerStatus& b) {
    return order_of(a, rates, choice.by) < order_of(b, rates, choice.by);
  });
  if (choice.reversed) std::reverse(peers.begin(), peers.end());
  return peers;
}

Table table(const std::vector<PeerStatus>& peers, const Rates& rates, const Choice& choice,
            std::size_t width) {
  std::vector<std::string> head;
  std::vector<Placed> placed;
  for (const auto& [column, name, number, worth] : shapes) {
    const auto* mark = column != choice.by ? "" : choice.reversed == number ? "\u2191" : "\u2193";
    head.push_back(name + std::string(mark));
    placed.push_back({column, width_of(head.back())});
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& peer : peers) {
    auto& row = rows.emplace_back();
    for (auto& one : placed) {
      row.push_back(cell(one.column, peer, rates));
      one.width = std::max(one.width, width_of(row.back()));
    }
  }
  placed = fit(std::move(placed), width);
  Table table{joined(placed, head), {}};
  for (const auto& row : rows) table.rows.push_back(joined(placed, row));
  return table;
}

}  // namespace tidegate::command::top
