#include "support/server.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <pwd.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/eventually.hpp"
#include "support/port.hpp"
#include "support/temporary_directory.hpp"

namespace tidegate::support {
namespace {

using namespace std::chrono_literals;

constexpr Duration longest_start = 60s;  // a crash recovery with sanitizers beside it
constexpr Duration longest_stop = 60s;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string last_lines(const std::string& text, int count) {
  auto begin = text.size();
  while (count-- >= 0 && begin != std::string::npos && begin > 0)
    begin = text.rfind('\n', begin - 1);
  return begin == std::string::npos ? text : text.substr(begin);
}

// Kills processes that are not our children, and waits until they have ended. The handles are
// opened while the parent still keeps the ids from being used again.
void kill_grandchildren(const std::vector<pid_t>& pids) {
  std::vector<io::Descriptor> handles;
  for (const auto pid : pids) {
    auto handle = watch_process(pid);
    if (!handle) continue;
    ::kill(pid, SIGKILL);
    handles.push_back(std::move(handle));
  }
  for (const auto& handle : handles) static_cast<void>(readable(handle, 10s));
}

// The System V shared memory that a server marks its directory with; line 7 of postmaster.pid is
// its key and id. Nobody else removes it after a crash if the server is not started again.
void remove_shared_memory(const std::filesystem::path& pid_file) {
  std::ifstream file(pid_file);
  std::string line;
  for (int number = 1; number <= 7; ++number) std::getline(file, line);
  std::istringstream words(line);
  unsigned long key = 0;
  int id = 0;
  if (words >> key >> id) ::shmctl(id, IPC_RMID, nullptr);
}

}  // namespace

std::string server_user() {
  if (::geteuid() != 0) return "";
  return ::getpwnam("postgres") != nullptr ? "postgres" : "nobody";
}

std::optional<std::string> find_postgres_program(const std::string& name) {
  const auto usable = [](const std::string& path) { return ::access(path.c_str(), X_OK) == 0; };
  const auto* folder = std::getenv("TEST_POSTGRES");
  if (folder != nullptr && *folder != '\0') {
    auto program = (std::filesystem::path(folder) / name).string();
    return usable(program) ? std::optional(std::move(program)) : std::nullopt;
  }
  int newest = 0;
  std::optional<std::string> found;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", missing)) {
    const int version = std::atoi(entry.path().filename().c_str());
    auto program = (entry.path() / "bin" / name).string();
    if (version > newest && usable(program)) {
      newest = version;
      found = std::move(program);
    }
  }
  return found;
}

std::string postgres_program(const std::string& name) {
  if (auto found = find_postgres_program(name)) return *found;
  const auto* folder = std::getenv("TEST_POSTGRES");
  throw std::runtime_error("there is no " + name +
                           (folder != nullptr && *folder != '\0'
                                ? " in " + std::string(folder) + ", which TEST_POSTGRES names"
                                : "; install postgresql-15"));
}

Server::Server(std::string name, std::filesystem::path directory, bool tcp)
    : name_(std::move(name)),
      directory_(std::move(directory)),
      tcp_(tcp),
      port_(tcp ? unused_port() : 5432) {
  append_config("listen_addresses = '" + std::string(tcp_ ? "127.0.0.1" : "") + "'\n" +
                "port = " + std::to_string(port_) + "\n" +  //
                "unix_socket_directories = '" + directory_.string() + "'\n");
}

Server::~Server() {
  if (running()) {
    process_->send(SIGQUIT);  // ends its children and removes its shared memory
    if (!process_->wait(longest_stop)) crash();
  }
  remove_shared_memory(data_directory() / "postmaster.pid");  // if somebody has killed it
}

void Server::start() {
  if (running()) fail("is running already");
  Command command;
  command.arguments = {postgres_program("postgres"), "-D", data_directory()};
  command.user = server_user();
  command.directory = directory_;
  command.log = log_path();
  command.death_signal = SIGQUIT;
  process_.emplace(command);

  const auto end = std::chrono::steady_clock::now() + longest_start;
  for (;;) {
    try {
      static_cast<void>(connect());
      return;
    } catch (const std::runtime_error& error) {
      if (process_->wait(10ms)) fail("did not start");
      if (std::chrono::steady_clock::now() >= end) fail(error.what());
    }
  }
}

void Server::stop() {
  if (!running()) fail("is not running");
  process_->send(SIGINT);
  if (!process_->wait(longest_stop)) fail("does not stop");
}

void Server::crash() {
  if (!running()) fail("is not running");
  process_->send(SIGSTOP);  // so that it starts no more children
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid()), &info, WSTOPPED | WEXITED | WNOWAIT);
  kill_grandchildren(children_of(pid()));
  process_->send(SIGKILL);
  process_->wait(longest_stop);
  remove_shared_memory(data_directory() / "postmaster.pid");
  // As after a reboot; else a new process with the same id would keep the server from starting.
  std::filesystem::remove(data_directory() / "postmaster.pid");
  std::filesystem::remove(directory_ / (".s.PGSQL." + std::to_string(port_) + ".lock"));
}

void Server::restart() {
  stop();
  start();
}

// Not by pg_promote(): the snapshot of a session that waits for it can hold up what is still to be
// replayed.
void Server::promote() {
  std::ofstream(data_directory() / "promote").close();
  process_.value().send(SIGUSR1);
  const auto promoted = [&] { return value("SELECT pg_is_in_recovery()") == "f"; };
  if (!eventually(longest_start, promoted)) fail("was not promoted");
}

void Server::follow(const Server& primary) {
  append_config("primary_conninfo = '" + primary.connection_string("application_name=" + name_) +
                "'\n");
}

std::string Server::connection_string(const std::string& extra) const {
  const std::string host =
      tcp_ ? "127.0.0.1 sslmode=disable gssencmode=disable" : directory_.string();
  auto text = "host=" + host + " port=" + std::to_string(port_) + " user=postgres dbname=postgres";
  return extra.empty() ? text : text + " " + extra;
}

Session Server::connect(const std::string& extra) const {
  return Session(connection_string(extra));
}

std::vector<Row> Server::query(const std::string& sql) {
  try {
    return connect().rows(sql);
  } catch (const std::runtime_error& error) {
    fail(error.what());
  }
}

std::string Server::value(const std::string& sql) {
  try {
    return connect().value(sql);
  } catch (const std::runtime_error& error) {
    fail(error.what());
  }
}

void Server::append_config(const std::string& lines) {
  const auto path = data_directory() / "test.conf";
  std::ofstream(path, std::ios::app) << lines;
  give_to(path, server_user());
  if (running()) reload();
}

std::string Server::log_text() const { return read_file(log_path()); }

void Server::reload() {
  const auto loaded = [this] { return value("SELECT pg_conf_load_time()"); };
  const auto before = loaded();
  process_->send(SIGHUP);
  if (!eventually(10s, [&] { return loaded() != before; })) fail("does not read its configuration");
}

void Server::fail(const std::string& what) const {
  throw std::runtime_error("server " + name_ + ": " + what + "; its log ends with:\n" +
                           last_lines(log_text(), 30));
}

}  // namespace tidegate::support
