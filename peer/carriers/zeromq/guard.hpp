// Bounds what others may send to a socket, by ending the connection that brings too much.
//
// libzmq bounds nothing that helps. Its receive queues count whole messages, a full one can end the
// process (a PING behind it, then a close), and an XPUB has none: so all of them are unlimited, and
// the bytes are counted here, as the kernel has received them (TCP_INFO), before libzmq makes 64
// bytes of three, or a tree of a subscription.
//
// The thread wakes when bytes come, looks at that connection, and lets it rest for some
// milliseconds. It is a thread of its own since the loop may be busy when a flood begins, and since
// libzmq stops altogether when nobody reads the events that tell of new connections.
//
// libzmq owns the descriptors and may close one at any time, after which its number may be any
// other file. So a connection is known by its cookie, which the kernel gives out once, and is ended
// through a duplicate of the descriptor whose cookie was checked.
//
// A Unix socket has no such counter. It takes callers of the same user and of root alone, who could
// do worse to this process than to flood it.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <zmq.hpp>

#include "peer/carriers/carrier.hpp"
#include "peer/carriers/zeromq/intake.hpp"
#include "peer/io/descriptor.hpp"
#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace tidegate::zeromq {

// In bytes, mostly. A connection beyond it is ended; it may come again.
struct Allowance {
  // Of each connection: this much at once, and so much more in each second.
  std::uint64_t at_once = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t per_second = 0;
  // Memory for what the loop has not taken yet, of all connections together. Beyond it those end
  // that have brought more than `modest`.
  std::uint64_t untaken = 0;
  std::uint64_t modest = 0;
  // Connections at a time that are nobody's who is known (Guard::know); the oldest makes room.
  std::size_t strangers = std::numeric_limits<std::size_t>::max();
};

class Guard {
 public:
  // Where there is no other thread: an error. Its sockets live in the context.
  [[nodiscard]] static Result<std::unique_ptr<Guard>> start(zmq::context_t& context);

  ~Guard() { stop(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  // A socket is guarded as long as this lives. To be destroyed before the socket, by its thread.
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&& other) noexcept { swap(other); }
    Watch& operator=(Watch&& other) noexcept;
    ~Watch();

    [[nodiscard]] Intake& intake() const { return *intake_; }

   private:
    friend class Guard;
    void swap(Watch& other) noexcept;

    Guard* guard_ = nullptr;
    std::uint64_t id_ = 0;
    void* socket_ = nullptr;
    std::shared_ptr<Intake> intake_;
  };

  enum class Side { listens, dials };

  // Before it listens or dials. Throws as ZeroMQ does where no descriptor is left.
  [[nodiscard]] Watch watch(zmq::socket_t& socket, Side side, const Allowance& allowance);

  // Whether the connection of that descriptor is known to be a member's.
  void know(int descriptor, bool known);

  // After all watches have gone: closes its own sockets. The counts stay.
  void stop();

  [[nodiscard]] carriers::Floods floods() const;
  // Of callers, since the start: they broke off, took too long, or did not speak as members do.
  // Those that were refused for their key are not among them.
  [[nodiscard]] std::uint64_t failed_handshakes() const { return failed_handshakes_; }

 private:
  // A socket that is guarded.
  struct Source {
    zmq::socket_t events;  // of its connections
    Side side = Side::listens;
    Allowance allowance;
    std::shared_ptr<Intake> intake;
    // As of the last look: bytes that the loop has not taken, and what it had told.
    std::uint64_t backlog = 0;
    std::uint64_t taken = 0;
    std::uint64_t parts = 0;
    std::uint64_t emptied = 0;
    // Of what it took lately.
    std::uint64_t late_parts = 0;
    std::uint64_t late_bytes = 0;
  };
  struct Connection {
    std::uint64_t source = 0;
    std::uint64_t cookie = 0;
    std::uint64_t received = 0;  // bytes, ever
    std::uint64_t level = 0;     // of its allowance that is used up
    Instant met = {};
    Instant looked = {};
    bool known = false;
  };

  explicit Guard(zmq::context_t& context);
  void forget(std::uint64_t id);
  void wake() const;

  // In its thread.
  void run();
  bool take_changes();
  void take_events(std::uint64_t id);
  void meet(std::uint64_t id, Side side, int descriptor, const std::string& endpoint);
  void make_room(std::uint64_t id);
  void look_at(int descriptor);
  void look_at_rested();
  static const char* judge(Source& source, Connection& connection, std::uint64_t received,
                           Instant now);
  void cut(int descriptor, std::uint64_t cookie, const std::string& reason);

  zmq::context_t& context_;
  io::Descriptor epoll_;
  io::Descriptor wake_;
  io::Descriptor spare_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Source> sources_;
  std::unordered_map<int, Connection> connections_;  // by descriptor
  std::multimap<Instant, int> resting_;              // when to look at them again

  std::atomic<std::uint64_t> failed_handshakes_ = 0;

  mutable std::mutex mutex_;  // of the rest, which several threads use
  std::vector<std::pair<std::uint64_t, Source>> to_watch_;
  std::vector<std::uint64_t> to_forget_;
  std::vector<std::pair<int, bool>> to_know_;
  carriers::Floods floods_;
  bool stop_ = false;

  std::thread thread_;
};

}  // namespace tidegate::zeromq
