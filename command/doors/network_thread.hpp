// A thread beside that of the session, for the protocols that are spoken around a door: HTTP,
// WebSocket. Their library, Asio with Beast, has an event loop of its own, and neither a slow
// handshake nor a long answer holds up the peer there.
//
// Everything between the two threads is a task that one gives to the other. Bytes go through pairs
// of sockets, pipes, so a full one holds back its writer, as a connection does. To the session the
// thread is a door: it has a moment for what is in its pipes when the peer leaves.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "command/doors/door.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace boost::asio {
class io_context;
}

namespace tidegate::doors {

class NetworkThread final : public Door {
 public:
  // The reactor is that of the session and outlives it. An error: the system has no thread left.
  static Result<std::unique_ptr<NetworkThread>> start(io::Reactor& reactor);
  ~NetworkThread() override;

  // All that runs in the thread hangs in here.
  [[nodiscard]] boost::asio::io_context& context() { return *context_; }

  // From any thread: the task runs in that of the session, soon.
  void to_session(std::function<void()> task);

  // From any thread: the task runs in this one, soon.
  void post(std::function<void()> task);

  // From that of the session: the task runs in this thread, and is waited for, up to a bound. Then
  // it may still run.
  void run(const std::function<void()>& task);

  // Ends the thread; nothing of it runs any more.
  void stop();

  // A pair of sockets through which bytes go, as long as this lives.
  class Pipe {
   public:
    explicit Pipe(NetworkThread& thread) : thread_(&thread) { ++thread.pipes_; }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe();

   private:
    NetworkThread* thread_;
  };

  void handle(const Incoming&) override {}
  void peer_has_turned() override;
  void peer_leaves() override;
  [[nodiscard]] bool pending() const override { return leaving_ && pipes_ > 0; }

 private:
  explicit NetworkThread(io::Reactor& reactor);

  io::Reactor& reactor_;
  std::unique_ptr<boost::asio::io_context> context_;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;  // for the session
  std::atomic<std::size_t> pipes_ = 0;
  bool leaving_ = false;
};

}  // namespace tidegate::doors
