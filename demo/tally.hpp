// All that was observed in one run: who met whom, what was committed, and what each reader got.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "demo/report.hpp"

namespace tidegate::demo {

// The deliveries of one reader.
class ReaderTally {
 public:
  explicit ReaderTally(int rows) : by_row_(static_cast<std::size_t>(rows)) {}

  void add(const Delivered& delivery);
  void add(const Lost& lost);

  // Of each row the first delivery; nothing when there was none.
  [[nodiscard]] const std::vector<std::optional<Delivered>>& by_row() const { return by_row_; }
  [[nodiscard]] int delivered() const { return delivered_; }
  [[nodiscard]] int early() const { return early_; }  // the row was not readable yet
  [[nodiscard]] int readable() const { return delivered_ - early_; }
  [[nodiscard]] int repeated() const { return repeated_; }
  [[nodiscard]] bool complete() const { return delivered_ == static_cast<int>(by_row_.size()); }
  [[nodiscard]] const std::string& why_lost() const { return why_lost_; }

 private:
  std::vector<std::optional<Delivered>> by_row_;
  int delivered_ = 0;
  int early_ = 0;
  int repeated_ = 0;
  std::string why_lost_;  // as the peer said; empty when it said nothing
};

class Tally {
 public:
  explicit Tally(int rows) : ungated(rows), gated(rows) { committed_.reserve(std::size_t(rows)); }

  // Counts an event of the process of that name. Failed and Noted are none of its business.
  void add(const std::string& name, const Report& report);

  [[nodiscard]] ReaderTally& reader(const std::string& name);

  // When COMMIT of each row returned, in their order.
  [[nodiscard]] const std::vector<Instant>& committed() const { return committed_; }

  // How long two processes took to be ready for each other, both ways, counted from the start of
  // the later one; nothing while they are not.
  [[nodiscard]] std::optional<Duration> joining(const std::string& a, const std::string& b) const;

  ReaderTally ungated;
  ReaderTally gated;

 private:
  std::vector<Instant> committed_;
  std::map<std::string, Instant> started_;
  std::map<std::pair<std::string, std::string>, Instant> met_;  // who met whom
};

}  // namespace tidegate::demo
