#include "lib/stomp/durable_records.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "lib/base/decimal.hpp"
#include "lib/base/limits.hpp"
#include "lib/stomp/destination.hpp"
#include "lib/stomp/message_id.hpp"

namespace tidegate::stomp {
namespace {

constexpr std::string_view head = "tidegate durable subscriptions 1";
constexpr std::size_t checksum_digits = 8;

// FNV-1a.
std::uint32_t checksum_of(std::string_view text) {
  std::uint32_t sum = 2166136261U;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 16777619U;
  return sum;
}

std::string in_hex(std::uint32_t sum) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text(checksum_digits, '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, sum >>= 4U) *at = digits[sum & 15U];
  return text;
}

void write_line(std::string& to, std::string_view record) {
  to.append(in_hex(checksum_of(record))).append(" ").append(record).append("\n");
}

// The record of a line without its end; nullopt: it is none.
std::optional<std::string_view> record_of(std::string_view line) {
  if (line.size() <= checksum_digits || line[checksum_digits] != ' ') return std::nullopt;
  const auto record = line.substr(checksum_digits + 1);
  if (line.substr(0, checksum_digits) != in_hex(checksum_of(record))) return std::nullopt;
  return record;
}

std::string escaped(std::string_view text) {
  std::string written;
  for (const char c : text) {
    if (c == '\\' || c == '\n') written += '\\';
    written += c == '\n' ? 'n' : c;
  }
  return written;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string read;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      read += text[at];
    } else if (++at < text.size() && (text[at] == '\\' || text[at] == 'n')) {
      read += text[at] == 'n' ? '\n' : '\\';
    } else {
      return std::nullopt;
    }
  }
  return read;
}

std::string words(std::string_view kind, std::uint64_t subscription, const Origin& stream) {
  return std::string(kind) + ' ' + std::to_string(subscription) + ' ' + to_string(stream.peer) +
         '-' + std::to_string(stream.incarnation);
}

std::string_view take_word(std::string_view& rest) {
  const auto end = std::min(rest.find(' '), rest.size());
  const auto word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

std::optional<std::uint64_t> take_count(std::string_view& rest) {
  const auto number = base::parse_number<std::uint64_t>(take_word(rest));
  const bool counts =
      number && *number != 0 && *number != std::numeric_limits<std::uint64_t>::max();
  return counts ? number : std::nullopt;
}

// Reads the records into an image. False: that one makes no sense here.
class Reader {
 public:
  [[nodiscard]] bool read(std::string_view rest) {
    const auto kind = take_word(rest);
    const auto number = take_count(rest);
    if (!number) return false;
    if (kind == "subscription") return begin(*number, rest);
    const auto found = image.subscriptions.find(*number);
    if (found == image.subscriptions.end()) return false;
    const auto id = message_id_from(std::string(take_word(rest)) + "-1");
    if (!id) return false;
    auto& streams = found->second.streams;
    if (kind == "forget") return rest.empty() && streams.erase(id->origin) == 1;
    if (kind == "publisher") return name(streams[id->origin], rest);
    const auto stream = streams.find(id->origin);
    return stream != streams.end() && move(kind, stream->second, rest);
  }

  DurableImage image;

 private:
  [[nodiscard]] bool begin(std::uint64_t number, std::string_view rest) {
    const auto name = take_word(rest);
    const auto destination = unescaped(rest);
    const bool known = std::any_of(image.subscriptions.begin(), image.subscriptions.end(),
                                   [&](const auto& other) { return other.second.name == name; });
    if (known || wrong_durable_name(name) || !destination || !filter_of(*destination)) return false;
    if (image.subscriptions.size() == base::limits::stomp_durable) return false;
    return image.subscriptions
        .try_emplace(number, DurableImage::Subscription{std::string(name), *destination, {}})
        .second;
  }

  [[nodiscard]] static bool name(DurableImage::Stream& stream, std::string_view rest) {
    auto name = unescaped(rest);
    if (name) stream.publisher = std::move(*name);
    return name.has_value();
  }

  [[nodiscard]] static bool move(std::string_view kind, DurableImage::Stream& stream,
                                 std::string_view rest) {
    const auto first = take_count(rest);
    if (kind == "sent" && first && rest.empty()) {
      stream.sent = std::max(stream.sent, *first);
      return true;
    }
    const auto last = take_count(rest);
    if (kind != "settled" || !first || !last || *last < *first || !rest.empty()) return false;
    stream.settled.settle({*first, *last});
    return true;
  }
};

// A line with its end is taken off; nullopt: the rest has no end.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

bool has_record(std::string_view rest) {
  while (const auto line = take_line(rest)) {
    if (record_of(*line)) return true;
  }
  return false;
}

}  // namespace

std::optional<Error> wrong_durable_name(std::string_view name) {
  if (name.empty() || name.size() > base::limits::stomp_durable_name_bytes) {
    return Error{"the name of a durable subscription has 1 to " +
                 std::to_string(base::limits::stomp_durable_name_bytes) + " characters"};
  }
  if (std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; })) {
    return std::nullopt;
  }
  return Error{"the name of a durable subscription is made of printable ASCII without blanks"};
}

Result<DurableImage> read_durable(std::string_view text) {
  Reader reader;
  auto rest = text;
  for (std::uint64_t number = 1; !rest.empty(); ++number) {
    const auto before = rest;
    const auto line = take_line(rest);
    const auto record = line ? record_of(*line) : std::nullopt;
    const auto where = "line " + std::to_string(number) + " ";
    if (number == 1 && record != head) return Error{where + "does not begin such a file"};
    if (number == 1) continue;
    if (!record && line && has_record(rest)) return Error{where + "is damaged"};
    if (!record) {
      reader.image.torn = before.size();
      break;
    }
    if (!reader.read(*record)) return Error{where + "makes no sense behind those before"};
  }
  return std::move(reader.image);
}

void write_durable(std::string& to, const DurableImage& image) {
  write_line(to, head);
  for (const auto& [number, subscription] : image.subscriptions) {
    write_line(to, "subscription " + std::to_string(number) + ' ' + subscription.name + ' ' +
                       escaped(subscription.destination));
    for (const auto& [origin, stream] : subscription.streams) {
      write_publisher(to, number, origin, stream.publisher);
      const auto next = stream.settled.next();
      if (next > 1) write_settled(to, number, origin, {1, next - 1});
      for (const auto& range : stream.settled.above()) write_settled(to, number, origin, range);
      if (stream.sent > 0) write_sent(to, number, origin, stream.sent);
    }
  }
}

void write_publisher(std::string& to, std::uint64_t subscription, const Origin& stream,
                     std::string_view name) {
  write_line(to, words("publisher", subscription, stream) + ' ' + escaped(name));
}

void write_settled(std::string& to, std::uint64_t subscription, const Origin& stream,
                   Settled::Range range) {
  write_line(to, words("settled", subscription, stream) + ' ' + std::to_string(range.first) + ' ' +
                     std::to_string(range.last));
}

void write_sent(std::string& to, std::uint64_t subscription, const Origin& stream,
                std::uint64_t sequence) {
  write_line(to, words("sent", subscription, stream) + ' ' + std::to_string(sequence));
}

void write_forget(std::string& to, std::uint64_t subscription, const Origin& stream) {
  write_line(to, words("forget", subscription, stream));
}

}  // namespace tidegate::stomp
