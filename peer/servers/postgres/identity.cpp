#include "peer/servers/postgres/identity.hpp"

#include <algorithm>
#include <ctime>
#include <optional>

namespace tidegate::postgres {
namespace {

constexpr std::int64_t microseconds_a_second = 1'000'000;

// "1700000000.000001", as the server writes the seconds since 1970.
std::optional<std::int64_t> microseconds(const std::string& seconds) {
  constexpr std::size_t decimals = 6;
  const auto point = seconds.find('.');
  if (point == std::string::npos || seconds.size() != point + 1 + decimals) return std::nullopt;
  auto digits = seconds;
  digits.erase(point, 1);
  return base::parse_number<std::int64_t>(digits);
}

// NULL is 0, a time that is not told.
bool read_time(const std::optional<std::string>& cell, std::int64_t& time) {
  const auto read = cell ? microseconds(*cell) : std::optional<std::int64_t>(0);
  time = read.value_or(time);
  return read.has_value();
}

std::string text_of_start(const Identity& identity) {
  const std::time_t seconds = identity.started / microseconds_a_second;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

}  // namespace

bool same_life(const Identity& one, const Identity& other) {
  if (one.started != other.started) return false;
  for (std::size_t kind = 0; kind < one.counted_since.size(); ++kind) {
    const auto since = one.counted_since[kind];
    if (since != 0 && since == other.counted_since[kind]) return true;
  }
  return false;
}

Result<Identity> take_identity(std::vector<SqlRow>& rows) {
  Identity identity;
  const auto columns = 1 + identity.counted_since.size();
  bool read = !rows.empty() && std::all_of(rows.begin(), rows.end(),
                                           [&](const auto& row) { return row.size() >= columns; });
  if (read) {
    auto cell = rows[0].end() - static_cast<std::ptrdiff_t>(columns);
    read = read_time(*cell, identity.started) && identity.started != 0;
    for (auto& time : identity.counted_since) read = read_time(*++cell, time) && read;
  }
  if (!read) {
    return Error{"the server answered " + quoted(rows) +
                 " when asked who it is; is it PostgreSQL 14 or newer?"};
  }
  for (auto& row : rows) row.resize(row.size() - columns);
  return identity;
}

std::string another_server(const std::string& description, const Identity& introduced,
                           const Identity& answer) {
  if (introduced.started == answer.started) {
    return description + " has recovered from a crash, or all its statistics were reset by hand";
  }
  return "instead of " + description + " a server that was started " + text_of_start(answer) +
         " has answered; connect to the server itself, without a pooler or balancer";
}

}  // namespace tidegate::postgres
