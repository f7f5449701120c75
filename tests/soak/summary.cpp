#include "tests/soak/summary.hpp"

#include <chrono>
#include <map>
#include <sstream>

namespace tidegate::soak {
namespace {

using namespace std::chrono_literals;

// A fault that had ended this long before may still be the cause.
constexpr Duration aftermath = 5s;

std::string left(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string right(const std::string& text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

std::string right(std::uint64_t number, std::size_t width) {
  return right(std::to_string(number), width);
}

std::string line(const std::string& label, std::uint64_t figure, const std::string& remark = "") {
  return left(label, 26) + right(figure, 9) + (remark.empty() ? "" : "   " + remark) + "\n";
}

std::string examples(const std::string& label, const Complaints& complaints,
                     const History& history) {
  std::string text = line(label, complaints.count);
  for (const auto& example : complaints.first) {
    text += "    " + history.since_begin(example.at) + "  " + example.text +
            "\n        during: " + under_way(history.faults(), example.at, aftermath) + "\n";
  }
  return text;
}

}  // namespace

std::string table(const Verdict& verdict, const History& history) {
  std::ostringstream out;
  out << "              lives  published  delivered  reported  recovered  requests   memory\n";
  PeerFigures all;
  for (std::size_t i = 0; i < verdict.peers.size(); ++i) {
    const auto& peer = verdict.peers[i];
    out << left(peer_name(static_cast<int>(i)), 12) << right(peer.lives, 7)
        << right(peer.published, 11) << right(peer.delivered, 11) << right(peer.reported, 10)
        << right(peer.recovered, 11) << right(peer.requests, 10) << right(peer.memory_kib / 1024, 5)
        << " MiB\n";
    all.recovered += peer.recovered;
    all.requests += peer.requests;
  }
  const auto reported = [&](const std::string& why) {
    const auto found = verdict.reported.find(why);
    return found == verdict.reported.end() ? 0 : found->second;
  };
  out << "\n";
  out << line("published", verdict.published);
  out << line("delivered", verdict.delivered);
  out << line("  rows looked up, there", verdict.rows_seen);
  out << line("  without a row", verdict.rowless);
  out << line("  not judged", verdict.unjudged, "the server was down or in another life");
  out << line("  undone, excused", verdict.excused_straddled,
              "announced when the publisher's peer knew the next primary already");
  out << line("  undone, carried", verdict.excused_carried,
              "by messages without a row of their own");
  out << line("  left behind, carried", verdict.excused_astray,
              "the same, to a peer whose server had left the others' history");
  out << line("recovered", all.recovered,
              std::to_string(all.requests) + " requests, " + std::to_string(verdict.resent) +
                  " sent again");
  out << line("reported: orphaned", reported("orphaned"), "undone by a failover");
  out << line("reported: in doubt", reported("in_doubt"), "undone by a failover, or not");
  out << line("reported: expired", reported("expired"));
  out << line("reported: missing", reported("missing"));
  out << line("unpublished", verdict.unpublished, "handed back to their publisher");
  out << line("refused", verdict.refused, "by publish(), while it knew no primary");
  out << line("lost with its publisher", verdict.lost_with_publisher,
              "receptions; " + std::to_string(verdict.reached_nobody) + " messages reached nobody");
  out << "\n";
  std::map<FaultKind, std::uint64_t> faults;
  for (const auto& fault : history.faults()) ++faults[fault.kind];
  for (const auto& [kind, count] : faults) {
    out << line(std::string("fault: ").append(to_string(kind)), count);
  }
  return out.str();
}

std::string sentence(const Verdict& verdict, const History& history) {
  return examples("stale reads", verdict.stale, history) +
         examples("duplicates", verdict.duplicates, history) +
         examples("order violations", verdict.order, history) +
         examples("unexplained missing", verdict.missing, history);
}

}  // namespace tidegate::soak
