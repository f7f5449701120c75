// The door of commands that live for a moment (`tidegate pub`): they hand their message to a peer
// that runs on this host instead of joining, which would cost every member of the mesh a row in its
// roster, two lines in its log, and them the time of meeting everybody.
//
// A client writes the lines of a publisher (docs/json.md) and is answered as one, and before that
// it is told how many peers are ready, again when that changes.
//
// An order (`tidegate trust`, `tidegate keys reload`) or a question (`tidegate wait`) is one of
// those lines too, and is for the peer that runs here: it is taken also while no courier can be
// started.
//
// The messages go out by a peer of their own, the courier, since a peer does not receive what it
// publishes itself, and the application of this one should. It joins for the first client and
// leaves when there has been none for a while. Threads: that of the session.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "command/doors/door.hpp"
#include "command/doors/json_lines/output.hpp"
#include "command/doors/json_lines/publish_input.hpp"
#include "command/doors/orders.hpp"
#include "command/settle.hpp"
#include "peer/io/descriptor.hpp"
#include "peer/io/listener.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/peer.hpp"
#include "tidegate/result.hpp"

namespace tidegate::publish_socket {

// Beside the status socket at `path`.
[[nodiscard]] std::string path_beside(const std::string& path);

class PublishSocket final : public doors::Door {
 public:
  // Listens for this user and root. `orders` are for the peer that runs here, and outlive this;
  // `options` are that peer's, with its name.
  static Result<std::unique_ptr<PublishSocket>> open(const std::string& path, io::Reactor& reactor,
                                                     doors::Orders& orders, const Options& options);

  // The courier follows the peer.
  void trust_primary();
  void reload_keys();

  void handle(const Incoming& incoming) override;  // the peer's; the courier's are taken here
  void peer_has_turned() override;
  void peer_leaves() override;

 private:
  struct Client {
    Client(io::Descriptor the_socket, io::Descriptor the_same, io::Reactor& reactor,
           std::size_t payload_bytes)
        : socket(std::move(the_socket)),
          writing(std::move(the_same)),
          output(writing.get(), reactor),
          input(socket.get(), payload_bytes, nullptr, nullptr) {}

    io::Descriptor socket;
    io::Descriptor writing;  // the same: a reactor watches a descriptor for one purpose only
    json_lines::Output output;
    json_lines::PublishInput input;
    io::Reactor::Watch watch;
    std::string told;     // the last word about the peers that are ready
    bool paused = false;  // until it has read its answers
  };
  using Clients = std::list<Client>;

  PublishSocket(io::UnixListener listener, io::Reactor& reactor, doors::Orders& orders,
                const Options& options);

  void accept_client();
  void start_courier(Client& client);
  void run_courier();
  void take_answers();
  [[nodiscard]] std::string peers_line();
  void serve_clients();
  void serve(Client& client, const std::string& peers);
  void rest();

  io::Reactor& reactor_;
  doors::Orders& orders_;
  Options options_;  // of the courier
  io::UnixListener listener_;
  io::Reactor::Watch listen_watch_;
  io::Reactor::Timer idle_;
  Clients clients_;
  std::unique_ptr<DrivenPeer> courier_;
  io::Reactor::Watch courier_watch_;
  std::optional<command::Settling> settling_;
  bool settled_ = false;
  io::Reactor::Timer settles_;
};

}  // namespace tidegate::publish_socket
