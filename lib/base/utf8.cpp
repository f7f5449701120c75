#include "lib/base/utf8.hpp"

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

}  // namespace tidegate::base
