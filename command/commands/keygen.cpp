// `tidegate keygen`: makes the one secret of a mesh.
#include <ctime>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/commands/commands.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/log.hpp"
#include "command/subcommand.hpp"
#include "lib/keys/keyring.hpp"
#include "lib/keys/mesh_key.hpp"

namespace tidegate::commands {
namespace {

command::Description help() {
  return {"keygen",
          "makes a key for a mesh and prints it",
          "Peers with the same key form a mesh that nobody else can read, join or speak in. Keep\n"
          "the file as secret as a password, and copy it to each of them over a safe way.\n\n"
          "Examples:\n"
          "  tidegate keygen > mesh.key\n"
          "  tidegate peer --key-file mesh.key --interfaces eth0",
          {"mesh", "log-level"},
          command::LogLevel::warning};
}

std::string today() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

// A file that the shell has opened for the output, and that others may read.
bool output_is_exposed() {
  struct stat status {};
  return fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode) &&
         (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

class KeygenCommand final : public command::Subcommand {
 public:
  KeygenCommand() : Subcommand(help()) {}

  void declare(CLI::App&) override {}
  void check(std::vector<command::SettingProblem>&) override {}

  int run(const command::Invocation& invocation) override {
    if (sodium_init() < 0) {
      command::write(invocation.log, {command::LogLevel::error,
                                      "this system gives no random numbers, so no key is made"});
      return command::exit_status::failed;
    }
    keys::Secret key;
    randombytes_buf(key.buffer().data(), key.buffer().size());
    const auto& mesh = invocation.settings.options.mesh;
    // Before the key is in it. Its rights are mended, as nobody else can have wanted them.
    if (output_is_exposed() && fchmod(STDOUT_FILENO, S_IRUSR | S_IWUSR) != 0) {
      command::write(invocation.log,
                     {command::LogLevel::error,
                      "others may read the file that the key would go to, and its mode can't be "
                      "changed; write it elsewhere"});
      return command::exit_status::failed;
    }
    json_lines::Output output(STDOUT_FILENO);
    output.line("# Key of a tidegate mesh, made on " + today() + ". In the mesh '" + mesh +
                "' it shows itself as " + keys::to_text(keys::MeshKeys(key, mesh).id) + ".");
    output.line(keys::to_text(key));
    return command::finish(output, invocation, command::exit_status::done);
  }
};

}  // namespace

std::unique_ptr<command::Subcommand> make_keygen_command() {
  return std::make_unique<KeygenCommand>();
}

}  // namespace tidegate::commands
