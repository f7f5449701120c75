// New keys for peers that run, as an operator gives them: `tidegate keys reload`, and SIGHUP.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include "lib/keys/keyring.hpp"
#include "lib/keys/mesh_key.hpp"
#include "tests/lib/keys/sample_key.hpp"
#include "tests/live/command_mesh.hpp"

using namespace tidegate;
using namespace tidegate::testing;

namespace {

const auto old_key = to_text(sample_key(1));
const auto new_key = to_text(sample_key(2));

struct KeyedMesh {
  KeyedMesh() { write(old_key); }

  [[nodiscard]] std::string file() const { return (mesh.directory() / "mesh.key").string(); }

  void write(const std::string& keys) const {
    std::ofstream(file()) << keys << "\n";
    std::filesystem::permissions(file(), std::filesystem::perms{0600});
  }

  [[nodiscard]] support::Process peer(const char* name) const {
    return mesh.start({"peer", "--name", name, "--key-file", file()});
  }

  // As keys reload names them.
  [[nodiscard]] std::string words(const keys::Secret& used) const {
    return name(used) + " is used\n";
  }
  [[nodiscard]] std::string words(const keys::Secret& used, const keys::Secret& accepted) const {
    return name(used) + " is used, accepted too: " + name(accepted) + "\n";
  }

  CommandMesh mesh;

 private:
  [[nodiscard]] std::string name(const keys::Secret& key) const {
    return keys::to_text(keys::MeshKeys(key, mesh.command({}).environment.at("TIDEGATE_MESH")).id);
  }
};

}  // namespace

TEST_CASE("keys reload takes peers from one key to another while they run, and status tells how") {
  const KeyedMesh keyed;
  auto a = keyed.peer("a");
  auto b = keyed.peer("b");
  wait_for(a, "peer_ready");
  wait_for(b, "peer_ready");
  const auto reload = [&](const std::string& name) {
    const auto ran = keyed.mesh.run({"keys", "reload", "--name", name});
    CHECK(ran.errors == "");
    CHECK(ran.status == 0);
    return ran.output;
  };

  keyed.write(old_key + "\n" + new_key);
  const auto doctor = keyed.mesh.run({"doctor", "--key-file", keyed.file()});
  CHECK(contains(doctor.output, "run `tidegate keys reload`"));
  CHECK(reload("a") == keyed.words(sample_key(1), sample_key(2)));
  CHECK(reload("b") == keyed.words(sample_key(1), sample_key(2)));
  keyed.write(new_key + "\n" + old_key);
  CHECK(reload("a") == keyed.words(sample_key(2), sample_key(1)));
  CHECK(contains(wait_for_log(a, "the keys were read again: "), " is used, accepted too: "));
  CHECK(contains(keyed.mesh.run({"status", "--name", "a"}).output, " another one"));
  b.send(SIGHUP);
  wait_for_log(b, "the keys were read again: ");
  wait_for_log(b, "the keys were read again: ");
  keyed.write(new_key);
  CHECK(reload("a") == keyed.words(sample_key(2)));
  CHECK(reload("b") == keyed.words(sample_key(2)));
  CHECK(contains(keyed.mesh.run({"status", "--name", "a"}).output, keyed.words(sample_key(2))));

  a.write("{\"topic\":\"t\",\"payload\":\"on\"}\n");
  CHECK(wait_for(b, "delivery")["payload"] == "on");
  const auto pub = keyed.mesh.run({"pub", "t", "through", "--key-file", keyed.file()});
  CHECK(pub.status == 0);
  CHECK(wait_for(b, "delivery")["payload"] == "through");
}

TEST_CASE("keys reload says why nothing was changed, and so does the log of the peer") {
  const KeyedMesh keyed;
  auto a = keyed.peer("a");
  wait_for_log(a, "with the key");
  keyed.write("nonsense");
  const auto ran = keyed.mesh.run({"keys", "reload"});
  CHECK(ran.status == 1);
  CHECK(
      contains(ran.errors, "nothing was changed: key-file " + keyed.file() + ": line 1 is no key"));
  wait_for_log(a, "the keys are as they were: key-file " + keyed.file() + ": line 1 is no key");
  a.send(SIGHUP);
  wait_for_log(a, "the keys are as they were: key-file");
  a.write("{\"keys\":\"reload\"}\n");
  CHECK(contains(wait_for(a, "error")["message"].get<std::string>(), "line 1 is no key"));

  CHECK(contains(keyed.mesh.run({"keys"}).errors, "write `tidegate keys reload`"));
  CHECK(contains(keyed.mesh.run({"keys", "show"}).errors, "show: write `tidegate keys reload`"));
}

TEST_CASE("keys from the environment can't be read again, which keys reload and SIGHUP say") {
  const CommandMesh mesh;
  CHECK(mesh.run({"keys", "reload"}).status == 3);
  auto command = mesh.command({"peer"});
  command.environment["TIDEGATE_KEYS"] = old_key;
  support::Process peer(command);
  wait_for_log(peer, "with the key");
  const auto ran = mesh.run({"keys", "reload"});
  CHECK(ran.status == 1);
  CHECK(contains(ran.errors, "which a running process does not read again"));
  peer.send(SIGHUP);
  wait_for_log(peer, "TIDEGATE_KEYS can't change in a process that runs");
}
