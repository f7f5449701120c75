// How `tidegate doctor --pairs` asks a running peer: a Unix socket beside its status socket. To
// connect is to ask. The peer lets all members of the mesh test their ways to each other, and each
// client gets one JSON document some seconds later, and the end of the stream; nothing is read.
//
// Not an order over the publish socket: its courier would join for that, and be half met when the
// mesh is surveyed.
//
// Threads: that of the session.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "command/doors/door.hpp"
#include "peer/io/descriptor.hpp"
#include "peer/io/listener.hpp"
#include "peer/io/reactor.hpp"
#include "tidegate/peer.hpp"
#include "tidegate/result.hpp"

namespace tidegate::survey_socket {

// Beside the status socket at `path`.
[[nodiscard]] std::string path_beside(const std::string& path);

class SurveySocket final : public doors::Door {
 public:
  // Listens for this user and root. The peer outlives this.
  static Result<std::unique_ptr<SurveySocket>> open(const std::string& path, io::Reactor& reactor,
                                                    DrivenPeer& peer);

  void handle(const Incoming&) override {}
  void peer_leaves() override;

 private:
  struct Client {
    io::Descriptor socket;
    std::string rest;          // of the document; empty: there is none yet
    io::Reactor::Watch watch;  // before the socket goes
  };
  using Clients = std::list<Client>;

  SurveySocket(io::UnixListener listener, io::Reactor& reactor, DrivenPeer& peer);

  void accept_clients();
  void answer(const Survey& survey);
  void write(Clients::iterator client);

  io::Reactor& reactor_;
  DrivenPeer& peer_;
  Status status_;  // of the start, for what never changes
  io::UnixListener listener_;
  io::Reactor::Watch watch_;
  Clients clients_;  // the oldest first
  bool asked_ = false;
  // Gone with this: the peer may still answer then.
  std::shared_ptr<SurveySocket*> self_ = std::make_shared<SurveySocket*>(this);
};

}  // namespace tidegate::survey_socket
