// A node with frames of a member that lies, in any order and in virtual time. Its memory
// stays within the bounds, a step never brings about more than a bounded number of effects, and it
// asks to be stepped a bounded number of times at one moment.
//
// Frames go through the codec first: one that no decoder lets in is no input. The inputs that come
// from our own side keep the contract of lib/node/event.hpp: an answer follows its question.
#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "lib/mesh/frame_codec.hpp"
#include "lib/node/node.hpp"
#include "tests/fuzz/member.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/lib/samples.hpp"

namespace tidegate::fuzz {
namespace {

constexpr std::size_t bound_bytes = std::size_t{64} << 10U;
constexpr std::size_t most_effects = 20'000;
constexpr int most_steps_at_once = 1000;
constexpr int most_inputs = 2000;

Options small_options() {
  Options options;
  options.database = "host=replica";
  options.primary = "host=primary";
  options.payload_bytes = 32'000;
  options.held_bytes = bound_bytes;
  options.inbox_bytes = bound_bytes;
  options.unsent_bytes = bound_bytes;
  options.retain_bytes = bound_bytes;
  return options;
}

class World {
 public:
  explicit World(std::string_view input) : draw_(input) {
    step(ServerUp{server_, true, "standby", ""});
    step(PrimaryUp{primary_, "primary", "", testing::history("1")});
    step(node::input::Subscribe{Pattern::all()});
    // Every other one traces messages.
    if (input.size() % 2 == 1) step(node::input::Trace{1, Pattern::all(), std::chrono::hours(1)});
  }

  void run() {
    for (int i = 0; i < most_inputs && !draw_.ended(); ++i) {
      one_input();
      if (i % 16 == 0) check();
    }
    pass(std::chrono::seconds(20));
    check();
  }

 private:
  void one_input() {
    switch (draw_.below(16)) {
      case 0:
        return pass(std::chrono::milliseconds(1) * draw_.byte() * draw_.byte());
      case 1:
        return step(node::input::Heard{draw_announcement(draw_), host()});
      case 2:
        return answer();
      case 3:
        return call();
      case 4:
      case 5:
      case 6:
        return publication();
      case 7:
        return step(node::input::Reader{draw_origin(draw_).peer, draw_.coin()});
      case 8:
        return publish();
      case 9:
        return from_servers();
      case 10:
        return step(node::input::Demand{draw_.coin()});
      case 12:
        return step(node::input::SurveyMesh{});
      case 14:
        return from_path();
      case 15:
        return acknowledgement();
      case 13:
        return step(node::input::PortTested{{host(), 20}, PortAnswer::silent});
      default:
        return answer_servers();
    }
  }

  // The same frame as its reader decodes it.
  template <typename Channel>
  std::optional<Channel> on_the_wire(const Channel& frame) {
    if constexpr (!std::is_same_v<Channel, mesh::StreamFrame>) {
      if (std::holds_alternative<mesh::OtherVersion>(frame)) return frame;
    }
    auto decoded = mesh::decode<Channel>(encode(frame));
    auto* read = std::get_if<Channel>(&decoded);
    return read == nullptr ? std::nullopt : std::optional(std::move(*read));
  }

  void answer() {
    if (links_.empty()) return;
    const auto link = links_[draw_.byte() % links_.size()];
    if (auto frame = on_the_wire(draw_answer(draw_))) {
      step(node::input::FromLink{link, std::move(*frame)});
    }
  }
  void call() {
    const std::string route(1, static_cast<char>('a' + draw_.below(6)));
    if (auto frame = on_the_wire(draw_call(draw_))) {
      step(node::input::FromRoute{route, host(), std::move(*frame)});
    }
  }
  void publication() {
    if (followed_.empty()) return;
    const auto publisher = followed_[draw_.byte() % followed_.size()];
    if (auto frame = on_the_wire(draw_publication(draw_))) {
      step(node::input::FromStream{publisher, std::move(*frame)});
    }
  }

  // By a datagram of some path, which may be none of that publisher's.
  void from_path() {
    if (followed_.empty()) return;
    const auto publisher = followed_[draw_.byte() % followed_.size()];
    const mesh::PathDatagram datagram{{path(), draw_.number()}, draw_.byte() * 8U};
    if (draw_.coin()) return step(node::input::Probed{publisher, datagram});
    if (auto frame = on_the_wire(draw_publication(draw_))) {
      step(node::input::FromStream{publisher, std::move(*frame), datagram});
    }
  }
  void acknowledgement() {
    const mesh::DatagramAck ack{draw_.number(), draw_.byte() * 8U, draw_.number(), draw_.number()};
    const auto offered = draw_.below(8);
    if (draw_.coin()) return step(node::input::Acknowledged{offered, ack});
    if (draw_.coin() || opened_.empty()) return step(node::input::PathBroken{offered});
    const auto [publisher, path] = opened_.back();
    opened_.pop_back();
    step(node::input::PathOpened{
        publisher, path, {static_cast<std::uint16_t>(draw_.byte()), draw_.byte(), {}}});
  }
  [[nodiscard]] mesh::PathId path() {
    return paths_.empty() ? draw_.byte() : paths_[draw_.byte() % paths_.size()];
  }

  void publish() {
    auto message = draw_message(draw_);
    message.position.reset();
    message.inherited.reset();
    if (message.payload.size() > 1000 && node_.unsent_bytes() > bound_bytes / 2) return;
    Dependency dependency = NoChange{};
    if (draw_.coin()) dependency = AfterCommit{.durable = draw_.coin()};
    if (auto position = draw_position(draw_); position && draw_.coin()) dependency = *position;
    const bool acknowledged = draw_.coin() && node_.unacknowledged() < 1000;
    step(node::input::Publish{std::move(message), std::move(dependency), acknowledged});
  }

