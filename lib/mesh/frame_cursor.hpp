// The bytes of a frame, read from front to back: one MessagePack value after the other.
//
// It is known what has to stand there, so nothing is built in between, as a general unpacker has
// to. The first value that is not what was asked for is remembered as `problem`; from then on every
// answer is empty, so that a reader checks once, at its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tidegate::mesh {

class FrameCursor {
 public:
  explicit FrameCursor(std::string_view bytes) : left_(bytes) {}

  [[nodiscard]] const char* problem() const { return problem_; }
  [[nodiscard]] std::size_t left() const { return left_.size(); }

  void fail(const char* what) {
    if (problem_ == nullptr) problem_ = what;
    left_ = {};
  }

  std::uint32_t array(const char* what) {
    const auto lead = byte(what);
    if ((lead & 0xF0U) == 0x90) return lead & 0x0FU;
    if (lead == 0xDC) return length(2, what);
    if (lead == 0xDD) return length(4, what);
    fail(what);
    return 0;
  }

  std::uint64_t number(const char* what) {
    const auto lead = byte(what);
    if (lead < 0x80) return lead;
    if (lead >= 0xCC && lead <= 0xCF) return big_endian(std::size_t{1} << (lead - 0xCCU), what);
    if (lead >= 0xD0 && lead <= 0xD3) {
      const auto size = std::size_t{1} << (lead - 0xD0U);
      const auto value = big_endian(size, what);
      if (value >> (8 * size - 1) == 0) return value;
    }
    fail(what);
    return 0;
  }

  std::string_view text(const char* what) {
    const auto lead = byte(what);
    if ((lead & 0xE0U) == 0xA0) return take(lead & 0x1FU, what);
    if (lead >= 0xD9 && lead <= 0xDB) {
      return take(length(std::size_t{1} << (lead - 0xD9U), what), what);
    }
    fail(what);
    return {};
  }

  std::string_view binary(const char* what) {
    const auto lead = byte(what);
    if (lead >= 0xC4 && lead <= 0xC6) {
      return take(length(std::size_t{1} << (lead - 0xC4U), what), what);
    }
    fail(what);
    return {};
  }

  bool nil() {
    const bool found = !left_.empty() && left_.front() == '\xC0';
    if (found) left_.remove_prefix(1);
    return found;
  }

  // Steps over one value of any type.
  void skip(const char* what);

 private:
  std::uint8_t byte(const char* what) { return static_cast<std::uint8_t>(big_endian(1, what)); }

  std::uint32_t length(std::size_t size, const char* what) {
    return static_cast<std::uint32_t>(big_endian(size, what));
  }

  std::uint64_t big_endian(std::size_t size, const char* what) {
    std::uint64_t value = 0;
    for (const char byte : take(size, what)) value = value << 8U | static_cast<std::uint8_t>(byte);
    return value;
  }

  std::string_view take(std::size_t size, const char* what) {
    if (size > left_.size()) {
      fail(what);
      return {};
    }
    const auto taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

  std::string_view left_;
  const char* problem_ = nullptr;
};

}  // namespace tidegate::mesh
