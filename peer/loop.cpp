#include "peer/loop.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <sodium.h>
#include <unistd.h>

#include "discovery/interfaces.hpp"
#include "discovery/seeds.hpp"
#include "lib/mesh/announcement.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::peer {
namespace {

// What a turn takes of each kind at the most, so that none starves the others. Of a flood few
// frames, each with many messages: a driven peer's application takes them before the next turn,
// while they are in the processor's cache.
constexpr int datagrams_per_turn = 64;
constexpr int frames_per_turn = 8;

// The sockets of the transport come behind these.
constexpr io::EventSet::Token beacon_token = 1;
constexpr io::EventSet::Token watch_token = 2;
constexpr io::EventSet::Token tag_token = 3;
constexpr io::EventSet::Token wake_token = 4;
constexpr io::EventSet::Token first_socket_token = 5;

std::string default_name() {
  std::array<char, 64> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host = {'p', 'e', 'e', 'r'};
  auto name = std::string(host.data()).substr(0, 48);
  return name + ":" + std::to_string(getpid());
}

Result<std::vector<std::string>> addresses_of(const std::vector<std::string>& names) {
  const auto interfaces = discovery::list_interfaces();
  if (!interfaces) return interfaces.error();
  std::vector<std::string> addresses;
  for (const auto& name : names) {
    const auto interface = discovery::choose_interface(*interfaces, name);
    if (!interface) return interface.error();
    addresses.push_back(to_string(*interface->address));
  }
  return addresses;
}

Result<std::vector<base::Endpoint>> endpoints_of(const std::vector<std::string>& seeds) {
  const auto parsed = discovery::parse_seeds(seeds);
  if (!parsed) return parsed.error();
  std::vector<base::Endpoint> endpoints;
  for (const auto& seed : *parsed) endpoints.push_back({seed.host, seed.port});
  return endpoints;
}

std::uint64_t random_number() {
  std::uint64_t number = 0;
  randombytes_buf(&number, sizeof number);
  return number;
}

}  // namespace

// --- opening ------------------------------------------------------------------------------------

Result<std::unique_ptr<Loop>> Loop::open(const Options& options, Sink sink) {
  if (sodium_init() < 0) return Error{"libsodium finds no source of randomness"};
  const auto addresses = addresses_of(options.interfaces);
  if (!addresses) return addresses.error();
  auto seeds = endpoints_of(options.seeds);
  if (!seeds) return seeds.error();

  mesh::PeerInfo self;
  randombytes_buf(self.origin.peer.bytes.data(), self.origin.peer.bytes.size());
  self.origin.incarnation = io::wall_clock_microseconds();
  std::optional<StateFile> state;
  if (!options.state_file.empty()) {
    auto opened = StateFile::open(options.state_file, self.origin, read_boot_id());
    if (!opened) return opened.error();
    state.emplace(std::move(opened).value());
    self.origin = state->origin();
    self.epoch = state->epoch();
  }
  self.mesh = options.mesh;
  self.name = options.name.empty() ? default_name() : options.name;

  auto transport = zeromq::Transport::open({self.origin.peer, *addresses, options.first_port,
                                            options.last_port, options.local_transport});
  if (!transport) return transport.error();
  self.publish_port = transport->publish_port();
  self.direct_port = transport->direct_port();
  auto beacon = discovery::Beacon::open(
      {options.interfaces, options.beacon_port, discovery::default_beacon_group});
  if (!beacon) return beacon.error();

  std::unique_ptr<Loop> loop(new Loop(options, std::move(transport).value(),
                                      std::move(beacon).value(), std::move(self), std::move(state),
                                      std::move(seeds).value(), std::move(sink)));
  if (options.database != "none") {
    auto watch = postgres::ReplayReader::create(options.database);
    if (!watch) return Error{"database: " + watch.error().message};
    loop->replay_reader_.emplace(std::move(watch).value());
  }
  if (!options.primary.empty()) {
    auto dependency = postgres::CommitPositionReader::create(options.primary);
    if (!dependency) return Error{"primary: " + dependency.error().message};
    loop->commit_position_reader_.emplace(std::move(dependency).value());
  }
  loop->settle();
  return loop;
}

Loop::Loop(const Options& options, zeromq::Transport transport, discovery::Beacon beacon,
           mesh::PeerInfo self, std::optional<StateFile> state, std::vector<base::Endpoint> seeds,
           Sink sink)
    : options_(options),
      sink_(std::move(sink)),
      now_(io::clock_now()),
      transport_(std::move(transport)),
      beacon_(std::move(beacon)),
      state_(std::move(state)),
      node_(options, std::move(self), std::move(seeds), random_number(), now_,
            state_ ? state_->last() : 0),
      watch_connection_(watch_token),
      tag_connection_(tag_token) {
  events_.add(beacon_.descriptor(), beacon_token);
  for (const auto& fixed : transport_.fixed_watches()) {
    events_.add(fixed.descriptor, first_socket_token + fixed.socket);
  }
}

