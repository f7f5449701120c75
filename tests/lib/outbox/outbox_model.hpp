// A cluster with an outbox, for the tests: transactions that overlap in any way, on a primary whose
// log a standby shows up to any place, and failovers that cut the log there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lib/outbox/reading.hpp"

namespace tidegate::testing {

class OutboxModel {
 public:
  using Xid = outbox::TransactionId;

  // The payload of a row names its announcement, which is never used twice.
  Xid begin() {
    const auto xid = next_xid_++;
    log_.push_back({Record::Kind::begun, xid});
    open_.insert(xid);
    return xid;
  }
  void announce(Xid xid, std::string payload) {
    log_.push_back({Record::Kind::row, xid, next_id_++, std::move(payload)});
  }
  void skip_id() { ++next_id_; }
  void end(Xid xid, bool commits) {
    log_.push_back({commits ? Record::Kind::ended : Record::Kind::undone, xid});
    open_.erase(xid);
  }
  // Removes rows of transactions before this one, if they are settled.
  void remove_before(Xid xid) { log_.push_back({Record::Kind::removed, xid}); }

  // A standby that shows the log up to `place` is promoted, and undoes what has not ended there.
  // Ids of what is lost are used again.
  void promote(std::size_t place) {
    log_.resize(place);
    open_.clear();
    next_xid_ = next_id_ = 1;
    for (const auto& record : log_) {
      if (record.kind == Record::Kind::begun) {
        open_.insert(record.xid);
        next_xid_ = record.xid + 1;
      }
      if (record.kind == Record::Kind::row) next_id_ = record.id + 1;
      if (record.kind == Record::Kind::ended || record.kind == Record::Kind::undone) {
        open_.erase(record.xid);
      }
    }
    const auto number = history_.back().number + 1;
    std::erase_if(history_, [&](const auto& entry) { return entry.begin > offset(place); });
    history_.push_back({number, offset(place), ++promotions_});
    for (const auto xid : std::set(open_)) end(xid, false);
  }

  [[nodiscard]] std::size_t end_of_log() const { return log_.size(); }
  [[nodiscard]] const std::set<Xid>& open() const { return open_; }
  [[nodiscard]] Xid horizon(std::size_t place) const { return shown(place).horizon; }

  // The answer of a server that shows the log up to there.
  [[nodiscard]] outbox::Reading read(const outbox::Question& question, std::size_t place) const {
    auto all = shown(place);
    outbox::Reading reading{tide_at(place), all.horizon, all.removed_before};
    for (auto& row : all.rows) {
      const auto xid = row.key.transaction;
      if (xid < question.from || question.except.has(row.key.id)) continue;
      if (question.settled_only && xid >= all.horizon) continue;
      if (question.unsettled_only && xid < all.horizon) continue;
      if (reading.rows.size() == question.most_rows) {
        reading.more = true;
        break;
      }
      reading.rows.push_back(std::move(row));
    }
    return reading;
  }

 private:
  struct Record {
    enum class Kind : std::uint8_t { begun, row, ended, undone, removed };
    Kind kind = Kind::begun;
    Xid xid = 0;
    std::uint64_t id = 0;
    std::string payload = {};
  };
  struct Shown {
    std::vector<outbox::Row> rows;  // in order
    Xid horizon = 1;
    Xid removed_before = 0;
  };

  [[nodiscard]] Shown shown(std::size_t place) const {
    Shown all;
    std::map<outbox::RowKey, outbox::Row> committed;
    std::map<Xid, std::vector<outbox::Row>> running;
    for (std::size_t i = 0; i < place; ++i) {
      const auto& record = log_[i];
      const auto xid = record.xid;
      switch (record.kind) {
        case Record::Kind::begun:
          running[xid];
          all.horizon = xid + 1;
          break;
        case Record::Kind::row:
          running[xid].push_back({{xid, record.id}, 0, Topic::of({"t"}).value(), record.payload});
          break;
        case Record::Kind::ended:
          for (const auto& each : running[xid]) committed.emplace(each.key, each);
          [[fallthrough]];
        case Record::Kind::undone:
          running.erase(xid);
          break;
        case Record::Kind::removed:
          all.removed_before = std::max(all.removed_before, xid);
          committed.erase(committed.begin(), committed.lower_bound({xid, 0}));
          break;
      }
    }
    if (!running.empty()) all.horizon = running.begin()->first;
    for (auto& [key, row] : committed) all.rows.push_back(std::move(row));
    return all;
  }

  // No position of a real log is 0.
  static std::uint64_t offset(std::size_t place) { return place + 1; }

  [[nodiscard]] Tide tide_at(std::size_t place) const {
    std::vector<HistoryEntry> entries;
    for (const auto& entry : history_) {
      if (entry.begin <= offset(place)) entries.push_back(entry);
    }
    return {{7, 1}, History::of(entries).value(), offset(place)};
  }

  std::vector<Record> log_;
  std::set<Xid> open_;
  Xid next_xid_ = 1;
  std::uint64_t next_id_ = 1;
  std::vector<HistoryEntry> history_{{1, 0, 0}};
  std::int64_t promotions_ = 0;
};

}  // namespace tidegate::testing
