// A system that carries one message to many processes, as its users would use it: tidegate, and
// what they would pick instead. One file for each in carriers/.
//
// A run has one process that sends and N that receive. All systems get the same messages at the
// same times; how each is used well (pipelining, buffers, options) is its carrier's own business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tidegate/time.hpp"

namespace tidegate::bench {

// Every function throws std::runtime_error with what went wrong; a run that failed is reported and
// has no figures.
class Sender {
 public:
  Sender() = default;
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  virtual ~Sender() = default;

  // Returns when all the receivers of the run will get what is sent from now on. Those behind a
  // server have said so themselves before the sender is started: nothing to do then.
  virtual void wait_for(std::size_t receivers, Duration bound) {
    static_cast<void>(receivers), static_cast<void>(bound);
  }
  // Takes one message, waiting only while the system takes no more. It may stay in a buffer ...
  virtual void send(std::string_view payload) = 0;
  // ... until this, which is called whenever nothing more is to be sent at once.
  virtual void flush() {}
  // Does what the system wants done while nothing is sent, and returns at `until`, not earlier.
  virtual void rest(Instant until);
  // To a database, so far.
  [[nodiscard]] virtual std::uint64_t queries() { return 0; }
};

class Receiver {
 public:
  Receiver() = default;
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  virtual ~Receiver() = default;

  // Hands what arrives to `take`, message by message, and returns after at least one of them or at
  // about `until`. The constructor has subscribed: behind a server, it is confirmed.
  virtual void receive(Instant until, const std::function<void(std::string_view)>& take) = 0;
};

// The server that a carrier needs; ends with this object.
class Broker {
 public:
  Broker() = default;
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  virtual ~Broker() = default;

  // For sender() and receiver(), in other processes.
  [[nodiscard]] virtual std::string address() const = 0;
};

struct Carrier {
  std::string name;   // on the command line
  std::string title;  // in tables
  // Why it can't take part: "redis-server is not installed (apt-get install redis-server)"; "": it
  // can.
  std::function<std::string()> missing;
  // Starts its server, privately, on loopback, with what it writes in `directory`; returns when it
  // answers. Without a server: an address that no other run uses.
  std::function<std::unique_ptr<Broker>(const std::filesystem::path& directory)> start;
  // The same for Unix sockets in place of TCP; empty: it has none here.
  std::function<std::unique_ptr<Broker>()> start_ipc = {};
  std::function<std::unique_ptr<Sender>(const std::string& address)> sender;
  std::function<std::unique_ptr<Receiver>(const std::string& address)> receiver;
  // No system, but what the kernel needs at least: paced runs alone, since nothing repairs a loss.
  bool floor = false;
};

// Each is made in its own file, but for the floors.
Carrier tidegate_caller();       // the loop is driven by the application
Carrier tidegate_thread();       // the loop has a thread of its own
Carrier tidegate_key();          // driven, and encrypted
Carrier tidegate_connections();  // driven, without datagrams
Carrier tidegate_door();         // as a client of a peer beside it
Carrier libzmq();
Carrier nats();
Carrier redis();
Carrier rabbitmq();
Carrier mosquitto();
Carrier postgres_notify();
Carrier tcp_floor();
Carrier udp_floor();
Carrier multicast_floor();

// In the order of the tables.
[[nodiscard]] const std::vector<Carrier>& carriers();
// nullptr: there is none of that name.
[[nodiscard]] const Carrier* find_carrier(const std::string& name);

}  // namespace tidegate::bench
