// How datagrams of a stream are closed to strangers, in a mesh that has a key.
//
// A frame goes to many readers, and is encrypted and hashed once for all of them. Each reader gets
// a mark beside it: a short MAC over the number of the datagram on its way and the hash, with a key
// that it shares with the publisher alone. So no reader can make what another one takes, which a
// key of the whole group could not prevent.
//
//     stream key     drawn by the publisher; ChaCha20 with a counter that is never used again
//     digest         BLAKE2b-256 over epoch, counter and ciphertext
//     path secret    drawn by the reader; three keys are derived from it
//       frame        SipHash-2-4, 128 bits, over path, number and digest
//       ack          SipHash-2-4, 128 bits, over the acknowledgement
//       wrapping     XChaCha20-Poly1305: the stream key on its way to this reader, in a probe
//
// A new stream key begins an epoch, which each frame names: in four bytes, so that none has the
// name of one that a reader may still know. Whether a datagram comes again is not looked at here:
// see replay_window.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "lib/keys/secret.hpp"

namespace tidegate::keys {

using Digest = std::array<std::uint8_t, 32>;
using Mark = std::array<std::uint8_t, 16>;

// The key by which the frames of one epoch are read.
struct EpochKey {
  std::uint32_t epoch = 0;
  Secret key;
};

// In the open beside each frame.
struct FrameLabel {
  std::uint32_t epoch = 0;
  std::uint64_t counter = 0;
  friend bool operator==(const FrameLabel&, const FrameLabel&) = default;
};

[[nodiscard]] Digest digest_of(const FrameLabel& label, std::span<const std::uint8_t> ciphertext);

// The publisher's end of all its paths.
class StreamSeal {
 public:
  explicit StreamSeal(const Secret& drawn) { current_.key = drawn; }

  // Frames have another key from now on, which nobody knows yet.
  void renew(const Secret& drawn);
  [[nodiscard]] const EpochKey& current() const { return current_; }

  struct Sealed {
    FrameLabel label;
    Digest digest;
  };
  // As much ciphertext as there is of the frame.
  [[nodiscard]] Sealed seal(std::span<const std::uint8_t> frame,
                            std::span<std::uint8_t> ciphertext);

 private:
  EpochKey current_;
  std::uint64_t counter_ = 0;  // of the last frame; goes on through all epochs
};

// A stream key on its way.
struct WrappedKey {
  using Nonce = std::array<std::uint8_t, 24>;
  std::uint32_t epoch = 0;
  Nonce nonce{};
  std::array<std::uint8_t, Secret::size + 16> box{};
};

// Both ends of one path do this to its datagrams.
class PathSeal {
 public:
  PathSeal(std::uint64_t path, const Secret& secret);

  [[nodiscard]] Mark mark_frame(std::uint64_t number, const Digest& digest) const;

  // The acknowledgement as it is sent, with path and number in it.
  [[nodiscard]] Mark mark_ack(std::span<const std::uint8_t> ack) const;

  // For a probe with this number and of this size. The nonce is drawn: it is long enough for that,
  // so nothing rests on the numbers of a path being used once.
  [[nodiscard]] WrappedKey wrap(std::uint64_t number, std::uint32_t size, const EpochKey& key,
                                const WrappedKey::Nonce& drawn) const;
  // Nothing: it is not the publisher's, or was that of another probe.
  [[nodiscard]] std::optional<EpochKey> unwrap(std::uint64_t number, std::uint32_t size,
                                               const WrappedKey& wrapped) const;

 private:
  std::uint64_t path_;
  Secret frame_;
  Secret ack_;
  Secret wrapping_;
};

[[nodiscard]] bool same(const Mark& a, const Mark& b);

// A reader's end of one path.
class StreamOpener {
 public:
  explicit StreamOpener(PathSeal seal) : seal_(std::move(seal)) {}

  [[nodiscard]] const PathSeal& seal() const { return seal_; }

  // A probe. Its key counts if no later probe has told one. False: it is not the publisher's.
  [[nodiscard]] bool learn(std::uint64_t number, std::uint32_t size, const WrappedKey& wrapped);

  enum class Opened : std::uint8_t {
    good,         // the bytes are the frame
    unknown_key,  // the publisher's, and of an epoch whose key is not known, or not any more
    forged,
  };
  // In place.
  [[nodiscard]] Opened open(std::uint64_t number, const FrameLabel& label, const Mark& mark,
                            std::span<std::uint8_t> bytes) const;

 private:
  PathSeal seal_;
  std::uint64_t told_by_ = 0;  // the number of that probe
  std::optional<EpochKey> key_;
};

}  // namespace tidegate::keys
