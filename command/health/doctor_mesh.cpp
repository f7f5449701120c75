#include "command/health/doctor_mesh.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "command/status_text.hpp"
#include "command/units.hpp"
#include "discovery/seeds.hpp"
#include "peer/io/clock.hpp"
#include "peer/io/descriptor.hpp"
#include "peer/key_file.hpp"

namespace tidegate::health {
namespace {

constexpr Duration dial_bound = std::chrono::seconds(2);

struct Attempt {
  std::string about;
  io::Descriptor socket;
  std::string failed;  // empty: under way
};

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

Attempt dial(std::string about, const base::Endpoint& endpoint) {
  Attempt attempt{std::move(about), io::Descriptor(), ""};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const auto port = std::to_string(endpoint.port);
  const int error = getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  if (error != 0) {
    attempt.failed = std::string("the name is not known: ") + gai_strerror(error);
    return attempt;
  }
  const auto& first = *addresses;
  attempt.socket = io::Descriptor(
      socket(first.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (connect(attempt.socket.get(), first.ai_addr, first.ai_addrlen) != 0 && errno != EINPROGRESS) {
    attempt.failed = std::strerror(errno);
  }
  return attempt;
}

// Waits for all of them; the results in their order.
std::vector<Dialled> finish(std::vector<Attempt> attempts) {
  const auto begun = io::clock_now();
  std::vector<Dialled> results;
  for (auto& attempt : attempts) {
    if (attempt.failed.empty()) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(begun + dial_bound - io::clock_now());
      pollfd entry{attempt.socket.get(), POLLOUT, 0};
      const auto wait = std::max<std::int64_t>(left.count(), 0);
      int error = ETIMEDOUT;
      if (poll(&entry, 1, static_cast<int>(wait)) > 0) {
        socklen_t size = sizeof error;
        getsockopt(attempt.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      }
      if (error != 0) attempt.failed = std::strerror(error);
    }
    auto took = attempt.failed.empty() ? Result<Duration>(io::clock_now() - begun)
                                       : Result<Duration>(Error{attempt.failed});
    results.push_back({std::move(attempt.about), std::move(took)});
  }
  return results;
}

std::optional<Error> state_trouble(const std::string& path) {
  if (path.empty()) return std::nullopt;
  auto place = std::filesystem::path(path).parent_path();
  if (place.empty()) place = ".";
  if (access(place.c_str(), W_OK | X_OK) != 0) {
    return Error{"the directory " + place.string() + ": " + std::strerror(errno)};
  }
  if (access(path.c_str(), F_OK) == 0 && access(path.c_str(), R_OK | W_OK) != 0) {
    return Error{path + ": " + std::strerror(errno)};
  }
  return std::nullopt;
}

bool lives(const PeerStatus& peer) {
  return peer.state != PeerState::left && peer.state != PeerState::gone;
}

void judge_dialled(const Options& options, const Dialled& dialled, std::vector<Finding>& findings) {
  if (dialled.took) {
    findings.push_back({Verdict::ok, dialled.about, "a connection is accepted", ""});
    return;
  }
  const auto& why = dialled.took.error().message;
  const bool refused = why == std::strerror(ECONNREFUSED);
  findings.push_back(
      {Verdict::problem, dialled.about, "can't be reached: " + why,
       refused ? "nothing listens there: start that peer, or correct the port (a peer's log and "
                 "`tidegate peers` tell it)"
               : fmt::format("let the firewalls between pass TCP to ports {} to {}, in both "
                             "directions, and look whether that host is up",
                             options.first_port, options.last_port)});
}

// How far the mesh is on its way from one key to another.
void judge_keys(const Status& running, const MeshFacts& facts, std::vector<Finding>& findings) {
  const auto about = "peer " + running.name;
  if (facts.keys && *facts.keys != running.keys) {
    findings.push_back(
        {Verdict::warning, about,
         "its keys are others than those that the settings lead to now: " +
             command::key_words(running.keys),
         "run `tidegate keys reload`; a peer whose keys came from the environment, or that has "
         "none, has to be restarted"});
  }
  std::map<std::string, std::size_t> users;
  for (const auto& peer : running.peers) {
    if (lives(peer) && !peer.key.empty()) ++users[peer.key];
  }
  std::string text;
  for (const auto& [key, count] : users) {
    text += fmt::format("{}{} of the other members {} {}", text.empty() ? "" : ", ", count,
                        count == 1 ? "uses" : "use", key);
  }
  if (!text.empty()) findings.push_back({Verdict::ok, "keys of the mesh", text, ""});
}

void judge_running(const Result<Status>& running, const MeshFacts& facts,
                   std::vector<Finding>& findings) {
  if (!running) {
    findings.push_back({Verdict::warning, "running peer", running.error().message,
                        "look at its process: is it stopped or overloaded?"});
    return;
  }
  const auto about = "peer " + running->name;
  const auto ready = std::count_if(running->peers.begin(), running->peers.end(),
                                   [](const auto& peer) { return peer.state == PeerState::ready; });
  const auto living = std::count_if(running->peers.begin(), running->peers.end(), lives);
  findings.push_back({Verdict::ok, about,
                      fmt::format("runs here for {}; {} of {} other peers are ready",
                                  command::rough_duration(running->up), ready, living),
                      ""});
  judge_keys(*running, facts, findings);
  for (const auto& trouble : running->troubles) {
    findings.push_back(
        {Verdict::problem, about,
         fmt::format("for {}: {}", command::rough_duration(trouble.lasted), trouble.text), ""});
  }
}

}  // namespace

MeshFacts gather_mesh(const Options& options, std::optional<Result<Status>> running) {
  MeshFacts facts;
  facts.state_wrong = state_trouble(options.state_file);
  std::vector<Attempt> attempts;
  if (const auto seeds = discovery::parse_seeds(options.seeds)) {
    for (const auto& seed : *seeds) {
      attempts.push_back(dial("seed " + to_string(seed), {seed.host, seed.port}));
    }
  } else {
    facts.seeds_wrong = seeds.error();
  }
  if (running && *running) {
    for (const auto& peer : (*running)->peers) {
      if (!lives(peer) || peer.host.empty()) continue;
      const auto name = peer.name.empty() ? std::string("of unknown name") : peer.name;
      for (const auto port : {peer.direct_port, peer.publish_port}) {
        const base::Endpoint endpoint{peer.host, port};
        attempts.push_back(dial("peer " + name + " (" + to_string(endpoint) + ")", endpoint));
      }
    }
  }
  facts.running = std::move(running);
  if (const auto keyring = peer::open_keyring(options)) facts.keys = keyring->names();
  facts.dialled = finish(std::move(attempts));
  return facts;
}

std::vector<Finding> judge_mesh(const Options& options, const MeshFacts& facts) {
  std::vector<Finding> findings;
  if (facts.seeds_wrong) {
    findings.push_back({Verdict::problem, "seeds", facts.seeds_wrong->message,
                        "correct --seeds: a peer does not start with these"});
  }
  if (facts.state_wrong) {
    findings.push_back({Verdict::problem, "state file", facts.state_wrong->message,
                        "let this user write there, or name another --state-file: a peer does not "
                        "start with this one"});
  }
  if (facts.running) judge_running(*facts.running, facts, findings);
  for (const auto& dialled : facts.dialled) judge_dialled(options, dialled, findings);
  return findings;
}

}  // namespace tidegate::health
