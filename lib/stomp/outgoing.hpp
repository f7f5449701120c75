// Bytes for one client that its socket has not taken yet, and where their frames end: a client that
// is given up still gets whole the frame that it has begun to read, and then the reason.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace tidegate::stomp {

class Outgoing {
 public:
  // To be appended one whole frame; then added().
  [[nodiscard]] std::string& buffer() { return bytes_; }
  void added() {
    const auto length = bytes_.size() - written_ + begun_ - framed_;
    lengths_.push_back(length);
    framed_ += length;
  }

  // Valid until the next call that is not const.
  [[nodiscard]] std::string_view view() const { return std::string_view(bytes_).substr(written_); }
  [[nodiscard]] std::size_t size() const { return bytes_.size() - written_; }

  void wrote(std::size_t bytes) {
    written_ += bytes;
    begun_ += bytes;
    while (!lengths_.empty() && lengths_.front() <= begun_) {
      begun_ -= lengths_.front();
      framed_ -= lengths_.front();
      lengths_.pop_front();
    }
    constexpr std::size_t worth_moving = std::size_t{64} << 10U;
    if (written_ < bytes_.size() && written_ < worth_moving) return;
    bytes_.erase(0, written_);
    written_ = 0;
  }

  // Forgets the frames of which nothing was written.
  void drop_unbegun() {
    const auto rest = begun_ == 0 ? 0 : lengths_.front() - begun_;
    lengths_.resize(begun_ == 0 ? 0 : 1);
    framed_ = begun_ + rest;
    bytes_.resize(written_ + rest);
  }

  void clear() { *this = Outgoing(); }

 private:
  std::string bytes_;
  std::size_t written_ = 0;          // of bytes_
  std::deque<std::size_t> lengths_;  // of the frames that are not written whole
  std::size_t framed_ = 0;           // the sum of these
  std::size_t begun_ = 0;            // bytes written of the first of them
};

}  // namespace tidegate::stomp
