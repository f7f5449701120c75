// Walks the elements of one array of a frame and checks each against its bounds. An error is
// remembered by the cursor, which all readers of a frame share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/limits.hpp"
#include "lib/base/utf8.hpp"
#include "lib/mesh/branch_bytes.hpp"
#include "lib/mesh/frame.hpp"
#include "lib/mesh/frame_cursor.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/position.hpp"
#include "tidegate/time.hpp"

namespace tidegate::mesh {

// The array that comes next.
class FrameReader {
 public:
  FrameReader(FrameCursor& cursor, const char* what) : cursor_(cursor), left_(cursor.array(what)) {
    // Each takes a byte at least, so whoever claims more lies.
    if (left_ > cursor.left()) cursor.fail(what);
  }

  // Behind the last known element: later versions may have more.
  void close() {
    for (; left_ > 0 && cursor_.problem() == nullptr; --left_) cursor_.skip("further field");
  }

  [[nodiscard]] FrameCursor& cursor() { return cursor_; }
  [[nodiscard]] std::uint32_t left() const { return left_; }

  void fail(const char* what) { cursor_.fail(what); }

  std::uint64_t number(const char* what, std::uint64_t least, std::uint64_t most) {
    if (!next(what)) return 0;
    const auto value = cursor_.number(what);
    if (least <= value && value <= most) return value;
    fail(what);
    return 0;
  }

  std::uint16_t port(const char* what) {
    return static_cast<std::uint16_t>(number(what, 1, std::numeric_limits<std::uint16_t>::max()));
  }

  std::uint64_t sequence(const char* what, std::uint64_t least) {
    return number(what, least, std::numeric_limits<std::uint64_t>::max() / 2);
  }

  // UTF-8
  std::string text(const char* what, std::size_t most) {
    const auto value = raw_text(what);
    if (value.size() <= most && base::is_utf8(value)) return std::string(value);
    fail(what);
    return {};
  }

  std::string_view raw_text(const char* what) {
    return next(what) ? cursor_.text(what) : std::string_view();
  }

  // Never longer than `most`, also when it has failed: a reader may copy it before it looks.
  std::string_view binary(const char* what, std::size_t least, std::size_t most) {
    if (!next(what)) return {};
    const auto value = cursor_.binary(what);
    if (least <= value.size() && value.size() <= most) return value;
    fail(what);
    return {};
  }

  Origin origin() {
    Origin value;
    const auto id = binary("peer id", value.peer.bytes.size(), value.peer.bytes.size());
    if (cursor_.problem() == nullptr) std::copy(id.begin(), id.end(), value.peer.bytes.begin());
    value.incarnation = number("incarnation", 1, std::numeric_limits<std::uint64_t>::max());
    return value;
  }

  StreamKey key() {
    StreamKey value{};
    const auto bytes = binary("stream key", 0, value.size());
    const bool none = bytes.empty();
    std::copy(bytes.begin(), bytes.end(), value.begin());
    if (bytes.size() != (none ? 0 : value.size()) || none != (value == StreamKey{})) {
      fail("stream key");
    }
    return value;
  }

  // Behind the info; a peer of before has none.
  void features(PeerInfo& value);

  // Instant{}: there is none.
  Instant instant(const char* what);

  // nullptr: it has failed. Valid as KnownBranches says.
  const Branch* branch(KnownBranches& known) {
    const auto bytes = binary("branch", 1, base::limits::branch_bytes);
    if (cursor_.problem() != nullptr) return nullptr;
    const auto* branch = known.read(bytes);
    if (branch == nullptr) fail("branch");
    return branch;
  }

  std::uint64_t offset() { return number("offset", 1, std::numeric_limits<std::uint64_t>::max()); }

  // Whole, or nil.
  std::optional<Position> position(KnownBranches& known) {
    if (!next("position") || cursor_.nil()) return std::nullopt;
    FrameReader fields(cursor_, "position");
    const auto* branch = fields.branch(known);
    if (branch == nullptr) return std::nullopt;
    const Position value{*branch, fields.offset()};
    fields.close();
    return value;
  }

  // The number of one of the branches and an offset, or 0.
  std::optional<Position> place(std::span<const Branch* const> branches) {
    if (!next("branch")) return std::nullopt;
    const auto branch = cursor_.number("branch");
    if (branch == 0) return std::nullopt;
    if (branch > branches.size()) fail("branch");
    if (!next("offset")) return std::nullopt;
    const auto offset = cursor_.number("offset");
    if (offset == 0) fail("offset");
    return Position{*branches[branch - 1], offset};
  }

  // The same, and how far before the offset the change may lie, or 0.
  std::optional<Position> place_of_change(std::span<const Branch* const> branches) {
    auto value = place(branches);
    if (!value || !next("span")) return value;
    const auto span = cursor_.number("span");
    if (span >= value->offset) fail("span");
    if (span != 0) value->after = value->offset - span;
    return value;
  }

  // The next element is an array, or nil; read it before anything else.
  std::optional<FrameReader> array_or_nil(const char* what);

  // The next element is an array; read it before anything else.
  FrameReader array(const char* what) {
    next(what);
    return {cursor_, what};
  }

 private:
  bool next(const char* what) {
    if (left_ == 0) fail(what);
    if (cursor_.problem() != nullptr) return false;
    --left_;
    return true;
  }

  FrameCursor& cursor_;
  std::uint32_t left_;
};

}  // namespace tidegate::mesh
