// Values that a fuzzer chooses, byte by byte. At the end of its bytes everything is 0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tidegate::fuzz {

class Draw {
 public:
  explicit Draw(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ended() const { return bytes_.empty(); }

  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return value;
  }
  std::uint8_t below(std::uint8_t bound) { return static_cast<std::uint8_t>(byte() % bound); }
  bool coin() { return (byte() & 1U) != 0; }

  // Small ones mostly, and those at which something overflows.
  std::uint64_t number() {
    static constexpr std::array<std::uint64_t, 10> edges = {
        0x1000,     0x3000060,          0xFFFF,      0x7FFFFFFF, 0xFFFFFFFF,
        0x10000000, 0x1000000000000000, ~0ULL >> 1U, ~0ULL - 1,  ~0ULL};
    const auto chosen = byte();
    return chosen < 240 ? chosen : edges.at(chosen % edges.size());
  }

 private:
  std::string_view bytes_;
};

}  // namespace tidegate::fuzz
