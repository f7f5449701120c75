#include "command/units.hpp"

#include <array>
#include <limits>

#include <fmt/format.h>

#include "lib/base/decimal.hpp"

namespace tidegate::command {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 7> size_units{{
    {"B", 1},
    {"kB", 1000},
    {"KiB", std::uint64_t{1} << 10U},
    {"MB", std::uint64_t{1000} * 1000},
    {"MiB", std::uint64_t{1} << 20U},
    {"GB", std::uint64_t{1000} * 1000 * 1000},
    {"GiB", std::uint64_t{1} << 30U},
}};

constexpr std::array<Unit, 5> duration_units{{
    {"us", 1000},
    {"ms", std::uint64_t{1000} * 1000},
    {"s", std::uint64_t{1000} * 1000 * 1000},
    {"min", std::uint64_t{60} * 1000 * 1000 * 1000},
    {"h", std::uint64_t{3600} * 1000 * 1000 * 1000},
}};

struct Quantity {
  std::uint64_t number = 0;
  std::string_view unit;
};

// Splits "64 MiB"; nothing sensible is in the result when it does not begin with a number.
Result<Quantity> split(std::string_view text, const std::string& example) {
  const Error error{"'" + std::string(text) + "' is not " + example};
  Quantity quantity;
  quantity.unit = text;
  const auto number = base::take_number<std::uint64_t>(quantity.unit);
  if (!number) return error;
  quantity.number = *number;
  if (!quantity.unit.empty() && quantity.unit.front() == ' ') quantity.unit.remove_prefix(1);
  return quantity;
}

template <typename Units>
Result<std::uint64_t> scale(std::string_view text, const Quantity& quantity, const Units& units,
                            std::uint64_t most) {
  for (const auto& unit : units) {
    if (unit.name != quantity.unit) continue;
    if (quantity.number > most / unit.factor) {
      return Error{"'" + std::string(text) + "' is too large"};
    }
    return quantity.number * unit.factor;
  }
  std::string known;
  for (const auto& unit : units) known += (known.empty() ? "" : ", ") + std::string(unit.name);
  return Error{"'" + std::string(text) + "' has the unit '" + std::string(quantity.unit) +
               "'; use one of " + known};
}

template <typename Units>
std::string exact(std::uint64_t value, const Units& units, bool (*usable)(const Unit&)) {
  const Unit* best = &units.front();
  for (const auto& unit : units) {
    if (usable(unit) && value % unit.factor == 0) best = &unit;
  }
  if (value == 0) best = &units.front();
  return std::to_string(value / best->factor) + std::string(best->name);
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  auto quantity = split(text, "a size; write a whole number with a unit, for example 64MiB");
  if (!quantity) return quantity.error();
  if (quantity->unit.empty()) quantity->unit = "B";
  return scale(text, *quantity, size_units, std::numeric_limits<std::uint64_t>::max());
}

Result<Duration> parse_duration(std::string_view text) {
  const auto quantity =
      split(text, "a duration; write a whole number with a unit, for example 500ms or 2s");
  if (!quantity) return quantity.error();
  if (quantity->unit.empty()) {
    const std::string number(text);
    return Error{"'" + number + "' lacks a unit; write for example " + number + "ms or " + number +
                 "s"};
  }
  const auto nanoseconds =
      scale(text, *quantity, duration_units, static_cast<std::uint64_t>(Duration::max().count()));
  if (!nanoseconds) return nanoseconds.error();
  return Duration(static_cast<Duration::rep>(*nanoseconds));
}

std::string exact_size(std::uint64_t bytes) {
  return exact(bytes, size_units, [](const Unit& unit) { return unit.factor % 1000 != 0; });
}

std::string exact_duration(Duration duration) {
  return exact(static_cast<std::uint64_t>(duration.count()), duration_units,
               [](const Unit&) { return true; });
}

std::string rough_size(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes) / 1024;
  const char* unit = "KiB";
  for (const auto* larger : {"MiB", "GiB", "TiB"}) {
    if (value < 1024) break;
    value /= 1024;
    unit = larger;
  }
  return fmt::format("{:.1f} {}", value, unit);
}

std::string rough_duration(Duration time) {
  using namespace std::chrono;
  const auto seconds_whole = duration_cast<seconds>(time).count();
  if (time < 1ms) return fmt::format("{:.0f} us", duration<double, std::micro>(time).count());
  if (time < 1s) return fmt::format("{:.1f} ms", duration<double, std::milli>(time).count());
  if (time < 1min) return fmt::format("{:.1f} s", duration<double>(time).count());
  if (time < 1h) return fmt::format("{} min {} s", seconds_whole / 60, seconds_whole % 60);
  if (time < 24h) {
    return fmt::format("{} h {} min", seconds_whole / 3600, seconds_whole / 60 % 60);
  }
  return fmt::format("{} d {} h", seconds_whole / 86400, seconds_whole / 3600 % 24);
}

}  // namespace tidegate::command