  void from_servers() {
    switch (draw_.below(8)) {
      case 0:
        reading_ = false;
        server_ = {testing::home, 1 + draw_.below(3)};
        return step(ServerDown{"gone"});
      case 1:
        return step(ServerUp{server_, draw_.coin(), "standby", ""});
      case 2:
        leave_primary();
        return step(PrimaryDown{"gone"});
      case 3:
        return step(PrimaryUp{primary_, "primary", "", draw_history(draw_)});
      case 4:
        return step(node::input::InterfacesChanged{});
      case 5:
        return step(node::input::TrustPrimary{});
      case 6:
        return step(node::input::TideForgotten{});
      default:
        return step(node::input::Resolved{"x", {host()}, ""});
    }
  }

  // The next one may be another server.
  void leave_primary() {
    querying_ = 0;
    primary_ = {testing::home, 2 + draw_.below(3)};
  }

  void answer_servers() {
    if (reading_) {
      reading_ = false;
      std::optional<Tide> tide = Tide{server_, draw_history(draw_), draw_.number()};
      if (draw_.byte() == 5) tide.reset();
      return step(node::input::ReplayPositionRead{std::move(tide)});
    }
    if (querying_ == 0) return;
    --querying_;
    const auto insert = draw_.number() % (std::uint64_t{1} << 62U);
    const auto back = draw_.number();
    step(node::input::CommitPositionRead{
        {primary_, draw_history(draw_), Lsn{insert}, Lsn{insert - std::min(insert, back)}}});
  }

  std::string host() { return "10.0.0." + std::to_string(1 + draw_.below(5)); }

  void pass(Duration duration) {
    const auto until = now_ + duration;
    for (int at_once = 0; node_.deadline() <= until;) {
      at_once = node_.deadline() <= now_ ? at_once + 1 : 0;
      TIDEGATE_MUST(at_once < most_steps_at_once);
      now_ = std::max(now_, node_.deadline());
      step(node::input::TimePassed{});
    }
    now_ = until;
  }

  void step(node::Input input) {
    effects_.clear();
    node_.step(std::move(input), now_, effects_);
    TIDEGATE_MUST(effects_.size() < most_effects);
    for (const auto& effect : effects_) execute(effect);
  }

  void execute(const node::Effect& effect) {
    if (const auto* dial = std::get_if<node::effect::Dial>(&effect)) links_.push_back(dial->link);
    if (const auto* undial = std::get_if<node::effect::Undial>(&effect)) {
      std::erase(links_, undial->link);
    }
    if (const auto* follow = std::get_if<node::effect::Follow>(&effect)) {
      followed_.push_back(follow->publisher);
    }
    if (const auto* unfollow = std::get_if<node::effect::Unfollow>(&effect)) {
      std::erase(followed_, unfollow->publisher);
    }
    if (const auto* open = std::get_if<node::effect::OpenPath>(&effect)) {
      opened_.emplace_back(open->publisher, open->path);
      paths_.push_back(open->path);
    }
    if (std::holds_alternative<node::effect::LeavePrimary>(effect)) leave_primary();
    if (std::holds_alternative<node::effect::ReadReplayPosition>(effect)) reading_ = true;
    if (std::holds_alternative<node::effect::QueryCommitPosition>(effect) ||
        std::holds_alternative<node::effect::Nudge>(effect)) {
      ++querying_;
    }
  }

  void check() const {
    const auto status = node_.status(now_);
    constexpr auto slack = bound_bytes;  // a message alone may be larger
    TIDEGATE_MUST(status.held_bytes <= bound_bytes + slack);
    TIDEGATE_MUST(status.unsent_bytes <= bound_bytes + slack);
    TIDEGATE_MUST(status.retain_bytes <= bound_bytes + slack);
    TIDEGATE_MUST(status.peers.size() <= base::limits::peers);
    TIDEGATE_MUST(links_.size() <= 4 * base::limits::peers);
  }

  Draw draw_;
  Options options_ = small_options();
  Instant now_ = Instant(std::chrono::hours(5));
  node::Node node_{options_, mesh::PeerInfo{testing::origin(1), "default", "a", 10, 20},
                   std::vector<base::Endpoint>{{"10.0.0.9", 20}}, 1, now_};
  node::Effects effects_;
  std::vector<mesh::LinkId> links_;  // dialled, and not given up
  std::vector<Origin> followed_;
  std::vector<mesh::PathId> paths_;                      // that were drawn
  std::vector<std::pair<Origin, mesh::PathId>> opened_;  // to be answered
  ServerIncarnation server_{testing::home, 1};
  ServerIncarnation primary_{testing::home, 2};
  bool reading_ = false;
  int querying_ = 0;
};

}  // namespace

void run_node(std::string_view input) { World(input).run(); }

std::vector<std::string> node_seeds() {
  // An announcement, the answer to our Hello, its reader, its Ready, then messages and a reading.
  const std::string hello("\x01\x00\x01\x01\x00", 5);
  const std::string welcome("\x02\x00\x00\x01\x00\x00\x00\x00\x00", 9);
  const std::string reader("\x07\x01\x01", 3);
  const std::string ready("\x03\x00\x01\x01\x00\x01\x01\x00", 8);
  const std::string data("\x04\x00\x02\x01\x01\x01\x01\x05\x01\x00\x00\x05\x00\x00\x01", 15);
  const std::string reading("\x0b\x00\x00\x10\x00", 5);
  const auto whole = hello + welcome + reader + ready + data + reading;
  return {whole, whole + data + data + std::string("\x00\x50\x50", 3) + reading};
}

}  // namespace tidegate::fuzz
