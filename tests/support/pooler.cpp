#include "tests/support/pooler.hpp"

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "support/eventually.hpp"
#include "support/session.hpp"

namespace tidegate::testing {

using namespace std::chrono_literals;

Pooler::Pooler(const support::Server& server, std::string config, std::string user)
    : directory_("pooler", support::server_user()),
      config_(std::move(config)),
      user_(std::move(user)) {
  write_configuration(server);
  support::Command command;
  command.arguments = {"/usr/sbin/pgbouncer", directory_.path() / "pgbouncer.ini"};
  command.user = support::server_user();
  command.log = directory_.path() / "log";
  process_.emplace(command);
  await(server);
}

void Pooler::lead_to(const support::Server& server) {
  write_configuration(server);
  process_->send(SIGHUP);
  await(server);
}

std::string Pooler::connection_string() const {
  return "host=" + directory_.path().string() + " port=6432 user=postgres dbname=postgres";
}

void Pooler::write_configuration(const support::Server& server) const {
  const auto path = directory_.path() / "pgbouncer.ini";
  std::ofstream(path) << "[databases]\n"
                      << "postgres = user=" << user_
                      << " port=5432 host=" << server.socket_directory().string() << "\n"
                      << "[pgbouncer]\n"
                      << "unix_socket_dir = " << directory_.path().string() << "\n"
                      << "listen_port = 6432\n"
                      << "auth_type = any\n"
                      << "server_login_retry = 1\n"
                      << config_;
  support::give_to(path, support::server_user());
}

void Pooler::await(const support::Server& server) const {
  const auto leads_there = [&] {
    try {
      return support::Session(connection_string()).value("SHOW unix_socket_directories") ==
             server.socket_directory().string();
    } catch (const std::runtime_error&) {
      return false;  // it is not up yet
    }
  };
  if (!support::eventually(20s, leads_there)) {
    throw std::runtime_error("pgbouncer leads nowhere; install pgbouncer");
  }
}

}  // namespace tidegate::testing