void Loop::wake_on(int descriptor) { events_.add(descriptor, wake_token); }

// --- a turn -------------------------------------------------------------------------------------

void Loop::run_once(std::chrono::milliseconds timeout) {
  TIDEGATE_MUST(!closed_);
  const auto& tokens = events_.wait(transport_.marked() ? std::chrono::milliseconds(0) : timeout);
  for (const auto token : tokens) {
    if (token >= first_socket_token) {
      transport_.mark(static_cast<std::uint32_t>(token - first_socket_token));
    }
    heard_ = heard_ || token == beacon_token;
    watch_woken_ = watch_woken_ || token == watch_token;
    tag_woken_ = tag_woken_ || token == tag_token;
  }
  turn();
}

// Everything that is ready, each kind bounded, in a fixed order: answers of the databases first,
// since they release what waits.
void Loop::turn() {
  now_ = io::clock_now();
  if (replay_reader_ && (watch_woken_ || now_ >= replay_reader_->deadline()))
    advance_replay_reader();
  if (commit_position_reader_ && (tag_woken_ || now_ >= commit_position_reader_->deadline()))
    advance_commit_position_reader();
  receive();
  if (heard_) hear();
  watch_woken_ = tag_woken_ = heard_ = false;
  if (now_ >= node_.deadline()) step(node::input::TimePassed{});
  settle();
}

void Loop::hear() {
  for (int i = 0; i < datagrams_per_turn; ++i) {
    const auto datagram = beacon_.receive();
    if (!datagram) return;
    const auto decoded = mesh::decode_announcement(datagram->bytes());
    if (const auto* announcement = std::get_if<mesh::Announcement>(&decoded)) {
      step(node::input::Heard{*announcement, to_string(datagram->source)});
    } else {
      node_.count_malformed();
    }
  }
}

void Loop::receive() {
  for (int i = 0; i < frames_per_turn; ++i) {
    auto arrival = transport_.receive();
    if (!arrival) return;
    std::visit([this](auto& a) { arrived(a); }, *arrival);
  }
}

template <typename Frame, typename InputOf>
void Loop::step_frame(mesh::Decoded<Frame> decoded, InputOf input_of) {
  if (auto* frame = std::get_if<Frame>(&decoded)) {
    step(input_of(std::move(*frame)));
  } else if (std::holds_alternative<mesh::Misplaced>(decoded)) {
    node_.count_misplaced();
  } else {
    node_.count_malformed();
  }
}

void Loop::arrived(zeromq::Transport::LinkBytes& a) {
  step_frame(mesh::decode<mesh::AnswerFrame>(a.bytes, known_histories_),
             [&](mesh::AnswerFrame frame) {
               return node::input::FromLink{a.link, std::move(frame)};
             });
}

void Loop::arrived(zeromq::Transport::RouteBytes& a) {
  step_frame(mesh::decode<mesh::CallFrame>(a.bytes, known_histories_), [&](mesh::CallFrame frame) {
    return node::input::FromRoute{std::move(a.route), std::move(a.host), std::move(frame)};
  });
}

void Loop::arrived(zeromq::Transport::StreamBytes& a) {
  step_frame(mesh::decode<mesh::StreamFrame>(a.bytes, known_histories_),
             [](mesh::StreamFrame frame) { return node::input::FromStream{std::move(frame)}; });
}

void Loop::arrived(zeromq::Transport::SubscriptionChange& a) {
  step(node::input::Reader{a.peer, a.present});
}

void Loop::arrived(zeromq::Transport::Malformed&) { node_.count_malformed(); }

void Loop::advance_replay_reader() {
  std::vector<postgres::ReplayEvent> events;
  replay_reader_->advance(now_, events);
  for (auto& event : events) {
    if (auto* tide = std::get_if<Tide>(&event)) {
      step(node::input::ReplayPositionRead{std::move(*tide)});
      if (!commit_position_reader_ && !replay_reader_->in_recovery())
        start_commit_position_reader(options_.database);
    } else if (std::holds_alternative<postgres::NoReading>(event)) {
      step(node::input::ReplayPositionRead{});
    } else if (auto* up = std::get_if<ServerUp>(&event)) {
      step(std::move(*up));
    } else if (auto* down = std::get_if<ServerDown>(&event)) {
      step(std::move(*down));
    } else {
      step(std::move(std::get<Warning>(event)));
    }
  }
}

void Loop::advance_commit_position_reader() {
  std::vector<postgres::CommitEvent> events;
  commit_position_reader_->advance(now_, events);
  for (auto& event : events) {
    if (auto* reading = std::get_if<gate::CommitPosition>(&event)) {
      step(node::input::CommitPositionRead{*reading});
    } else if (auto* up = std::get_if<PrimaryUp>(&event)) {
      step(std::move(*up));
    } else {
      step(std::move(std::get<PrimaryDown>(event)));
    }
  }
}

void Loop::start_commit_position_reader(const std::string& connection_string) {
  auto dependency = postgres::CommitPositionReader::create(connection_string);
  TIDEGATE_MUST(dependency.ok());  // the watch has been given the same string
  commit_position_reader_.emplace(std::move(dependency).value());
}

