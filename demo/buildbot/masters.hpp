// Real Buildbot masters around private servers: what the demo shows, and the tests judge.
//
// Each is a `twistd` with a folder of its own and the one master.cfg beside this file, which reads
// from the environment what that master is to do. Every failure is a std::runtime_error with the
// last lines of the master's log.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>
#include <sys/types.h>

#include "peer/io/descriptor.hpp"
#include "support/process.hpp"
#include "support/server.hpp"
#include "tidegate/time.hpp"

namespace tidegate::demo {

// Where the masters find `tidegate`, the connector and master.cfg.
struct Site {
  std::filesystem::path program;  // of tidegate
  std::filesystem::path source;   // of the repository
};

// The URL by which Buildbot reaches a server. With `other` both are tried, for the one that
// is writable.
[[nodiscard]] std::string database_url(const support::Server& server,
                                       const support::Server* other = nullptr);

class Master {
 public:
  // Takes the folder `directory / name`. `part`: the members of MASTER, as master.cfg has them.
  Master(Site site, const std::filesystem::path& directory, std::string name,
         const nlohmann::json& part);

  // Makes Buildbot's tables; for one master of all.
  void make_tables();

  void start();  // returns when it runs
  // SIGTERM, as a service manager does it; returns when it has ended.
  void stop();
  // SIGKILL.
  void kill();

  // Of its own `tidegate peer`; nothing while there is none.
  [[nodiscard]] std::optional<pid_t> peer() const;

  [[nodiscard]] std::filesystem::path log_path() const { return directory_ / "log"; }
  [[nodiscard]] std::string log() const;
  // Of the whole of its lives.
  [[nodiscard]] std::size_t times_in_log(const std::string& text) const;

 private:
  [[noreturn]] void fail(const std::string& what) const;
  [[nodiscard]] support::Command command(std::vector<std::string> arguments) const;

  Site site_;
  std::string name_;
  std::filesystem::path directory_;
  std::string part_;
  std::size_t lives_ = 0;
  std::optional<support::Process> process_;
};

// Where changes are put into a master that has a `feed`.
class Feed {
 public:
  // Waits until the master listens there.
  explicit Feed(const std::filesystem::path& path);

  // Returns at once; a change that the database does not take is tried again by the master.
  void add(const std::string& revision);
  // Returns when the master has all that were added.
  void wait();

 private:
  io::Descriptor socket_;
  std::size_t added_ = 0;
  std::size_t taken_ = 0;
};

// The fate of the changes whose revisions begin with `prefix`, on that server.
struct Fate {
  int changes = 0;
  int built = 0;  // all their build requests are done
  int twice = 0;  // more than one buildset
};
[[nodiscard]] Fate fate_of_changes(support::Server& server, const std::string& prefix);

}  // namespace tidegate::demo
