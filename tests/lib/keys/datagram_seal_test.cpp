#include "lib/keys/datagram_seal.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/lib/keys/sample_key.hpp"

using namespace tidegate;
using namespace tidegate::keys;
using testing::sample_key;

namespace {

using Bytes = std::vector<std::uint8_t>;
using Opened = StreamOpener::Opened;

constexpr std::uint64_t path = 0x0102030405060708;
const Bytes frame = {'a', ' ', 'f', 'r', 'a', 'm', 'e', 0, 255, 7};

// A frame as it comes to one reader.
struct Arrived {
  std::uint64_t number = 1;
  FrameLabel label;
  Mark mark{};
  Bytes bytes;

  // The frame; nothing of one that is not opened.
  [[nodiscard]] Bytes read_by(const StreamOpener& opener) const {
    auto copy = bytes;
    return opener.open(number, label, mark, copy) == Opened::good ? copy : Bytes();
  }
};

Arrived arrived(StreamSeal& stream, const PathSeal& to, std::uint64_t number,
                const Bytes& bytes = frame) {
  Arrived result{number, {}, {}, Bytes(bytes.size())};
  const auto sealed = stream.seal(bytes, result.bytes);
  result.label = sealed.label;
  result.mark = to.mark_frame(number, sealed.digest);
  return result;
}

// A reader that has been told the key by probe 1.
StreamOpener told(const PathSeal& seal, const StreamSeal& stream) {
  StreamOpener opener(seal);
  REQUIRE(opener.learn(1, 548, seal.wrap(1, 548, stream.current(), {9})));
  return opener;
}

}  // namespace

TEST_CASE("each reader opens a frame that was sealed once for all") {
  StreamSeal stream(sample_key(1));
  const PathSeal one(path, sample_key(2));
  const PathSeal other(path + 1, sample_key(3));
  auto to_one = arrived(stream, one, 2);
  CHECK(to_one.bytes != frame);
  auto to_other = to_one;
  to_other.mark = other.mark_frame(7, digest_of(to_one.label, to_one.bytes));
  to_other.number = 7;
  CHECK(to_one.read_by(told(one, stream)) == frame);
  CHECK(to_other.read_by(told(other, stream)) == frame);
}

