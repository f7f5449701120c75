#include "tidegate/lsn.hpp"

#include <array>
#include <cstdio>
#include <optional>

#include "lib/base/decimal.hpp"

namespace tidegate {
namespace {

constexpr std::uint32_t short_page_header = 24;
constexpr std::uint32_t long_page_header = 40;  // on the first page of a segment

// One to eight hexadecimal digits and nothing else.
std::optional<std::uint64_t> parse_half(std::string_view text) {
  if (text.size() > 8) return std::nullopt;
  return base::parse_number<std::uint64_t>(text, 16);
}

}  // namespace

Result<Lsn> parse_lsn(std::string_view text) {
  const auto slash = text.find('/');
  const auto high = parse_half(text.substr(0, slash));
  const auto low = slash < text.size() ? parse_half(text.substr(slash + 1)) : std::nullopt;
  if (!high || !low) {
    return Error{"'" + std::string(text) +
                 "' is not an LSN; write two hexadecimal numbers with a slash, as in 16/B374D848"};
  }
  return Lsn{*high << 32U | *low};
}

std::string to_string(Lsn lsn) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%X/%X", static_cast<unsigned>(lsn.bytes >> 32U),
                static_cast<unsigned>(lsn.bytes & 0xFFFFFFFFU));
  return text.data();
}

Lsn without_page_header(Lsn lsn, WalLayout layout) {
  const bool first_of_segment = lsn.bytes % layout.segment_size < layout.block_size;
  const auto header = first_of_segment ? long_page_header : short_page_header;
  return lsn.bytes % layout.block_size == header ? Lsn{lsn.bytes - header} : lsn;
}

}  // namespace tidegate