// --- the node -----------------------------------------------------------------------------------

void Loop::input(node::Input input) {
  std::vector<node::Input> inputs;
  inputs.push_back(std::move(input));
  this->input(std::move(inputs));
}

void Loop::input(std::vector<node::Input> inputs) {
  if (closed_) return;
  if (carrying_out_) {
    std::move(inputs.begin(), inputs.end(), std::back_inserter(queued_));
    return;
  }
  now_ = io::clock_now();
  for (auto& input : inputs) {
    const auto known = static_cast<std::ptrdiff_t>(effects_.size());
    feed(std::move(input));
    const bool delivers =
        std::any_of(effects_.begin() + known, effects_.end(), [](const node::Effect& effect) {
          return std::holds_alternative<node::effect::Deliver>(effect);
        });
    if (delivers) run_effects();
  }
  run_effects();
  settle();
}

void Loop::look_for_primary() {
  if (closed_ || commit_position_reader_ || !replay_reader_) return;
  now_ = io::clock_now();
  replay_reader_->poll(now_);
  settle();
}

void Loop::feed(node::Input input) { node_.step(std::move(input), now_, effects_); }

void Loop::step(node::Input input) {
  feed(std::move(input));
  run_effects();
}

void Loop::run_effects() {
  carrying_out_ = true;
  while (!effects_.empty()) {
    if (state_) state_->store(node_.last_sequence());
    std::swap(effects_, under_way_);
    for (auto& effect : under_way_) {
      std::visit([this](auto& e) { act(e); }, effect);
    }
    under_way_.clear();
    for (auto& input : std::exchange(queued_, {})) feed(std::move(input));
  }
  carrying_out_ = false;
}

// Brings the event set up to date, so that its descriptor tells the truth between turns.
void Loop::settle() {
  auto deadline = transport_.marked() ? Instant::min() : node_.deadline();
  if (replay_reader_) {
    events_.follow(watch_connection_, replay_reader_->interest());
    deadline = std::min(deadline, replay_reader_->deadline());
  }
  if (commit_position_reader_) {
    events_.follow(tag_connection_, commit_position_reader_->interest());
    deadline = std::min(deadline, commit_position_reader_->deadline());
  }
  events_.wake_at(deadline);
}

void Loop::close(std::chrono::milliseconds linger) {
  closed_ = true;
  transport_.close(linger);
}

Status Loop::status() const {
  auto status = node_.status(closed_ ? now_ : io::clock_now());
  status.outgoing_bytes = transport_.outgoing_bytes();
  status.counters.suppressed = transport_.suppressed();
  return status;
}

// --- effects ------------------------------------------------------------------------------------

void Loop::act(node::effect::Dial& e) {
  if (transport_.dial(e.link, e.endpoint)) {
    const auto link = transport_.link_watch(e.link);
    events_.add(link.descriptor, first_socket_token + link.socket);
  } else {
    warn("can't dial " + to_string(discovery::Seed{e.endpoint.host, e.endpoint.port}) +
         ": no open file is left, or this is no address; raise LimitNOFILE (ulimit -n)");
  }
}

void Loop::act(node::effect::Undial& e) {
  const auto link = transport_.link_watch(e.link);
  if (link.descriptor >= 0) events_.remove(link.descriptor);
  transport_.undial(e.link);
}

void Loop::act(node::effect::Follow& e) {
  if (!transport_.follow(e.endpoint)) {
    warn("can't subscribe to " + to_string(discovery::Seed{e.endpoint.host, e.endpoint.port}));
  }
}

void Loop::act(node::effect::Unfollow& e) { transport_.unfollow(e.endpoint); }
void Loop::act(node::effect::ToLink& e) { transport_.to_link(e.link, encode(e.frame)); }
void Loop::act(node::effect::ToRoute& e) { transport_.to_route(e.route, encode(e.frame)); }
void Loop::act(node::effect::Broadcast& e) { transport_.broadcast(encode(e.frame)); }

void Loop::act(node::effect::Announce& e) {
  const auto bytes = encode(e.announcement);
  for (const auto& change : beacon_.send(bytes)) {
    warn("interface " + change.interface + ": " +
         (change.trouble.empty() ? "works again" : change.trouble));
  }
}

void Loop::act(node::effect::Poll&) { replay_reader_->poll(now_); }

void Loop::act(node::effect::QueryCommitPosition&) { commit_position_reader_->ask(now_); }
void Loop::act(node::effect::Nudge&) { commit_position_reader_->nudge(now_); }
void Loop::act(node::effect::Deliver& e) { sink_(std::move(e.delivery)); }
void Loop::act(node::effect::Notify& e) { sink_(std::move(e.notice)); }

// The same trouble again, from a retry, is no news.
void Loop::warn(std::string text) {
  if (text == last_warning_) return;
  last_warning_ = text;
  sink_(Notice{Warning{std::move(text)}});
}

}  // namespace tidegate::peer