TEST_CASE("a frame with a bit flipped anywhere is refused") {
  StreamSeal stream(sample_key(1));
  const PathSeal seal(path, sample_key(2));
  const auto opener = told(seal, stream);
  const auto good = arrived(stream, seal, 2);
  for (unsigned bit = 0; bit < 64; ++bit) {
    auto bad = good;
    bad.number ^= std::uint64_t{1} << bit;
    CHECK(opener.open(bad.number, bad.label, bad.mark, bad.bytes) == Opened::forged);
    bad = good;
    bad.label.counter ^= std::uint64_t{1} << bit;
    CHECK(opener.open(bad.number, bad.label, bad.mark, bad.bytes) == Opened::forged);
    bad = good;
    bad.label.epoch ^= 1U << bit % 32;
    CHECK(opener.open(bad.number, bad.label, bad.mark, bad.bytes) == Opened::forged);
  }
  for (unsigned bit = 0; bit < 8 * sizeof(Mark); ++bit) {
    auto bad = good;
    bad.mark[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    CHECK(opener.open(bad.number, bad.label, bad.mark, bad.bytes) == Opened::forged);
  }
  for (unsigned bit = 0; bit < 8 * frame.size(); ++bit) {
    auto bad = good;
    bad.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    CHECK(opener.open(bad.number, bad.label, bad.mark, bad.bytes) == Opened::forged);
  }
  auto shorter = good;
  shorter.bytes.pop_back();
  CHECK(shorter.read_by(opener).empty());
  CHECK(good.read_by(opener) == frame);
}

TEST_CASE("what was made for one path counts on no other") {
  StreamSeal stream(sample_key(1));
  const PathSeal one(path, sample_key(2));
  const PathSeal other_path(path + 1, sample_key(2));
  const PathSeal other_secret(path, sample_key(3));
  const auto to_one = arrived(stream, one, 2);
  CHECK(to_one.read_by(told(one, stream)) == frame);
  CHECK(to_one.read_by(told(other_path, stream)).empty());
  CHECK(to_one.read_by(told(other_secret, stream)).empty());
}

TEST_CASE("a reader that knows the stream's key and its own can't speak to another reader") {
  StreamSeal stream(sample_key(1));
  const PathSeal victim(path, sample_key(2));
  const auto opener = told(victim, stream);
  StreamSeal forger(stream.current().key);  // as every reader has it
  CHECK(arrived(forger, PathSeal(path, sample_key(3)), 2).read_by(opener).empty());
}

TEST_CASE("frame and acknowledgement have marks by different keys, both ways and on all paths") {
  const PathSeal seal(path, sample_key(2));
  const PathSeal other(path, sample_key(3));
  Digest digest{};
  Bytes same_bytes(16 + digest.size());
  for (std::size_t at = 0; at < 8; ++at) {
    same_bytes[at] = static_cast<std::uint8_t>(path >> (56 - 8 * at));
  }
  same_bytes[15] = 5;
  CHECK(seal.mark_frame(5, digest) != seal.mark_ack(same_bytes));
  CHECK(seal.mark_ack(same_bytes) != other.mark_ack(same_bytes));
  CHECK(keys::same(seal.mark_ack(same_bytes), PathSeal(path, sample_key(2)).mark_ack(same_bytes)));
  for (auto& byte : same_bytes) {
    const auto before = seal.mark_ack(same_bytes);
    byte ^= 1U;
    CHECK_FALSE(keys::same(before, seal.mark_ack(same_bytes)));
  }
}

TEST_CASE("a counter is never used again, not with another key either") {
  StreamSeal stream(sample_key(1));
  std::set<std::uint64_t> counters;
  std::set<std::uint32_t> epochs;
  Bytes ciphertext(frame.size());
  for (std::uint8_t renewals = 0; renewals < 200; ++renewals) {
    for (int times = 0; times < 5; ++times) {
      const auto sealed = stream.seal(frame, ciphertext);
      CHECK(counters.insert(sealed.label.counter).second);
      CHECK(sealed.label.epoch == stream.current().epoch);
    }
    CHECK(epochs.insert(stream.current().epoch).second);
    stream.renew(sample_key(renewals));
  }
}

TEST_CASE("the same frame is never the same ciphertext") {
  StreamSeal stream(sample_key(1));
  std::set<Bytes> seen;
  for (int times = 0; times < 100; ++times) {
    Bytes ciphertext(frame.size());
    (void)stream.seal(frame, ciphertext);
    CHECK(seen.insert(ciphertext).second);
  }
}

TEST_CASE("frames of an epoch are read once a probe has told its key, and of no other") {
  StreamSeal stream(sample_key(1));
  const PathSeal seal(path, sample_key(2));
  auto opener = told(seal, stream);
  const auto old = arrived(stream, seal, 2);
  stream.renew(sample_key(5));
  auto fresh = arrived(stream, seal, 3);
  CHECK(opener.open(3, fresh.label, fresh.mark, fresh.bytes) == Opened::unknown_key);
  REQUIRE(opener.learn(4, 548, seal.wrap(4, 548, stream.current(), {1})));
  CHECK(fresh.read_by(opener) == frame);
  CHECK(old.read_by(opener).empty());
}

TEST_CASE("before the first probe nothing is read") {
  StreamSeal stream(sample_key(1));
  const PathSeal seal(path, sample_key(2));
  auto first = arrived(stream, seal, 1);
  CHECK(StreamOpener(seal).open(1, first.label, first.mark, first.bytes) == Opened::unknown_key);
}

TEST_CASE("a probe that comes late does not bring an old key back") {
  StreamSeal stream(sample_key(1));
  const PathSeal seal(path, sample_key(2));
  StreamOpener opener(seal);
  const auto late = seal.wrap(1, 548, stream.current(), {1});
  stream.renew(sample_key(5));
  REQUIRE(opener.learn(2, 548, seal.wrap(2, 548, stream.current(), {2})));
  CHECK(opener.learn(1, 548, late));
  CHECK(arrived(stream, seal, 3).read_by(opener) == frame);
}

TEST_CASE("a key comes only in the probe that it was wrapped for") {
  StreamSeal stream(sample_key(1));
  const PathSeal seal(path, sample_key(2));
  const auto wrapped = seal.wrap(7, 1232, stream.current(), {3});
  const auto key = seal.unwrap(7, 1232, wrapped);
  REQUIRE(key);
  CHECK(key->key == stream.current().key);
  CHECK(key->epoch == stream.current().epoch);
  CHECK_FALSE(seal.unwrap(8, 1232, wrapped));
  CHECK_FALSE(seal.unwrap(7, 1231, wrapped));
  CHECK_FALSE(PathSeal(path + 1, sample_key(2)).unwrap(7, 1232, wrapped));
  CHECK_FALSE(PathSeal(path, sample_key(3)).unwrap(7, 1232, wrapped));
  auto bad = wrapped;
  ++bad.epoch;
  CHECK_FALSE(seal.unwrap(7, 1232, bad));
  for (auto& byte : (bad = wrapped).box) {
    byte ^= 1U;
    CHECK_FALSE(seal.unwrap(7, 1232, bad));
    byte ^= 1U;
  }
  for (auto& byte : (bad = wrapped).nonce) {
    byte ^= 1U;
    CHECK_FALSE(seal.unwrap(7, 1232, bad));
    byte ^= 1U;
  }
  CHECK(seal.unwrap(7, 1232, bad));
}

TEST_CASE("other releases seal the same") {
  StreamSeal stream(sample_key(1));
  const PathSeal seal(path, sample_key(2));
  const auto one = arrived(stream, seal, 2);
  const auto text = [](const auto& bytes) {
    std::string digits;
    for (const auto byte : bytes) {
      digits += "0123456789abcdef"[byte >> 4U];
      digits += "0123456789abcdef"[byte & 15U];
    }
    return digits;
  };
  CHECK(text(one.bytes) == "2ed90e186e28d5c6dc1e");
  CHECK(text(one.mark) == "ddd66195e47d2aefd410b869f44e4892");
  CHECK(text(seal.mark_ack(frame)) == "bd9abf9d224afa602dbb0d744a073f81");
  CHECK(text(seal.wrap(1, 548, stream.current(), {9}).box) ==
        "3e4c12d826b177c9f393abcb090c438baf43050c795acfbc"
        "32732b51613348ff67a5e0fd1bfcfa362e2bd42f4bc7d271");
}
