// TLS in front of a door or of the HTTP server: the client speaks TLS to the network thread, and
// the other side has one end of a pair of sockets with the plain bytes. A connection that shakes
// hands, or does not, is its client from the start, so all its bounds hold: their number, and the
// time until CONNECT, or the request.
//
// TLS 1.2 and 1.3 by OpenSSL through Asio, which HTTP is there for, too. Clients show no
// certificate of theirs: they have a login, or a token.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "command/doors/network_thread.hpp"
#include "peer/io/descriptor.hpp"
#include "tidegate/result.hpp"

namespace boost::asio::ssl {
class context;
}

namespace tidegate::tls {

// Files of PEM: the certificate with those between it and its root; its private key, which nobody
// else may read.
struct Certificate {
  std::string chain_file;
  std::string key_file;
};

class Terminator {
 public:
  // An error names the setting and the file. The thread outlives it.
  static Result<std::unique_ptr<Terminator>> open(Certificate certificate,
                                                  doors::NetworkThread& thread);

  // Reads the files again: for connections from now on. An error: they keep what they had.
  std::optional<Error> reload();

  // The plain end of a connection; `failed` is called, in the thread of the session, when there is
  // no handshake. An empty descriptor: there is none left. From any thread.
  [[nodiscard]] io::Descriptor terminate(const io::Descriptor& socket,
                                         std::function<void(const std::string& why)> failed);

 private:
  using Context = std::shared_ptr<boost::asio::ssl::context>;
  Terminator(Certificate certificate, Context context, doors::NetworkThread& thread)
      : certificate_(std::move(certificate)), context_(std::move(context)), thread_(thread) {}

  static Result<Context> read(const Certificate& certificate);

  Certificate certificate_;
  std::mutex mutex_;  // of what follows
  Context context_;
  doors::NetworkThread& thread_;
};

}  // namespace tidegate::tls
