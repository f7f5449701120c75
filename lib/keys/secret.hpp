// 32 bytes that nobody else may see: they leave no trace in memory once they are not needed, are
// compared in a time that tells nothing, and have no text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tidegate::keys {

class Secret {
 public:
  static constexpr std::size_t size = 32;
  using Bytes = std::span<const std::uint8_t, size>;

  Secret() = default;
  explicit Secret(Bytes bytes);
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret();

  [[nodiscard]] Bytes bytes() const { return bytes_; }

  // For those that make one.
  [[nodiscard]] std::span<std::uint8_t, size> buffer() { return bytes_; }

  friend bool operator==(const Secret& a, const Secret& b);

 private:
  std::array<std::uint8_t, size> bytes_{};
};

}  // namespace tidegate::keys
