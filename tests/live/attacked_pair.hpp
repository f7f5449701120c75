// Two members in processes of their own, one of which is attacked: what that costs it in memory,
// and how long a message between them takes meanwhile.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "lib/keys/keyring.hpp"
#include "support/process.hpp"
#include "tests/live/command_mesh.hpp"
#include "tests/support/raw_curve.hpp"

namespace tidegate::testing {

// The command line of a peer with these options.
[[nodiscard]] Arguments peer_command(const Arguments& options, const Arguments& more = {});

class AttackedPair {
 public:
  // `more`: arguments of the attacked one. `files`: that it may have open; 0: as many as we.
  explicit AttackedPair(bool keyed, const Arguments& more = {}, int files = 0);

  [[nodiscard]] std::uint16_t publish_port() const { return publish_port_; }
  [[nodiscard]] std::uint16_t direct_port() const { return direct_port_; }
  [[nodiscard]] const CommandMesh& mesh() const { return mesh_; }
  [[nodiscard]] const std::string& mesh_name() const { return mesh_name_; }
  // The arguments of another member, after the name of its subcommand.
  [[nodiscard]] Arguments options(const std::string& name) const;
  [[nodiscard]] support::Process& attacked() { return attacked_; }
  // Of the attacked one.
  [[nodiscard]] json status() const;
  [[nodiscard]] std::uint64_t counted(const char* counter) const;
  void publish(const std::string& payload);

  struct Toll {
    Duration longest{};         // of the ways of messages to the attacked one and back
    std::size_t grown = 0;      // bytes that it had more at the worst moment than before
    std::size_t exchanged = 0;  // messages
  };
  // Attacks from a thread, while messages go to and fro; then once more. Fails the test when one
  // does not arrive.
  Toll during(const std::function<void()>& attack);

  // A member in a mesh with a key that calls the attacked one at its ROUTER or at its XPUB.
  [[nodiscard]] RawCurve member(bool direct) const;

 private:
  [[nodiscard]] keys::PublicKey ask_stream_key(const keys::MeshKeys& keys) const;
  Duration exchange();

  bool keyed_;
  CommandMesh mesh_;
  support::Process attacked_;
  support::Process other_;
  std::uint16_t publish_port_ = 0;
  std::uint16_t direct_port_ = 0;
  std::string mesh_name_;
  keys::PublicKey stream_key_{};
  int sent_ = 0;
};

}  // namespace tidegate::testing
