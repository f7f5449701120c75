#include "peer/world.hpp"

#include <array>
#include <string>
#include <utility>

#include <sodium.h>
#include <unistd.h>

#include "discovery/seeds.hpp"
#include "lib/base/random.hpp"
#include "peer/carriers/zeromq/zeromq.hpp"
#include "peer/io/clock.hpp"
#include "peer/key_file.hpp"
#include "peer/servers/servers.hpp"

namespace tidegate::peer {
namespace {

std::string default_name() {
  std::array<char, 64> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host = {'p', 'e', 'e', 'r'};
  auto name = std::string(host.data()).substr(0, 48);
  return name + ":" + std::to_string(getpid());
}

Result<std::vector<base::Endpoint>> endpoints_of(const std::vector<std::string>& seeds) {
  const auto parsed = discovery::parse_seeds(seeds);
  if (!parsed) return parsed.error();
  std::vector<base::Endpoint> endpoints;
  for (const auto& seed : *parsed) endpoints.push_back({seed.host, seed.port});
  return endpoints;
}

}  // namespace

Result<World> open_world(const Options& options, const std::optional<KeptStream>& stream) {
  if (sodium_init() < 0) return Error{"libsodium finds no source of randomness"};
  auto seeds = endpoints_of(options.seeds);
  if (!seeds) return seeds.error();

  auto keyring = open_keyring(options);
  if (!keyring) return keyring.error();

  World world;
  world.keyring = std::move(keyring).value();
  world.seeds = std::move(seeds).value();
  randombytes_buf(world.self.origin.peer.bytes.data(), world.self.origin.peer.bytes.size());
  world.self.origin.incarnation = io::wall_clock_microseconds();
  if (stream) {
    world.self.origin = stream->origin;
    world.self.epoch = stream->epoch;
    world.last_sequence = stream->last;
  } else if (!options.state_file.empty()) {
    auto opened = StateFile::open(options.state_file, world.self.origin, read_boot_id());
    if (!opened) return opened.error();
    world.state.emplace(std::move(opened).value());
    world.self.origin = world.state->origin();
    world.self.epoch = world.state->epoch();
  }
  if (!options.record.empty()) {
    auto record = RecordFile::open(options.record);
    if (!record) return Error{"record: " + record.error().message};
    world.record.emplace(std::move(record).value());
  }
  world.self.mesh = options.mesh;
  world.self.name = options.name.empty() ? default_name() : options.name;

  randombytes_buf(&world.random_seed, sizeof world.random_seed);

  auto beacon = discovery::Beacon::open(
      {options.interfaces, options.beacon_port, discovery::default_beacon_group});
  if (!beacon) return beacon.error();
  world.beacon.emplace(std::move(beacon).value());
  world.addresses.emplace(options.interfaces);

  auto carrier =
      zeromq::open({world.self.origin.peer, world.addresses->addresses(), options.first_port,
                    options.last_port, options.local_transport, world.keyring});
  if (!carrier) return carrier.error();
  world.carrier = std::move(carrier).value();
  world.self.publish_port = world.carrier->ports().publish;
  world.self.direct_port = world.carrier->ports().direct;
  world.self.stream_key = world.carrier->stream_key();
  if (!world.keyring.empty()) world.self.key = world.keyring.first().id;

  if (options.datagrams) {
    world.datagrams = std::make_unique<datagrams::Port>(!world.keyring.empty());
  }

  base::Random random(~world.random_seed);  // of the pauses of the readers
  if (options.database) {
    auto reader = servers::open_replay_reader(*options.database, random.next());
    if (!reader) return Error{"database: " + reader.error().message};
    world.replay_reader = std::move(reader).value();
  }
  if (options.primary) {
    auto reader = servers::open_commit_position_reader(*options.primary, random.next());
    if (!reader) return Error{"primary: " + reader.error().message};
    world.commit_position_reader = std::move(reader).value();
  }
  return world;
}

}  // namespace tidegate::peer
