#include "lib/base/utf8.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace tidegate::base {
namespace {

// The length of the sequence that `lead`, which is not ASCII, begins and the range of its second
// byte, which alone excludes overlong forms, surrogates and the values that are too large. Length
// 0: not a lead.
struct Sequence {
  std::size_t length;
  std::uint8_t second_low = 0x80;
  std::uint8_t second_high = 0xBF;
};

Sequence sequence_of(std::uint8_t lead) {
  if (lead < 0xC2) return {0};
  if (lead < 0xE0) return {2};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead < 0xF4) return {4};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0};
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  for (std::size_t i = 0; i < bytes.size();) {
    if (at(i) < 0x80) {
      ++i;
      continue;
    }
    const auto sequence = sequence_of(at(i));
    if (sequence.length == 0 || sequence.length > bytes.size() - i) return false;
    if (at(i + 1) < sequence.second_low || at(i + 1) > sequence.second_high) return false;
    for (std::size_t k = 2; k < sequence.length; ++k) {
      if ((at(i + k) & 0xC0U) != 0x80U) return false;
    }
    i += sequence.length;
  }
  return true;
}

bool is_ascii(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char c) { return static_cast<std::uint8_t>(c) < 0x80; });
}

std::size_t obeyed_bytes(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
  };
  if (text.empty()) return 0;
  if (at(0) < 0x20 || at(0) == 0x7F) return 1;
  if (at(0) == 0xC2 && at(1) >= 0x80 && at(1) <= 0x9F) return 2;
  if (at(0) == 0xD8 && at(1) == 0x9C) return 2;  // U+061C
  if (at(0) != 0xE2) return 0;
  const bool mark = at(1) == 0x80 && (at(2) == 0x8E || at(2) == 0x8F);
  const bool embeds = at(1) == 0x80 && at(2) >= 0xA8 && at(2) <= 0xAE;  // and line separators
  const bool isolates = at(1) == 0x81 && at(2) >= 0xA6 && at(2) <= 0xA9;
  return mark || embeds || isolates ? 3 : 0;
}

}  // namespace tidegate::base
