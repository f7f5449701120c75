#include "demo/buildbot/masters.hpp"

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/socket.h>

#include "peer/io/listener.hpp"
#include "support/eventually.hpp"

namespace tidegate::demo {
namespace {

using namespace std::chrono_literals;
using support::eventually;

constexpr Duration longest_start = 60s;
constexpr Duration longest_stop = 60s;

std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) {
    ++found;
  }
  return found;
}

// As `buildbot create-master` writes it, without the rotation of a log that goes to a file of ours.
constexpr const char* application = R"(import os
from buildbot.master import BuildMaster
from twisted.application import service
application = service.Application('buildmaster')
BuildMaster(os.path.abspath('.'), 'master.cfg', None).setServiceParent(application)
)";

std::string name_of_process(pid_t pid) {
  auto name = read_file("/proc/" + std::to_string(pid) + "/comm");
  if (!name.empty()) name.pop_back();
  return name;
}

}  // namespace

std::string database_url(const support::Server& server, const support::Server* other) {
  const auto place = [](const char* between, const support::Server& at) {
    return "host=" + at.socket_directory().string() + between + std::to_string(at.port());
  };
  const std::string user = "postgresql://postgres@/postgres?";
  if (other == nullptr) return user + place("&port=", server);
  return user + place(":", server) + "&" + place(":", *other) + "&target_session_attrs=read-write";
}

Master::Master(Site site, const std::filesystem::path& directory, std::string name,
               const nlohmann::json& part)
    : site_(std::move(site)),
      name_(std::move(name)),
      directory_(directory / name_),
      part_(part.dump()) {
  std::filesystem::create_directories(directory_);
  std::filesystem::create_symlink(site_.source / "demo/buildbot/master.cfg",
                                  directory_ / "master.cfg");
  std::ofstream(directory_ / "buildbot.tac") << application;
}

support::Command Master::command(std::vector<std::string> arguments) const {
  support::Command command;
  command.arguments = std::move(arguments);
  command.environment["MASTER"] = part_;
  command.environment["PYTHONPATH"] = site_.source / "integrations/buildbot";
  command.environment["PYTHONDONTWRITEBYTECODE"] = "1";
  const char* path = std::getenv("PATH");
  command.environment["PATH"] =
      site_.program.parent_path().string() + ":" + (path == nullptr ? "/usr/bin:/bin" : path);
  command.directory = directory_;
  return command;
}

void Master::make_tables() {
  support::run(command({"buildbot", "upgrade-master", "-q", directory_.string()}), longest_start);
}

void Master::start() {
  auto twistd = command(
      {"twistd3", "--nodaemon", "--no_save", "--pidfile=", "--logfile=-", "--python=buildbot.tac"});
  twistd.log = log_path();
  process_.emplace(twistd);
  ++lives_;
  const auto runs = [&] {
    if (!process_->running()) fail("has ended while it started");
    return times_in_log("BuildMaster is running") >= lives_;
  };
  if (!eventually(longest_start, runs)) fail("does not start");
}

void Master::stop() {
  process_->send(SIGTERM);
  if (!process_->wait(longest_stop)) fail("does not stop");
  process_.reset();
}

void Master::kill() {
  process_->send(SIGKILL);
  static_cast<void>(process_->wait(longest_stop));
  process_.reset();
}

std::optional<pid_t> Master::peer() const {
  if (!process_) return std::nullopt;
  for (const auto child : support::children_of(process_->pid())) {
    if (name_of_process(child) == "tidegate") return child;
  }
  return std::nullopt;
}

std::string Master::log() const { return read_file(log_path()); }

std::size_t Master::times_in_log(const std::string& text) const { return count(log(), text); }

void Master::fail(const std::string& what) const {
  const auto text = log();
  const std::size_t shown = 4000;
  throw std::runtime_error("the master " + name_ + " " + what + "; its log ends with:\n" +
                           text.substr(text.size() - std::min(text.size(), shown)));
}

Feed::Feed(const std::filesystem::path& path) {
  const auto connected = [&] {
    auto connection = io::connect_to_unix(path.string());
    if (connection) socket_ = std::move(*connection);
    return static_cast<bool>(socket_);
  };
  if (!eventually(longest_start, connected)) {
    throw std::runtime_error("nobody listens on " + path.string());
  }
}

void Feed::add(const std::string& revision) {
  const auto line = revision + "\n";
  if (send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(line.size())) {
    throw std::runtime_error("the master takes no change");
  }
  ++added_;
}

void Feed::wait() {
  while (taken_ < added_) {
    std::string answers(4096, '\0');
    if (!support::readable(socket_, longest_start)) {
      throw std::runtime_error("the master does not take its changes");
    }
    const auto size = recv(socket_.get(), answers.data(), answers.size(), 0);
    if (size <= 0) throw std::runtime_error("the master has ended before it took its changes");
    answers.resize(static_cast<std::size_t>(size));
    taken_ += count(answers, "\n");
  }
}

Fate fate_of_changes(support::Server& server, const std::string& prefix) {
  // Revisions are ours, and have no quotes.
  const auto row = server.query(
      "WITH sets AS (SELECT c.changeid, s.buildsetid FROM changes c"
      " LEFT JOIN buildset_sourcestamps s USING (sourcestampid)"
      " WHERE c.revision LIKE '" +
      prefix +
      "%'),"
      " fates AS (SELECT changeid, count(buildsetid) AS sets, bool_and(EXISTS"
      "  (SELECT 1 FROM buildrequests r WHERE r.buildsetid = sets.buildsetid)"
      "  AND NOT EXISTS (SELECT 1 FROM buildrequests r"
      "  WHERE r.buildsetid = sets.buildsetid AND r.complete = 0)) AS done"
      " FROM sets GROUP BY changeid)"
      " SELECT count(*), count(*) FILTER (WHERE done), count(*) FILTER (WHERE sets > 1)"
      " FROM fates")[0];
  return {std::stoi(row[0]), std::stoi(row[1]), std::stoi(row[2])};
}

}  // namespace tidegate::demo
