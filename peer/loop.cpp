#include "peer/loop.hpp"

#include <algorithm>
#include <utility>

#include "discovery/beacon_seal.hpp"
#include "lib/mesh/announcement.hpp"
#include "lib/node/trace.hpp"
#include "peer/io/clock.hpp"
#include "peer/stranger.hpp"

namespace tidegate::peer {
namespace {

// The most that a turn takes of each kind, so that none starves the others. Of a flood few
// frames, each with many messages: a driven peer's application takes them before the next turn,
// while they are in the processor's cache.
constexpr int datagrams_per_turn = 64;
constexpr int frames_per_turn = 8;

constexpr Duration pause_between_looks = std::chrono::seconds(1);
constexpr Duration pause_between_flood_warnings = std::chrono::minutes(1);
constexpr Duration name_patience = std::chrono::seconds(10);
constexpr Duration port_patience = std::chrono::milliseconds(1200);

// Its answer is large.
bool is_request(const mesh::Decoded<mesh::CallFrame>& decoded) {
  const auto* frame = std::get_if<mesh::CallFrame>(&decoded);
  if (frame == nullptr) return false;
  const auto* path = std::get_if<mesh::PathQuestion>(frame);
  return std::holds_alternative<mesh::RetransmitRequest>(*frame) ||
         std::holds_alternative<mesh::SurveyQuestion>(*frame) || (path && path->large);
}

std::string listed(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all.empty() ? "no address" : all;
}

}  // namespace

Loop::Loop(const Options& options, World world, Sink sink)
    : sink_(std::move(sink)),
      now_(io::clock_now()),
      carrier_(std::move(world.carrier)),
      datagrams_(std::move(world.datagrams)),
      keyring_(std::move(world.keyring)),
      beacon_(std::move(world.beacon)),
      addresses_(std::move(world.addresses)),
      ports_(reactor_, port_patience,
             [this](std::string_view first) { return carrier_->greets(first); }),
      resolver_(name_patience),
      replay_reader_{std::move(world.replay_reader)},
      state_(std::move(world.state)),
      record_(std::move(world.record)),
      report_sent_(options.report_sent),
      node_(record_ ? node::recorded(options) : options, world.self, std::move(world.seeds),
            world.random_seed, now_, state_ ? state_->last() : world.last_sequence),
      database_(replay_reader_.reader != nullptr, now_),
      primary_(world.commit_position_reader != nullptr, now_) {
  carrier_->attach(reactor_);
  if (datagrams_) datagrams_->attach(reactor_);
  if (record_) record_->begin(world.self, options, node_.last_sequence(), now_);
  if (options.insecure) {
    warn(
        "this mesh has no key: everybody who reaches its interfaces can read it, join it and "
        "speak in it; 'tidegate keygen' makes a key");
  }
  if (beacon_) {
    beacon_watch_ = reactor_.watch_input(beacon_->descriptor(),
                                         [this](io::Readiness) { beacon_woken_ = true; });
  }
  if (addresses_) {
    listen_everywhere();
    if (addresses_->descriptor() >= 0) {
      addresses_watch_ = reactor_.watch_input(addresses_->descriptor(),
                                              [this](io::Readiness) { addresses_woken_ = true; });
    }
  }
  resolver_watch_ = reactor_.watch_input(resolver_.descriptor(),
                                         [this](io::Readiness) { resolver_woken_ = true; });
  if (replay_reader_.reader) watch(replay_reader_);
  if (world.commit_position_reader) {
    read_commit_positions_with(std::move(world.commit_position_reader));
  }
  update_reactor();
}

void Loop::read_commit_positions_with(std::unique_ptr<servers::CommitPositionReader> reader) {
  commit_position_reader_.reader = std::move(reader);
  watch(commit_position_reader_);
}

template <typename Reader>
void Loop::watch(Watched<Reader>& watched) {
  watched.watch = reactor_.watch(watched.reader->interest(),
                                 [&watched](io::Readiness) { watched.woken = true; });
}

// --- a turn -------------------------------------------------------------------------------------

void Loop::run_once(std::chrono::milliseconds timeout) {
  TIDEGATE_MUST(!closed_);
  reactor_.run_once(timeout);
  poll_once();
}

// Everything that is ready, each kind bounded, in a fixed order: answers of the servers first,
// since they release what waits.
void Loop::poll_once() {
  now_ = io::clock_now();
  advance(replay_reader_);
  if (!has_primary() && replay_reader_.reader && replay_reader_.reader->is_primary()) {
    primary_.begin_asking(now_);
    read_commit_positions_with(replay_reader_.reader->commit_position_reader());
  }
  if (!server_met_ && replay_reader_.reader && replay_reader_.reader->ready()) {
    server_met_ = true;
    give_back_what_waits_for_nobody();
  }
  advance(commit_position_reader_);
  if (datagrams_) receive_from_paths();
  receive_frames();
  if (std::exchange(beacon_woken_, false)) receive_datagrams();
  if (std::exchange(resolver_woken_, false) || now_ >= resolver_.deadline()) receive_addresses();
  for (auto& [endpoint, answer] : ports_.take(now_)) {
    handle(node::input::PortTested{std::move(endpoint), answer});
  }
  const bool look_again = addresses_ && addresses_->blind() && now_ >= look_at_;
  if (std::exchange(addresses_woken_, false) || look_again) look_at_interfaces();
  if (now_ >= connect_again_at_) connect_again();
  if (now_ >= node_.deadline()) handle(node::input::TimePassed{});
  if (now_ >= look_at_) look_for_trouble();
  update_reactor();
}

template <typename Reader>
void Loop::advance(Watched<Reader>& watched) {
  const bool woken = std::exchange(watched.woken, false);
  if (!watched.reader || (!woken && now_ < watched.reader->deadline())) return;
  gate::ServerEvents events;
  watched.reader->advance(now_, events);
  for (auto& event : events) {
    take_account(event);
    std::visit([this](auto& e) { handle(node::Input(std::move(e))); }, event);
  }
}

void Loop::take_account(const gate::ServerEvent& event) {
  if (const auto* up = std::get_if<ServerUp>(&event)) {
    database_.up(*up, now_);
  } else if (const auto* down = std::get_if<ServerDown>(&event)) {
    database_.down(down->reason, now_);
  } else if (const auto* primary_up = std::get_if<PrimaryUp>(&event)) {
    primary_.up(*primary_up, now_);
  } else if (const auto* primary_down = std::get_if<PrimaryDown>(&event)) {
    primary_.down(primary_down->reason, now_);
  } else {
    return;
  }
  look_at_ = now_;
}

void Loop::receive_datagrams() {
  for (int i = 0; i < datagrams_per_turn; ++i) {
    const auto datagram = beacon_->receive();
    if (!datagram) return;
    const auto decoded = mesh::decode_announcement(datagram->bytes());
    const auto* announcement = std::get_if<mesh::Announcement>(&decoded);
    const auto host = to_string(datagram->source);
    if (announcement == nullptr) {
      node_.count_malformed();
      if (std::get<mesh::AnnouncementFault>(decoded) == mesh::AnnouncementFault::other_version) {
        node_.note_refused(host, 0, RefusedSeen::Why::other_version, "", now_);
      }
      continue;
    }
    const auto seal = discovery::check_seal(datagram->bytes(), keyring_);
    // That there is another mesh is all that is taken from its beacons.
    if (seal == discovery::Seal::good || announcement->mesh != node_.mesh()) {
      handle(node::input::Heard{*announcement, host});
    } else {
      const auto [why, words] = stranger_with(seal);
      node_.count_stranger(host + ", whose beacon " + words);
      node_.note_refused(*announcement, host, why, "", now_);
    }
  }
}

void Loop::receive_addresses() {
  for (auto& [name, addresses, trouble] : resolver_.take(now_)) {
    handle(node::input::Resolved{std::move(name), std::move(addresses), std::move(trouble)});
  }
}

void Loop::look_at_interfaces() {
  const auto changes = addresses_->look();
  if (changes.empty()) return;
  for (const auto& [interface, before, now] : changes) {
    warn("interface " + interface + " has " + listed(now) + " now, and had " + listed(before));
  }
  listen_everywhere();
  if (beacon_) beacon_->refresh();
  handle(node::input::InterfacesChanged{});
}

void Loop::listen_everywhere() {
  for (const auto& address : carrier_->listen_on(addresses_->addresses())) {
    const auto ports = carrier_->ports();
    warn("can't listen on " + address + ": another program has TCP port " +
         std::to_string(ports.publish) + " or " + std::to_string(ports.direct) +
         " there; restart this peer, and it takes others");
  }
}

void Loop::use_keys(keys::Keyring keyring) {
  // CURVE is a matter of sockets that are made with it.
  TIDEGATE_MUST(!keyring.empty() && !keyring_.empty());
  if (closed_) return;
  keyring_ = std::move(keyring);
  auto ended = carrier_->use_keys(keyring_);
  if (datagrams_) datagrams_->renew_key();
  if (addresses_) listen_everywhere();
  input(node::input::Rekeyed{keyring_.first().id, std::move(ended)});
}

// The system had no descriptor left when it was asked for a connection.
void Loop::connect_again() {
  std::erase_if(not_dialled_, [this](const auto& one) {
    return carrier_->dial(one.first, one.second.endpoint, one.second.key);
  });
  std::erase_if(not_followed_, [this](const auto& one) {
    const auto& [publisher, follow] = one;
    return carrier_->follow(publisher, follow.endpoint, follow.key);
  });
  const bool done = not_dialled_.empty() && not_followed_.empty();
  connect_again_at_ = done ? never : now_ + connect_again_after;
  if (done) warn("there are open files for connections again");
}

void Loop::receive_frames() {
  for (int i = 0; i < frames_per_turn; ++i) {
    auto arrival = carrier_->receive();
    if (!arrival) return;
    std::visit([this](auto& a) { handle(a); }, *arrival);
  }
}

void Loop::receive_from_paths() {
  for (int i = 0; i < frames_per_turn; ++i) {
    const auto arrival = datagrams_->receive();
    if (!arrival) return;
    std::visit([this](const auto& a) { handle(a); }, *arrival);
  }
}

template <typename Frame, typename InputOf>
void Loop::handle_frame(mesh::Decoded<Frame> decoded, InputOf input_of) {
  if (auto* frame = std::get_if<Frame>(&decoded)) {
    handle(node::Input(input_of(std::move(*frame))));
  } else if (std::holds_alternative<mesh::Misplaced>(decoded)) {
    node_.count_misplaced();
  } else {
    node_.count_malformed();
  }
}

void Loop::handle(const carriers::LinkBytes& arrival) {
  handle_frame(mesh::decode<mesh::AnswerFrame>(arrival.bytes, known_branches_),
               [&](mesh::AnswerFrame frame) {
                 return node::input::FromLink{arrival.link, std::move(frame)};
               });
}

void Loop::handle(carriers::RouteBytes& arrival) {
  auto decoded = mesh::decode<mesh::CallFrame>(arrival.bytes, known_branches_);
  // It asks again later, if it still has to.
  if (is_request(decoded) && carrier_->congested(arrival.route)) return;
  handle_frame(std::move(decoded), [&](mesh::CallFrame frame) {
    return node::input::FromRoute{std::move(arrival.route), std::move(arrival.host),
                                  std::move(frame)};
  });
}

void Loop::handle(const carriers::StreamBytes& arrival) {
  handle_frame(mesh::decode<mesh::StreamFrame>(arrival.bytes, known_branches_),
               [&](mesh::StreamFrame frame) {
                 return node::input::FromStream{arrival.publisher, std::move(frame)};
               });
}

void Loop::handle(const carriers::SubscriptionChange& arrival) {
  handle(node::input::Reader{arrival.peer, arrival.present});
}

void Loop::handle(const carriers::Malformed&) { node_.count_malformed(); }
void Loop::handle(const carriers::Internal&) {}

void Loop::handle(const datagrams::Frame& arrival) {
  const mesh::PathDatagram datagram{arrival.number, arrival.size};
  if (arrival.bytes.empty()) return handle(node::input::Probed{arrival.publisher, datagram});
  handle_frame(mesh::decode<mesh::StreamFrame>(arrival.bytes, known_branches_),
               [&](mesh::StreamFrame frame) {
                 return node::input::FromStream{arrival.publisher, std::move(frame), datagram};
               });
}

void Loop::handle(const datagrams::Ack& arrival) {
  handle(node::input::Acknowledged{arrival.path, arrival.ack});
}
void Loop::handle(const datagrams::BrokenPath& arrival) {
  handle(node::input::PathBroken{arrival.path});
}
void Loop::handle(const datagrams::Malformed&) { node_.count_malformed(); }

// Also what was published before it was clear, and has come only now.
void Loop::give_back_what_waits_for_nobody() {
  if (may_have_primary() || node_.unsent() == 0) return;
  step(node::input::NoPrimary{});
  run_effects();
}

// Brings the reactor up to date, so that its descriptor tells the truth between turns.
void Loop::update_reactor() {
  const bool pending = carrier_->pending() || (datagrams_ && datagrams_->pending());
  auto deadline = pending ? Instant::min() : node_.deadline();
  deadline = std::min({deadline, connect_again_at_, resolver_.deadline(), ports_.deadline(),
                       follow(replay_reader_)});
  timer_.set(std::min(deadline, follow(commit_position_reader_)));
}

template <typename Reader>
Instant Loop::follow(Watched<Reader>& watched) {
  if (!watched.reader) return never;
  watched.watch.follow(watched.reader->interest());
  return watched.reader->deadline();
}

// --- the node -----------------------------------------------------------------------------------

void Loop::input(node::Input input) {
  std::vector<node::Input> inputs;
  inputs.push_back(std::move(input));
  this->input(std::move(inputs));
}

void Loop::input(std::vector<node::Input> inputs) {
  if (closed_) return;
  if (running_effects_) {
    std::move(inputs.begin(), inputs.end(), std::back_inserter(queued_));
    return;
  }
  now_ = io::clock_now();
  for (auto& input : inputs) {
    const auto known = static_cast<std::ptrdiff_t>(effects_.size());
    step(std::move(input));
    const bool delivers =
        std::any_of(effects_.begin() + known, effects_.end(), [](const node::Effect& effect) {
          return std::holds_alternative<node::effect::Deliver>(effect);
        });
    if (delivers) run_effects();
  }
  run_effects();
  give_back_what_waits_for_nobody();
  update_reactor();
}

void Loop::survey(SurveyDone done) {
  surveyed_.push_back(std::move(done));
  input(node::input::SurveyMesh{});
}

void Loop::look_for_primary() {
  if (closed_ || has_primary() || !replay_reader_.reader) return;
  now_ = io::clock_now();
  replay_reader_.reader->read(now_);
  update_reactor();
}

void Loop::step(node::Input input) {
  if (record_) record_->add(input, now_);
  if (!trace_) return node_.step(std::move(input), now_, effects_);
  trace(node::describe(input));
  const auto before = node_.held_size();
  node_.step(std::move(input), now_, effects_);
  const auto held = node_.held_size();
  if (held != before)
    trace("held: " + std::to_string(held) + ", before: " + std::to_string(before));
}

void Loop::trace(const std::string& line) const {
  if (!line.empty()) trace_(line);
}

void Loop::handle(node::Input input) {
  step(std::move(input));
  run_effects();
}

void Loop::run_effects() {
  running_effects_ = true;
  while (!effects_.empty()) {
    if (state_) state_->store(node_.last_sequence());
    std::swap(effects_, under_way_);
    if (record_) record_effects();
    for (auto& effect : under_way_) {
      if (trace_) trace(node::describe(effect));
      std::visit([this](auto& e) { execute(e); }, effect);
    }
    under_way_.clear();
    for (auto& input : std::exchange(queued_, {})) step(std::move(input));
  }
  running_effects_ = false;
}

void Loop::record_effects() {
  for (const auto& effect : under_way_) record_->add(effect, now_);
  if (auto trouble = record_->write()) warn(std::move(trouble->message));
}

void Loop::close(std::chrono::milliseconds linger) {
  closed_ = true;
  datagrams_.reset();
  carrier_->close(linger);
}

Status Loop::status() const {
  const auto now = closed_ ? now_ : io::clock_now();
  auto status = status_without_troubles(now);
  status.troubles = troubles_.present(now);
  return status;
}

Status Loop::status_without_troubles(Instant now) const {
  auto status = node_.status(now);
  status.keys = keyring_.names();
  status.outgoing_bytes = carrier_->outgoing_bytes();
  status.counters.suppressed = carrier_->suppressed();
  status.counters.strangers += carrier_->strangers();
  status.counters.floods = carrier_->floods().count;
  status.database = database_.status(now);
  status.database.primary = replay_reader_.reader && replay_reader_.reader->is_primary();
  status.primary = primary_.status(now);
  status.primary.primary = status.primary.up;
  return status;
}

// With the heartbeats, so that nothing is woken for it.
void Loop::look_for_trouble() {
  look_at_ = now_ + pause_between_looks;
  node_.set_clock(std::chrono::microseconds(io::wall_clock_microseconds()) -
                  now_.time_since_epoch());
  std::vector<Trouble> changes;
  troubles_.look(status_without_troubles(now_), now_, changes);
  for (auto& change : changes) sink_(Notice{std::move(change)});
  warn_of_floods();
}

void Loop::warn_of_floods() {
  const auto floods = carrier_->floods();
  if (floods.count == floods_told_ || now_ < tell_floods_at_) return;
  warn("ended a connection: " + floods.last + "; " + std::to_string(floods.count) +
       " of that kind since the start");
  floods_told_ = floods.count;
  tell_floods_at_ = now_ + pause_between_flood_warnings;
}

// The same trouble again, from a retry, is no news.
void Loop::warn(std::string text) {
  if (text == last_warning_) return;
  last_warning_ = text;
  sink_(Notice{Warning{std::move(text)}});
}

}  // namespace tidegate::peer
