// A token is "tide1." and base64url without padding of these bytes; the number in front is the
// version of the list. A number is 7 bits a byte, the lowest first, all but the last with the high
// bit set.
//
//     1        kind of server
//     8        cluster, big-endian
//     number   offset
//     number   how far the change may lie before it: offset - after; 0: not known
//     number   of a timeline that is known by its number alone: the start of the server that has
//              told it, in microseconds since 1970; 0: not known
//     3 numbers for each timeline, oldest first: how much its number is above the one before, how
//              far behind that one it begins, and its promotion in microseconds since 1970
//     4        the first bytes of the unkeyed BLAKE2b, 32 bytes long, of all before
//
// Each position has one token, and each token is read in one way only.
//
// How many timelines. A timeline whose number, begin and promotion are known is the same one
// wherever it is met, and so is all that came before it: one such entry is enough to know that a
// server shows the change. Those before it tell two things more: that a server which has stayed on
// an older timeline, and has gone past the place where the position's history left it, will never
// show the change; and, where two histories have parted earlier, that a change behind that place is
// lost for sure. Without them the answers are more modest, never wrong: such a server is waited
// for, such a change is in doubt. So the latest four are kept, for servers that are up to three
// failovers behind; where no promotion among them is known, as many more as it takes to have one,
// eight at the most. Timelines that begin at or behind the offset are not on the way to it.
#include "tidegate/token.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <sodium.h>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "lib/base/utf8.hpp"
#include "lib/message/position_order.hpp"

namespace tidegate {
namespace {

constexpr std::string_view name = "tide";
constexpr std::string_view prefix = "tide1.";
constexpr int coding = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

constexpr std::size_t usual_timelines = 4;
constexpr std::size_t most_timelines = 8;

constexpr std::size_t checksum_bytes = 4;
constexpr std::size_t head_bytes = 9;
constexpr std::size_t number_bytes = 10;   // of one with 64 bits,
constexpr std::size_t moment_bytes = 9;    // and 63,
constexpr std::size_t timeline_bytes = 5;  // and 32
constexpr std::size_t most_bytes = head_bytes + 2 * number_bytes + 1 + checksum_bytes +
                                   most_timelines * (timeline_bytes + number_bytes + moment_bytes);
static_assert(longest_token == prefix.size() + (4 * most_bytes + 2) / 3);

using Bytes = std::vector<std::uint8_t>;

std::span<const HistoryEntry> latest(std::span<const HistoryEntry> way) {
  std::size_t count = 0;
  bool known = false;
  while (count < way.size() && (count < usual_timelines || !known) && count < most_timelines) {
    ++count;
    known = known || way[way.size() - count].promoted != 0;
  }
  return way.last(count);
}

void put_number(std::uint64_t number, Bytes& bytes) {
  for (; number > 0x7F; number >>= 7U) bytes.push_back(static_cast<std::uint8_t>(number | 0x80U));
  bytes.push_back(static_cast<std::uint8_t>(number));
}

std::array<std::uint8_t, checksum_bytes> checksum(std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, crypto_generichash_BYTES> whole{};
  TIDEGATE_MUST(
      crypto_generichash(whole.data(), whole.size(), bytes.data(), bytes.size(), nullptr, 0) == 0);
  std::array<std::uint8_t, checksum_bytes> sum{};
  std::copy_n(whole.begin(), sum.size(), sum.begin());
  return sum;
}

// Takes the fields off the front. After the first that is not there all are 0.
class Fields {
 public:
  explicit Fields(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint64_t fixed(std::size_t size) {
    std::uint64_t number = 0;
    for (; size > 0; --size) number = number << 8U | byte();
    return number;
  }

  std::uint64_t number(std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto next = byte();
      const std::uint64_t bits = next & 0x7FU;
      value |= bits << shift;
      if (bits << shift >> shift != bits) break;
      if ((next & 0x80U) != 0) continue;
      if (value > most || (next == 0 && shift > 0)) break;  // nothing is written longer than it is
      return value;
    }
    good_ = false;
    return 0;
  }

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

 private:
  std::uint8_t byte() {
    if (bytes_.empty()) good_ = false;
    if (!good_) return 0;
    const auto front = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return front;
  }

