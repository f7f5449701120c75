#include "demo/report.hpp"

#include <sstream>

#include <unistd.h>

namespace tidegate::demo {
namespace {

// The text is the rest of the line, so it may hold blanks but no newline.
std::string one_line(std::string text) {
  for (auto& character : text) {
    if (character == '\n') character = ' ';
  }
  return text;
}

std::int64_t number(Instant instant) { return instant.time_since_epoch().count(); }

struct Writer {
  std::ostringstream& out;

  void operator()(const Started& r) const { out << "started " << number(r.at); }
  void operator()(const Met& r) const { out << "met " << number(r.at) << ' ' << r.name; }
  void operator()(const Committed& r) const { out << "committed " << number(r.at) << ' ' << r.row; }
  void operator()(const Delivered& r) const {
    out << "delivered " << number(r.at) << ' ' << r.row << ' ' << r.held.count() << ' '
        << r.lsn.bytes << ' ' << r.readable;
  }
  void operator()(const Lost& r) const { out << "lost " << r.count << ' ' << one_line(r.why); }
  void operator()(const Noted& r) const { out << "noted " << one_line(r.what); }
  void operator()(const Failed& r) const { out << "failed " << one_line(r.what); }
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
  Instant instant() { return Instant(Duration(take<std::int64_t>())); }
  std::string rest() {
    std::string text;
    std::getline(words_ >> std::ws, text);
    return text;
  }
  [[nodiscard]] bool good() const { return !words_.fail(); }

 private:
  std::istringstream words_;
};

std::optional<Report> read(const std::string& kind, Fields& fields) {
  // Braces: the fields are taken from left to right.
  if (kind == "started") return Started{fields.instant()};
  if (kind == "met") return Met{fields.instant(), fields.rest()};
  if (kind == "committed") return Committed{fields.instant(), fields.take<int>()};
  if (kind == "delivered") {
    return Delivered{fields.instant(), fields.take<int>(), Duration(fields.take<std::int64_t>()),
                     Lsn{fields.take<std::uint64_t>()}, fields.take<bool>()};
  }
  if (kind == "lost") return Lost{fields.take<std::uint64_t>(), fields.rest()};
  if (kind == "noted") return Noted{fields.rest()};
  if (kind == "failed") return Failed{fields.rest()};
  return std::nullopt;
}

}  // namespace

void tell(const Report& report) {
  std::ostringstream out;
  std::visit(Writer{out}, report);
  out << '\n';
  const auto line = out.str();
  // Nobody listens any more: then the stage is gone, and so are we in a moment.
  [[maybe_unused]] const auto ignored = ::write(STDOUT_FILENO, line.data(), line.size());
}

std::optional<Report> parse_report(std::string_view line) {
  Fields fields(line);
  const auto kind = fields.take<std::string>();
  auto report = read(kind, fields);
  if (!fields.good()) return std::nullopt;
  return report;
}

}  // namespace tidegate::demo
