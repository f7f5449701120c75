// Where a change stands: in which cluster, on which history of its log, at which place there. An
// offset alone is not enough: after a failover the same numbers mean other changes, and two servers
// that were promoted apart may even give their timelines the same number.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "tidegate/export.hpp"
#include "tidegate/history.hpp"
#include "tidegate/result.hpp"

namespace tidegate {

// Which rule tells whether a server shows a position.
enum class ServerKind : std::uint8_t {
  postgres = 1,
};

// Shared by a primary and all its replicas. PostgreSQL: `system_identifier` of pg_control_system(),
// made by initdb.
using ClusterId = std::uint64_t;

// All of a position but its offset. Many positions have the same, so it is immutable and shared: a
// copy is one pointer and a count. May be read and copied by several threads.
//
// A primary tells everybody the number of its timeline, and few the history. Within one life of a
// server a number is one branch; so with the number alone goes the server's start, by which a peer
// that knows this primary finds the history.
class TIDEGATE_EXPORT Branch {
 public:
  Branch() = default;  // of no cluster
  // `server_started` is left out unless the history is a number alone.
  Branch(ServerKind kind, ClusterId cluster, History history, std::int64_t server_started = 0);
  Branch(const Branch& other) noexcept : shared_(other.shared_) {
    if (shared_ != nullptr) shared_->users.fetch_add(1, std::memory_order_relaxed);
  }
  Branch(Branch&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  Branch& operator=(Branch other) noexcept {
    std::swap(shared_, other.shared_);
    return *this;
  }
  ~Branch() {
    if (shared_ != nullptr && shared_->users.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete shared_;
    }
  }

  [[nodiscard]] ServerKind kind() const { return shared().kind; }
  [[nodiscard]] ClusterId cluster() const { return shared().cluster; }
  [[nodiscard]] const History& history() const { return shared().history; }
  // Of the primary that has told the number, in microseconds since 1970. 0: not known, or there is
  // more than a number.
  [[nodiscard]] std::int64_t server_started() const { return shared().server_started; }

  friend bool operator==(const Branch& a, const Branch& b) {
    if (a.shared_ == b.shared_) return true;
    return a.kind() == b.kind() && a.cluster() == b.cluster() && a.history() == b.history() &&
           a.server_started() == b.server_started();
  }

 private:
  struct Shared {
    ServerKind kind = ServerKind::postgres;
    ClusterId cluster = 0;
    History history;
    std::int64_t server_started = 0;
    std::atomic<std::size_t> users = 1;
  };
  [[nodiscard]] const Shared& shared() const { return shared_ != nullptr ? *shared_ : none_; }

  static const Shared none_;
  Shared* shared_ = nullptr;
};

struct Position {
  Branch branch;             // its history is known, if this is the position of something
  std::uint64_t offset = 0;  // in the log, in bytes; PostgreSQL's LSN, without page header
  // The change itself lies behind this offset, and not behind `offset`; 0: not known. A failover
  // that left this history in between has undone the change or not, and nobody can tell.
  std::uint64_t after = 0;

  [[nodiscard]] ServerKind kind() const { return branch.kind(); }
  [[nodiscard]] ClusterId cluster() const { return branch.cluster(); }
  [[nodiscard]] const History& history() const { return branch.history(); }
  [[nodiscard]] TimelineId timeline() const { return history().timeline(); }

  friend bool operator==(const Position&, const Position&) = default;
};

// For people: timeline and LSN, "2:16/B374D848".
[[nodiscard]] TIDEGATE_EXPORT std::string to_string(const Position& position);

// For machines: the whole position as one word, to be carried in a header or a text field; and
// back. Kind, cluster, each timeline with its begin and promotion (0 is left out), or its number
// alone with the start of the server, offset, and the offset behind which the change lies, if that
// is known:
//
//     postgres:7423456789012345678:1,2@16/B3000160@1795640443355842:16/B374D848:16/B374D010
//     postgres:7423456789012345678:2~1795640440133201:16/B374D848
[[nodiscard]] TIDEGATE_EXPORT std::string to_text(const Position& position);
[[nodiscard]] TIDEGATE_EXPORT Result<Position> position_from_text(std::string_view text);

}  // namespace tidegate
