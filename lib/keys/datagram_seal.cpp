#include "lib/keys/datagram_seal.hpp"

#include <algorithm>

#include <sodium.h>

#include "lib/base/big_endian.hpp"
#include "lib/base/must.hpp"

namespace tidegate::keys {
namespace {

// The numbers of what is derived from the secret of a path; never given to anything else.
enum class PathPurpose : std::uint8_t { frame = 1, ack = 2, wrapping = 3 };

constexpr const char* context = "tidegate";

static_assert(Secret::size == crypto_kdf_KEYBYTES &&
              Secret::size == crypto_stream_chacha20_ietf_KEYBYTES &&
              Secret::size == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(sizeof(Mark) == crypto_shorthash_siphashx24_BYTES);
static_assert(sizeof(WrappedKey::nonce) == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
static_assert(sizeof(WrappedKey::box) == Secret::size + crypto_aead_xchacha20poly1305_ietf_ABYTES);

Secret derived(const Secret& secret, PathPurpose purpose) {
  Secret result;
  const auto out = result.buffer();
  TIDEGATE_MUST(crypto_kdf_derive_from_key(out.data(), out.size(),
                                           static_cast<std::uint64_t>(purpose), context,
                                           secret.bytes().data()) == 0);
  return result;
}

// SipHash takes half of the key.
Mark mark_of(std::span<const std::uint8_t> bytes, const Secret& key) {
  static_assert(crypto_shorthash_siphashx24_KEYBYTES <= Secret::size);
  Mark mark{};
  TIDEGATE_MUST(crypto_shorthash_siphashx24(mark.data(), bytes.data(), bytes.size(),
                                            key.bytes().data()) == 0);
  return mark;
}

// The counter is the nonce of ChaCha20, so a frame is its own inverse.
void apply_stream(const Secret& key, std::uint64_t counter, const std::uint8_t* from,
                  std::uint8_t* to, std::size_t size) {
  std::array<std::uint8_t, crypto_stream_chacha20_ietf_NONCEBYTES> nonce{};
  base::put_big_endian(nonce.data() + nonce.size() - sizeof counter, counter);
  TIDEGATE_MUST(crypto_stream_chacha20_ietf_xor(to, from, size, nonce.data(), key.bytes().data()) ==
                0);
}

// All of a probe that its key is bound to.
using ProbeFacts = std::array<std::uint8_t, 8 + 8 + 4 + 4>;

ProbeFacts facts_of(std::uint64_t path, std::uint64_t number, std::uint32_t size,
                    std::uint32_t epoch) {
  ProbeFacts facts{};
  base::put_big_endian(facts.data(), path);
  base::put_big_endian(facts.data() + 8, number);
  base::put_big_endian(facts.data() + 16, size);
  base::put_big_endian(facts.data() + 20, epoch);
  return facts;
}

}  // namespace

Digest digest_of(const FrameLabel& label, std::span<const std::uint8_t> ciphertext) {
  std::array<std::uint8_t, sizeof label.epoch + sizeof label.counter> head{};
  base::put_big_endian(head.data(), label.epoch);
  base::put_big_endian(head.data() + sizeof label.epoch, label.counter);
  Digest digest{};
  crypto_generichash_state state;
  TIDEGATE_MUST(crypto_generichash_init(&state, nullptr, 0, digest.size()) == 0);
  TIDEGATE_MUST(crypto_generichash_update(&state, head.data(), head.size()) == 0);
  TIDEGATE_MUST(crypto_generichash_update(&state, ciphertext.data(), ciphertext.size()) == 0);
  TIDEGATE_MUST(crypto_generichash_final(&state, digest.data(), digest.size()) == 0);
  return digest;
}

void StreamSeal::renew(const Secret& drawn) {
  ++current_.epoch;
  current_.key = drawn;
}

StreamSeal::Sealed StreamSeal::seal(std::span<const std::uint8_t> frame,
                                    std::span<std::uint8_t> ciphertext) {
  TIDEGATE_MUST(frame.size() == ciphertext.size());
  const FrameLabel label{current_.epoch, ++counter_};
  apply_stream(current_.key, label.counter, frame.data(), ciphertext.data(), frame.size());
  return {label, digest_of(label, ciphertext)};
}

PathSeal::PathSeal(std::uint64_t path, const Secret& secret)
    : path_(path),
      frame_(derived(secret, PathPurpose::frame)),
      ack_(derived(secret, PathPurpose::ack)),
      wrapping_(derived(secret, PathPurpose::wrapping)) {}

Mark PathSeal::mark_frame(std::uint64_t number, const Digest& digest) const {
  std::array<std::uint8_t, sizeof path_ + sizeof number + sizeof digest> bytes{};
  base::put_big_endian(bytes.data(), path_);
  base::put_big_endian(bytes.data() + sizeof path_, number);
  std::copy(digest.begin(), digest.end(), bytes.begin() + sizeof path_ + sizeof number);
  return mark_of(bytes, frame_);
}

Mark PathSeal::mark_ack(std::span<const std::uint8_t> ack) const { return mark_of(ack, ack_); }

WrappedKey PathSeal::wrap(std::uint64_t number, std::uint32_t size, const EpochKey& key,
                          const WrappedKey::Nonce& drawn) const {
  WrappedKey wrapped{key.epoch, drawn, {}};
  const auto facts = facts_of(path_, number, size, key.epoch);
  TIDEGATE_MUST(crypto_aead_xchacha20poly1305_ietf_encrypt(
                    wrapped.box.data(), nullptr, key.key.bytes().data(), Secret::size, facts.data(),
                    facts.size(), nullptr, wrapped.nonce.data(), wrapping_.bytes().data()) == 0);
  return wrapped;
}

std::optional<EpochKey> PathSeal::unwrap(std::uint64_t number, std::uint32_t size,
                                         const WrappedKey& wrapped) const {
  std::optional<EpochKey> key(EpochKey{wrapped.epoch, {}});
  const auto facts = facts_of(path_, number, size, wrapped.epoch);
  const bool good =
      crypto_aead_xchacha20poly1305_ietf_decrypt(
          key->key.buffer().data(), nullptr, nullptr, wrapped.box.data(), wrapped.box.size(),
          facts.data(), facts.size(), wrapped.nonce.data(), wrapping_.bytes().data()) == 0;
  if (!good) return std::nullopt;
  return key;
}

bool same(const Mark& a, const Mark& b) { return sodium_memcmp(a.data(), b.data(), a.size()) == 0; }

bool StreamOpener::learn(std::uint64_t number, std::uint32_t size, const WrappedKey& wrapped) {
  const auto key = seal_.unwrap(number, size, wrapped);
  if (!key) return false;
  if (number > told_by_) {
    key_ = key;
    told_by_ = number;
  }
  return true;
}

StreamOpener::Opened StreamOpener::open(std::uint64_t number, const FrameLabel& label,
                                        const Mark& mark, std::span<std::uint8_t> bytes) const {
  if (!same(mark, seal_.mark_frame(number, digest_of(label, bytes)))) return Opened::forged;
  if (!key_ || key_->epoch != label.epoch) return Opened::unknown_key;
  apply_stream(key_->key, label.counter, bytes.data(), bytes.data(), bytes.size());
  return Opened::good;
}

}  // namespace tidegate::keys
