#include "tests/soak/peer_processes.hpp"

#include <chrono>
#include <utility>

#include <unistd.h>

#include "support/port.hpp"
#include "tests/soak/member.hpp"

namespace tidegate::soak {

using namespace std::chrono_literals;

PeerProcesses::PeerProcesses(std::string program, const Settings& settings,
                             std::filesystem::path directory, Servers& servers,
                             const Network* network, History& history)
    : program_(std::move(program)),
      settings_(settings),
      directory_(std::move(directory)),
      servers_(servers),
      network_(network),
      history_(history),
      mesh_("soak-" + std::to_string(::getpid())),
      beacon_port_(support::unused_port()),
      places_(static_cast<std::size_t>(settings.peers)) {}

void PeerProcesses::start(int peer) {
  auto& place = this->place(peer);
  const auto life = peer_name(peer) + "." + std::to_string(++place.lives);
  const auto& server = servers_.at(server_of(peer));
  const MemberPlan plan{
      .journal = (directory_ / (life + ".journal")).string(),
      .record = settings_.records.empty() ? "" : (directory_ / (life + ".record")).string(),
      .mesh = mesh_,
      .beacon_port = beacon_port_,
      .interface = network_ != nullptr ? Network::interface : "lo",
      .name = peer_name(peer),
      .life = life,
      .server = server.connection_string(),
      .primary = writes(peer, settings_) ? servers_.whichever() : "",
      .seed = settings_.seed * 1000003 + static_cast<std::uint64_t>(peer * 1009 + place.lives),
      .own_thread = peer % 3 != 2};
  std::vector<std::string> command;
  if (network_ != nullptr) command = network_->prefix(peer);
  command.push_back(program_);
  const auto arguments = plan.to_arguments();
  command.insert(command.end(), arguments.begin(), arguments.end());
  place.worker.emplace(peer_name(peer), std::move(command), directory_ / (life + ".log"));
  history_.born(peer, life, Servers::name(server_of(peer)), plan.journal);
}

void PeerProcesses::kill(int peer) {
  auto& process = worker(peer).process();
  process.send(SIGKILL);
  process.wait(10s);
  place(peer).worker.reset();
  history_.killed(peer);
}

void PeerProcesses::quiet() {
  for (auto& place : places_) place.worker->tell("quiet");
}

void PeerProcesses::dismiss() {
  std::vector<support::Worker*> workers;
  for (auto& place : places_) workers.push_back(&place.worker.value());
  support::dismiss(workers, 20s);
}

void PeerProcesses::check() {
  for (auto& place : places_) {
    if (place.worker) place.worker->check();
  }
}

}  // namespace tidegate::soak
