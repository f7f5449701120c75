#include "tests/support/raw_curve.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include <sodium.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "tests/support/raw_zmtp.hpp"

namespace tidegate::testing {
namespace {

constexpr std::size_t nonce_bytes = crypto_box_NONCEBYTES;  // 24

keys::CurveKeys drawn_keys() {
  keys::Secret secret;
  randombytes_buf(secret.buffer().data(), secret.buffer().size());
  return keys::CurveKeys(secret);
}

std::string_view text(const keys::PublicKey& key) {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::string big_endian(std::uint64_t number) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(number >> static_cast<unsigned>(shift));
  }
  return bytes;
}

std::string box(std::string_view nonce, std::string_view plain, const keys::PublicKey& to,
                const keys::Secret& from) {
  if (nonce.size() != nonce_bytes) throw std::logic_error("a nonce has 24 bytes");
  std::vector<unsigned char> sealed(plain.size() + crypto_box_MACBYTES);
  if (crypto_box_easy(sealed.data(), raw(plain), plain.size(), raw(nonce), to.data(),
                      from.bytes().data()) != 0) {
    throw std::runtime_error("can't seal");
  }
  return {sealed.begin(), sealed.end()};
}

}  // namespace

RawCurve::RawCurve(std::uint16_t port, std::string_view socket_type, const keys::CurveKeys& client,
                   const keys::PublicKey& server)
    : socket_(connect_tcp(port)), own_(drawn_keys()) {
  const timeval patience{2, 0};
  for (const int option : {SO_SNDTIMEO, SO_RCVTIMEO}) {
    (void)::setsockopt(socket_.get(), SOL_SOCKET, option, &patience, sizeof patience);
  }
  if (!send(zmtp_greeting("CURVE") + hello(server))) throw std::runtime_error("no greeting");
  (void)receive(64);  // its greeting
  take_welcome(server);
  if (!send(initiate(socket_type, client, server))) throw std::runtime_error("no welcome");
  const auto head = receive(2);
  const auto ready = receive(static_cast<unsigned char>(head[1]));
  if (!ready.starts_with("\x05READY")) throw std::runtime_error("not let in");
}

std::string RawCurve::boxed(std::string_view purpose, std::string_view plain,
                            const keys::PublicKey& to) {
  const auto number = big_endian(++counter_);
  return number + box(std::string(purpose) + number, plain, to, own_.secret);
}

std::string RawCurve::hello(const keys::PublicKey& server) {
  std::string command("\x05HELLO\x01\0", 8);
  command.append(72, '\0').append(text(own_.open));
  return zmtp_command(command + boxed("CurveZMQHELLO---", std::string(64, '\0'), server));
}

void RawCurve::take_welcome(const keys::PublicKey& server) {
  constexpr std::size_t size = 168;
  const auto welcome = receive(2 + size).substr(2);
  if (!welcome.starts_with("\x07WELCOME")) throw std::runtime_error("no welcome");
  const auto nonce = "WELCOME-" + welcome.substr(8, 16);
  const auto sealed = welcome.substr(24);
  std::string plain(sealed.size() - crypto_box_MACBYTES, '\0');
  if (crypto_box_open_easy(reinterpret_cast<unsigned char*>(plain.data()), raw(sealed),
                           sealed.size(), raw(nonce), server.data(),
                           own_.secret.bytes().data()) != 0) {
    throw std::runtime_error("a welcome of another server");
  }
  std::copy_n(plain.begin(), servers_.size(), servers_.begin());
  cookie_ = plain.substr(servers_.size());
}

std::string RawCurve::initiate(std::string_view socket_type, const keys::CurveKeys& client,
                               const keys::PublicKey& server) {
  const std::string nonce = "VOUCH---" + std::string(16, '\x07');
  const auto vouch =
      box(nonce, std::string(text(own_.open)).append(text(server)), servers_, client.secret);
  auto plain = std::string(text(client.open)) + nonce.substr(8) + vouch;
  plain += zmtp_property("Socket-Type", socket_type);
  return zmtp_command("\x08INITIATE" + cookie_ + boxed("CurveZMQINITIATE", plain, servers_));
}

std::string RawCurve::sealed(Kind kind, std::string_view bytes) {
  const auto plain = std::string(1, static_cast<char>(kind)).append(bytes);
  return zmtp_frame("\x07MESSAGE" + boxed("CurveZMQMESSAGEC", plain, servers_));
}

bool RawCurve::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string RawCurve::receive(std::size_t size) const {
  std::string bytes(size, '\0');
  if (::recv(socket_.get(), bytes.data(), size, MSG_WAITALL) != static_cast<ssize_t>(size)) {
    throw std::runtime_error("the server says too little");
  }
  return bytes;
}

}  // namespace tidegate::testing
