#include "bench/sources/source.hpp"

#include <charconv>

namespace tidegate::bench {
namespace {

std::string with_numbers(std::string sql, std::size_t first, std::size_t last) {
  const auto put = [&](std::string_view mark, std::size_t number) {
    const auto at = sql.find(mark);
    if (at != std::string::npos) sql.replace(at, mark.size(), std::to_string(number));
  };
  put("%1", first);
  put("%2", last - 1);
  return sql;
}

}  // namespace

const std::vector<Source>& sources() {
  static const std::vector<Source> all = {
      mesh_source(),   outbox_source(),       unhinted_outbox_source(), notify_source(),
      polled_source(), primary_slot_source(), standby_slot_source()};
  return all;
}

const Source* find_source(const std::string& name) {
  for (const auto& source : sources()) {
    if (source.name == name) return &source;
  }
  return nullptr;
}

std::string change(const Source* source, std::size_t first, std::size_t last) {
  auto sql = with_numbers("INSERT INTO rows SELECT generate_series(%1, %2)", first, last);
  if (source != nullptr && !source->statement.empty()) {
    sql += "; " + with_numbers(source->statement, first, last);
  }
  return sql;
}

std::uint64_t number_of(std::string_view payload) {
  std::uint64_t number = 0;
  std::from_chars(payload.data(), payload.data() + payload.size(), number);
  return number;
}

}  // namespace tidegate::bench
