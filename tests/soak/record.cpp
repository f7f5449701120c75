#include "tests/soak/record.hpp"

#include <sstream>

namespace tidegate::soak {
namespace {

std::string one_line(std::string text) {
  for (auto& character : text) {
    if (character == '\n') character = ' ';
  }
  return text;
}

struct Writer {
  std::ostringstream& out;

  void operator()(const Began& e) const { out << "began " << e.origin; }
  void operator()(const Announcing& e) const {
    out << "announcing " << e.number << ' ' << e.way << ' ' << e.row;
  }
  void operator()(const Answered& e) const {
    out << "answered " << e.number << ' ' << e.accepted << ' ' << e.straddled << ' ' << e.answer;
  }
  void operator()(const Withdrawn& e) const { out << "withdrawn " << e.number; }
  void operator()(const Met& e) const { out << "met " << e.origin; }
  void operator()(const Parted& e) const { out << "parted " << e.origin << ' ' << e.why; }
  void operator()(const Delivered& e) const {
    out << "delivered " << e.origin << ' ' << e.sequence << ' ' << e.number << ' ' << e.timeline
        << ' ' << e.lsn << ' ' << static_cast<int>(e.look) << ' ' << e.row << ' '
        << one_line(e.detail);
  }
  void operator()(const Reported& e) const {
    out << "reported " << e.origin << ' ' << e.first << ' ' << e.last << ' ' << e.why;
  }
  void operator()(const Noted& e) const { out << "noted " << one_line(e.what); }
  void operator()(const Standing& e) const {
    out << "standing " << e.ready << ' ' << e.held << ' ' << e.unsent << ' ' << e.missing << ' '
        << e.last_sequence << ' ' << e.memory_kib << ' ' << e.recovered << ' ' << e.requests << ' '
        << e.resent;
  }
  void operator()(const Ended&) const { out << "ended"; }
};

// Takes the fields of a line one after the other.
class Fields {
 public:
  explicit Fields(std::string_view line) : words_{std::string(line)} {}

  template <typename Value>
  Value take() {
    Value value{};
    words_ >> value;
    return value;
  }
  std::uint64_t number() { return take<std::uint64_t>(); }
  std::string word() { return take<std::string>(); }
  std::string rest() {
    std::string text;
    std::getline(words_ >> std::ws, text);
    return text;
  }
  [[nodiscard]] bool good() const { return !words_.fail(); }

 private:
  std::istringstream words_;
};

// Braces: the fields are taken from left to right.
std::optional<Event> read(const std::string& kind, Fields& fields) {
  if (kind == "began") return Began{fields.word()};
  if (kind == "announcing") return Announcing{fields.number(), fields.word(), fields.word()};
  if (kind == "answered") {
    return Answered{fields.number(), fields.take<bool>(), fields.take<bool>(), fields.word()};
  }
  if (kind == "withdrawn") return Withdrawn{fields.number()};
  if (kind == "met") return Met{fields.word()};
  if (kind == "parted") return Parted{fields.word(), fields.word()};
  if (kind == "delivered") {
    return Delivered{fields.word(),   fields.number(),
                     fields.number(), fields.take<std::uint32_t>(),
                     fields.number(), static_cast<Look>(fields.take<int>()),
                     fields.word(),   fields.rest()};
  }
  if (kind == "reported") {
    return Reported{fields.word(), fields.number(), fields.number(), fields.word()};
  }
  if (kind == "noted") return Noted{fields.rest()};
  if (kind == "standing") {
    return Standing{fields.number(), fields.number(), fields.number(),
                    fields.number(), fields.number(), fields.number(),
                    fields.number(), fields.number(), fields.number()};
  }
  if (kind == "ended") return Ended{};
  return std::nullopt;
}

}  // namespace

std::string origin_word(const Origin& origin) {
  return to_string(origin.peer) + ":" + std::to_string(origin.incarnation);
}

std::string to_line(const Record& record) {
  std::ostringstream out;
  out << record.at.time_since_epoch().count() << ' ';
  std::visit(Writer{out}, record.event);
  out << '\n';
  return out.str();
}

std::optional<Record> parse_record(std::string_view line) {
  Fields fields(line);
  const Instant at{Duration(fields.take<std::int64_t>())};
  const auto kind = fields.word();
  auto event = read(kind, fields);
  if (!event || !fields.good()) return std::nullopt;
  return Record{at, std::move(*event)};
}

}  // namespace tidegate::soak
