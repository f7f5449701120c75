#include "peer/carriers/zeromq/curve.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <sodium.h>

#include "lib/base/must.hpp"
#include "peer/carriers/zeromq/sockets.hpp"

namespace tidegate::zeromq {
namespace {

constexpr const char* zap_endpoint = "inproc://zeromq.zap.01";  // RFC 27 (ZAP)
constexpr std::string_view zap_version = "1.0";
constexpr std::string_view domain = "tidegate";
// libzmq 4.3.4 has it, but names it among its drafts alone.
constexpr int zap_enforce_domain = 93;

zmq::const_buffer view(const keys::PublicKey& key) { return zmq::buffer(key.data(), key.size()); }

zmq::const_buffer view(const keys::Secret& secret) {
  return zmq::buffer(secret.bytes().data(), secret.bytes().size());
}

// The parts of a question: address and delimiter of the envelope, then as RFC 27 has them. CURVE
// adds a key.
enum Part : std::size_t { version = 2, request = 3, mechanism = 7, client_key = 8 };

std::string_view text(const zmq::message_t& part) {
  return {static_cast<const char*>(part.data()), part.size()};
}

bool may_enter(const std::vector<zmq::message_t>& question, const keys::Keyring& keyring) {
  if (question.size() <= Part::mechanism || text(question[Part::version]) != zap_version) {
    return false;
  }
  if (keyring.empty()) return text(question[Part::mechanism]) == "NULL";
  keys::PublicKey key{};
  if (question.size() != Part::client_key + 1 || text(question[Part::mechanism]) != "CURVE" ||
      question[Part::client_key].size() != key.size()) {
    return false;
  }
  const auto* bytes = static_cast<const std::uint8_t*>(question[Part::client_key].data());
  std::copy_n(bytes, key.size(), key.begin());
  return keyring.is_client(key);
}

}  // namespace

keys::Secret draw_secret() {
  keys::Secret secret;
  randombytes_buf(secret.buffer().data(), secret.buffer().size());
  return secret;
}

void make_curve_server(zmq::socket_t& socket, const keys::Secret& secret) {
  socket.set(zmq::sockopt::curve_server, true);
  socket.set(zmq::sockopt::curve_secretkey, view(secret));
  ask_doorkeeper(socket);
}

void ask_doorkeeper(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::zap_domain, domain);
  const int enforced = 1;
  TIDEGATE_MUST(zmq_setsockopt(socket.handle(), zap_enforce_domain, &enforced, sizeof enforced) ==
                0);
}

void make_curve_client(zmq::socket_t& socket, const keys::CurveKeys& client,
                       const keys::PublicKey& server) {
  socket.set(zmq::sockopt::curve_serverkey, view(server));
  socket.set(zmq::sockopt::curve_publickey, view(client.open));
  socket.set(zmq::sockopt::curve_secretkey, view(client.secret));
}

Doorkeeper::Doorkeeper(zmq::context_t& context, const keys::Keyring& keyring)
    : keyring_(keyring), socket_(context, zmq::socket_type::router) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.bind(zap_endpoint);
}

bool Doorkeeper::answer(int most) {
  for (int i = 0; i < most; ++i) {
    if (!answer_one()) return false;
  }
  return true;
}

bool Doorkeeper::answer_one() {
  std::vector<zmq::message_t> question;
  bool more = true;
  while (more) {
    zmq::message_t part;
    if (!uninterrupted([&] { return socket_.recv(part, zmq::recv_flags::dontwait); })) break;
    more = part.more();
    question.push_back(std::move(part));
  }
  if (question.empty()) return false;
  // It comes from libzmq itself, which never leaves these out.
  TIDEGATE_MUST(question.size() > Part::request);
  const bool member = may_enter(question, keyring_);
  if (!member) ++refused_;
  const std::array<std::string_view, 5> reply = {zap_version, text(question[Part::request]),
                                                 member ? "200" : "400",
                                                 member ? "OK" : "not a member", ""};
  const auto send = [this](std::string_view part, zmq::send_flags flags) {
    uninterrupted([&] { (void)socket_.send(zmq::buffer(part), flags); });
  };
  send(text(question[0]), zmq::send_flags::sndmore);
  send("", zmq::send_flags::sndmore);
  for (const auto part : reply) send(part, zmq::send_flags::sndmore);
  send("", zmq::send_flags::none);  // no metadata
  return true;
}

}  // namespace tidegate::zeromq
