#include "tests/soak/member.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <tuple>

#include "peer/io/clock.hpp"
#include "support/worker_input.hpp"
#include "tests/soak/any_peer.hpp"
#include "tests/soak/journal.hpp"
#include "tests/soak/row_checker.hpp"
#include "tests/soak/writer.hpp"

namespace tidegate::soak {
namespace {

using namespace std::chrono_literals;

constexpr Duration between_standings = 1s;
constexpr std::chrono::milliseconds longest_wait{20};

// The most memory that was ever resident, VmHWM.
std::uint64_t memory_kib() {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    std::uint64_t value = 0;
    if (word == "VmHWM:" && file >> value) return value;
  }
  return 0;
}

class Member {
 public:
  Member(const MemberPlan& plan, AnyPeer peer)
      : peer_(std::move(peer)), journal_(plan.journal), row_checker_(plan.server) {
    journal_.write(Began{origin_word(peer_.status().origin)});
    peer_.subscribe(Pattern::all());
    if (plan.primary.empty()) return;
    writer_.emplace(peer_, journal_, plan.primary, plan.life, base::Random(plan.seed),
                    [this] { drain(); });
  }

  void run() {
    while (listening_) {
      const auto now = io::clock_now();
      if (now >= standing_at_) {
        tell_standing();
        standing_at_ = now + between_standings;
      }
      if (writer_ && now >= writer_->due()) writer_->write(now);
      if (auto incoming = peer_.next(pause())) take(*incoming);
      drain();
      obey();
    }
    peer_.leave();
    drain();
    tell_standing();
    journal_.write(Ended{});
  }

 private:
  struct Taker {
    Member& member;

    void operator()(const PeerReady& notice) const {
      member.journal_.write(Met{origin_word(notice.origin)});
    }
    void operator()(const PeerGone& notice) const {
      member.journal_.write(Parted{origin_word(notice.origin), std::string(to_string(notice.why))});
    }
    void operator()(const Undelivered& notice) const {
      member.journal_.write(Reported{origin_word(notice.origin), notice.first, notice.last,
                                     std::string(to_string(notice.why))});
    }
    void operator()(const Unpublished& notice) const {
      member.journal_.write(Withdrawn{std::stoull(notice.payload)});
    }
    void operator()(const ServerUp& notice) const {
      member.row_checker_.server_up(notice.incarnation);
      member.journal_.write(Noted{"server up: " + notice.description + " " + notice.degraded});
    }
    void operator()(const ServerDown& notice) const {
      member.row_checker_.server_down("the server is down");
      member.journal_.write(Noted{"server down: " + notice.reason});
    }
    void operator()(const PrimaryUp& notice) const {
      if (member.writer_) member.writer_->primary_up(notice.incarnation);
      member.journal_.write(Noted{"primary up: " + notice.description});
    }
    void operator()(const PrimaryDown& notice) const {
      member.journal_.write(Noted{"primary down: " + notice.reason});
    }
    void operator()(const Sent&) const {}
    void operator()(const Coverage&) const {}
    void operator()(const Traced&) const {}
    void operator()(const Received&) const {}
    void operator()(const NotResumed&) const {}
    void operator()(const OutboxLost&) const {}
    void operator()(const Undone&) const {}
    void operator()(const Warning& notice) const { member.journal_.write(Noted{notice.text}); }
    void operator()(const Trouble& notice) const {
      if (!notice.ended) member.journal_.write(Noted{notice.text});
    }
  };

  [[nodiscard]] std::chrono::milliseconds pause() const {
    if (!writer_ || writer_->due() == never) return longest_wait;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(writer_->due() - io::clock_now());
    return std::clamp(left, 0ms, longest_wait);
  }

  void drain() {
    while (auto incoming = peer_.next(0ms)) take(*incoming);
  }

  void take(const Incoming& incoming) {
    if (const auto* notice = std::get_if<Notice>(&incoming))
      return std::visit(Taker{*this}, *notice);
    take(std::get<Delivery>(incoming));
  }

  void take(const Delivery& delivery) {
    Delivered told{.origin = origin_word(delivery.origin), .sequence = delivery.sequence};
    std::istringstream(delivery.message.payload) >> told.number >> told.row;
    // The later one of its two.
    for (const auto& position : {delivery.message.position, delivery.message.inherited}) {
      if (!position || std::tuple(position->timeline(), position->offset) <
                           std::tuple(told.timeline, told.lsn)) {
        continue;
      }
      told.timeline = position->timeline();
      told.lsn = position->offset;
    }
    const auto finding = row_checker_.look(told.row);
    told.look = finding.look;
    told.detail = finding.detail;
    if (writer_ && told.look == Look::seen) writer_->row_seen(told.row);
    journal_.write(std::move(told));
  }

  void tell_standing() {
    const auto status = peer_.status();
    Standing standing{.held = status.held,
                      .unsent = status.unsent,
                      .last_sequence = status.last_sequence,
                      .memory_kib = memory_kib(),
                      .recovered = status.counters.recovered,
                      .requests = status.counters.requests,
                      .resent = status.counters.resent};
    for (const auto& other : status.peers) {
      if (other.state == PeerState::ready) ++standing.ready;
      standing.missing += other.missing;
    }
    journal_.write(standing);
  }

  // "quiet", or the end.
  void obey() {
    if (!input_.pending()) return;
    listening_ = input_.next().has_value();
    if (writer_) writer_->stop();
  }

  AnyPeer peer_;
  Journal journal_;
  RowChecker row_checker_;
  std::optional<Writer> writer_;
  support::WorkerInput input_;
  Instant standing_at_;
  bool listening_ = true;
};

Options options_of(const MemberPlan& plan) {
  Options options;
  options.mesh = plan.mesh;
  options.name = plan.name;
  options.interfaces = {plan.interface};
  options.keys = "tidegate-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh_LL1Fg";
  options.beacon_port = plan.beacon_port;
  options.record = plan.record;
  if (!plan.server.empty()) options.database = plan.server;
  if (!plan.primary.empty()) options.primary = plan.primary;
  return options;
}

}  // namespace

std::vector<std::string> MemberPlan::to_arguments() const {
  return {"member",
          journal,
          record,
          mesh,
          std::to_string(beacon_port),
          interface,
          name,
          life,
          server,
          primary,
          std::to_string(seed),
          own_thread ? "own_thread" : "caller"};
}

MemberPlan MemberPlan::from_arguments(const std::vector<std::string>& arguments) {
  const auto at = [&](std::size_t index) { return arguments.at(index); };
  return {.journal = at(1),
          .record = at(2),
          .mesh = at(3),
          .beacon_port = static_cast<std::uint16_t>(std::stoi(at(4))),
          .interface = at(5),
          .name = at(6),
          .life = at(7),
          .server = at(8),
          .primary = at(9),
          .seed = std::stoull(at(10)),
          .own_thread = at(11) == "own_thread"};
}

int run_member(const MemberPlan& plan) {
  auto peer = AnyPeer::start(options_of(plan), plan.own_thread);
  if (!peer) {
    std::cerr << peer.error().message << "\n";
    return 1;
  }
  Member(plan, std::move(peer).value()).run();
  return 0;
}

}  // namespace tidegate::soak
