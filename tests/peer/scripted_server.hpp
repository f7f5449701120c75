// Servers that say what a test has written down: the seam of server.hpp filled in by hand.
#pragma once

#include <memory>
#include <utility>

#include "peer/servers/server.hpp"

namespace tidegate::testing {

// The answers of a server from now on, and the questions that it was asked.
struct ServerScript {
  ServerIncarnation incarnation;
  Tide tide;                      // the answer to the next read
  gate::CommitPosition position;  // the answer to the next query or nudge
  bool primary = false;
  int reads = 0;
  int queries = 0;
  int left = 0;  // times
};

// Answers with the next advance(), which is due at once.
template <typename Seam>
class ScriptedReader : public Seam {
 public:
  explicit ScriptedReader(std::shared_ptr<ServerScript> script) : script_(std::move(script)) {}

  [[nodiscard]] io::Interest interest() const final { return {}; }
  [[nodiscard]] Instant deadline() const final { return ready() ? never : Instant::min(); }
  [[nodiscard]] bool ready() const final { return up_ && !asked_; }

 protected:
  std::shared_ptr<ServerScript> script_;
  bool up_ = false;
  bool asked_ = false;
};

class ScriptedPrimary final : public ScriptedReader<servers::CommitPositionReader> {
 public:
  using ScriptedReader::ScriptedReader;

  void query(Instant) override {
    ++script_->queries;
    asked_ = true;
  }
  void nudge(Instant now) override { query(now); }
  void leave_server(Instant) override {
    ++script_->left;
    up_ = asked_ = false;
  }
  void advance(Instant, gate::ServerEvents& events) override {
    if (!std::exchange(up_, true))
      events.emplace_back(PrimaryUp{script_->incarnation, "script", "", script_->position.history});
    if (std::exchange(asked_, false)) {
      events.emplace_back(gate::CommitPositionRead{script_->position});
    }
  }
};

class ScriptedReplica final : public ScriptedReader<servers::ReplayReader> {
 public:
  using ScriptedReader::ScriptedReader;

  void read(Instant now) override {
    if (!ready()) return;
    ++script_->reads;
    asked_ = true;
    asked_at_ = now;
  }
  void advance(Instant, gate::ServerEvents& events) override {
    const bool comes_up = !std::exchange(up_, true);
    if (comes_up) {
      events.emplace_back(ServerUp{script_->incarnation, !script_->primary, "script", ""});
    }
    if (std::exchange(asked_, false) || comes_up) {
      events.emplace_back(gate::ReplayPositionRead{script_->tide, asked_at_});
    }
  }
  [[nodiscard]] bool is_primary() const override { return up_ && script_->primary; }
  [[nodiscard]] std::unique_ptr<servers::CommitPositionReader> commit_position_reader()
      const override {
    return std::make_unique<ScriptedPrimary>(script_);
  }

 private:
  Instant asked_at_ = Instant::min();
};

}  // namespace tidegate::testing