  std::span<const std::uint8_t> bytes_;
  bool good_ = true;
};

std::int64_t read_moment(Fields& fields) {
  return static_cast<std::int64_t>(
      fields.number(std::uint64_t{std::numeric_limits<std::int64_t>::max()}));
}

std::optional<History> read_history(Fields& fields) {
  std::vector<HistoryEntry> entries;
  HistoryEntry last;
  while (!fields.empty() && fields.good() && entries.size() < most_timelines) {
    last.number += static_cast<TimelineId>(
        fields.number(std::numeric_limits<TimelineId>::max() - last.number));
    last.begin += fields.number(std::numeric_limits<std::uint64_t>::max() - last.begin);
    last.promoted = read_moment(fields);
    entries.push_back(last);
  }
  auto history = History::of(std::move(entries));
  return history && fields.empty() && fields.good() ? std::optional(*history) : std::nullopt;
}

// nullopt unless to_token() could have made them.
std::optional<Position> read(std::span<const std::uint8_t> bytes) {
  Fields fields(bytes);
  const auto kind = static_cast<ServerKind>(fields.fixed(1));  // perhaps of a later version
  const ClusterId cluster = fields.fixed(8);
  const auto offset = fields.number();
  const auto span = fields.number();
  const auto started = read_moment(fields);
  auto history = read_history(fields);
  if (!history || kind == ServerKind{} || cluster == 0 || offset == 0 ||
      (span != 0 && span >= offset)) {
    return std::nullopt;
  }
  const Branch branch(kind, cluster, std::move(*history), started);
  if (branch.server_started() != started) return std::nullopt;
  Position position{branch, offset, span == 0 ? 0 : offset - span};
  const auto way = message::way_to(position);
  const bool shortest = latest(way).size() == position.history().entries().size();
  return shortest ? std::optional(position) : std::nullopt;
}

std::optional<Position> decode(std::string_view coded) {
  std::array<std::uint8_t, most_bytes> bytes{};
  std::size_t size = 0;
  if (!base::is_ascii(coded) ||
      sodium_base642bin(bytes.data(), bytes.size(), coded.data(), coded.size(), nullptr, &size,
                        nullptr, coding) != 0 ||
      size < checksum_bytes) {
    return std::nullopt;
  }
  const auto all = std::span(bytes).first(size);
  const auto content = all.first(size - checksum_bytes);
  const auto sum = checksum(content);
  if (!std::equal(sum.begin(), sum.end(), all.last(checksum_bytes).begin())) return std::nullopt;
  return read(content);
}

}  // namespace

std::string to_token(const Position& position) {
  if (!message::is_somewhere(position)) return {};
  Bytes bytes{static_cast<std::uint8_t>(position.kind())};
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::uint8_t>(position.cluster() >> shift));
  }
  put_number(position.offset, bytes);
  put_number(position.after == 0 ? 0 : position.offset - position.after, bytes);
  put_number(static_cast<std::uint64_t>(position.branch.server_started()), bytes);
  HistoryEntry before;
  for (const auto& entry : latest(message::way_to(position))) {
    put_number(entry.number - before.number, bytes);
    put_number(entry.begin - before.begin, bytes);
    put_number(static_cast<std::uint64_t>(entry.promoted), bytes);
    before = entry;
  }
  const auto sum = checksum(bytes);
  bytes.insert(bytes.end(), sum.begin(), sum.end());
  std::string token(prefix);
  token.resize(prefix.size() + sodium_base64_encoded_len(bytes.size(), coding));
  sodium_bin2base64(token.data() + prefix.size(), token.size() - prefix.size(), bytes.data(),
                    bytes.size(), coding);
  token.pop_back();  // the terminating zero
  return token;
}

Result<Position> parse_token(std::string_view token) {
  const auto quoted = "'" + std::string(token.substr(0, longest_token)) + "' ";
  if (!token.starts_with(prefix)) {
    const auto number = token.substr(std::min(name.size(), token.size()));
    const auto end = number.find_first_not_of("0123456789");
    const bool later = token.starts_with(name) && end != 0 && end < number.size() &&
                       number[end] == '.' && token.size() <= longest_token;
    return Error{later ? quoted + "is a token of another version; upgrade the older tidegate"
                       : quoted + "is no token; one begins with '" + std::string(prefix) + "'"};
  }
  const auto position =
      token.size() <= longest_token ? decode(token.substr(prefix.size())) : std::nullopt;
  if (!position) return Error{quoted + "is a token that was cut or changed; copy it anew"};
  return *position;
}

}  // namespace tidegate
