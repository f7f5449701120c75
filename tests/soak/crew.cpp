#include "tests/soak/crew.hpp"

#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <unistd.h>

#include "tests/soak/member.hpp"
#include "tests/support/port.hpp"

namespace tidegate::soak {

using namespace std::chrono_literals;

Crew::Crew(std::string program, const Settings& settings, std::filesystem::path directory,
           Servers& servers, const Network* network, History& history)
    : program_(std::move(program)),
      settings_(settings),
      directory_(std::move(directory)),
      servers_(servers),
      network_(network),
      history_(history),
      mesh_("soak-" + std::to_string(::getpid())),
      beacon_port_(testing::unused_port()),
      places_(static_cast<std::size_t>(settings.peers)) {}

void Crew::start(int peer) {
  auto& place = this->place(peer);
  const auto life = peer_name(peer) + "." + std::to_string(++place.lives);
  const auto& server = servers_.at(server_of(peer));
  Part part{
      .journal = (directory_ / (life + ".journal")).string(),
      .mesh = mesh_,
      .beacon_port = beacon_port_,
      .interface = network_ != nullptr ? Network::interface : "lo",
      .name = peer_name(peer),
      .life = life,
      .server = server.connection_string(),
      .primary = writes(peer, settings_) ? servers_.whichever() : "",
      .seed = settings_.seed * 1000003 + static_cast<std::uint64_t>(peer * 1009 + place.lives),
      .own_thread = peer % 3 != 2};
  testing::Command command;
  if (network_ != nullptr) command.arguments = network_->prefix(peer);
  command.arguments.push_back(program_);
  const auto arguments = part.to_arguments();
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  command.input = testing::Stream::pipe;
  place.log = directory_ / (life + ".log");
  command.log = place.log;
  place.process.emplace(command);
  history_.born(peer, life, Servers::name(server_of(peer)), part.journal);
}

void Crew::kill(int peer) {
  process(peer).send(SIGKILL);
  process(peer).wait(10s);
  place(peer).process.reset();
  history_.killed(peer);
}

void Crew::quiet() {
  for (auto& place : places_) place.process->write("quiet\n");
}

void Crew::dismiss() {
  for (auto& place : places_) place.process->close_input();
  for (int peer = 0; peer < settings_.peers; ++peer) {
    const auto exit = process(peer).wait(20s);
    if (!exit) throw std::runtime_error(peer_name(peer) + " does not leave");
    if (!exit->success()) close_streams_of_departed(peer, place(peer), exit->status);
  }
}

void Crew::check() {
  for (int peer = 0; peer < settings_.peers; ++peer) {
    auto& process = place(peer).process;
    if (!process) continue;
    if (const auto exit = process->wait(0s))
      close_streams_of_departed(peer, place(peer), exit->status);
  }
}

void Crew::close_streams_of_departed(int peer, Place& place, int status) {
  std::ifstream log(place.log);
  throw std::runtime_error(peer_name(peer) +
                           (status > 128 ? " was ended by signal " + std::to_string(status - 128)
                                         : " ended with status " + std::to_string(status)) +
                           " by itself; it said:\n" +
                           std::string(std::istreambuf_iterator<char>(log), {}));
}

}  // namespace tidegate::soak
