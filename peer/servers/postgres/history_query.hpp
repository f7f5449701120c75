// Asks a server for the whole history of a timeline, one question at a time, over the replication
// protocol: the history file (TIMELINE_HISTORY) says which timelines led here and where each ended,
// and the first record of each timeline (START_REPLICATION) when it was begun.
//
// A part that the server no longer has stays unknown: a history file that was never copied to it,
// WAL that it has recycled. It knows no connection: the owner of one puts the questions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peer/servers/postgres/server_sql.hpp"
#include "tidegate/history.hpp"
#include "tidegate/lsn.hpp"
#include "tidegate/result.hpp"

namespace tidegate::postgres {

// Reads the text of a history file: a line for each timeline that led to `timeline`, with its
// number, the LSN at which it was left, and a reason; blank lines and lines that begin with # say
// nothing. No promotion is known from it.
[[nodiscard]] Result<std::vector<HistoryEntry>> read_history_file(std::string_view text,
                                                                  TimelineId timeline);

class HistoryQuery {
 public:
  HistoryQuery(TimelineId timeline, WalLayout layout);

  struct Question {
    std::string command;
    bool wal = false;  // answered by the first bytes of a stream (Database::read_wal)
  };

  // The question to ask now; none: the history is as complete as this server can make it.
  [[nodiscard]] std::optional<Question> question() const;

  // These first bytes of the stream answer it; more would not help.
  [[nodiscard]] bool is_enough(std::string_view wal) const;

  // The answer to that. An error: it makes no sense.
  [[nodiscard]] std::optional<Error> answered(const std::vector<SqlRow>& rows);

  // The server refused that. False: not because it does not have what was asked for.
  [[nodiscard]] bool refused(const std::string& sqlstate);

  [[nodiscard]] History history() const;

  // The timelines before the present one are not known.
  [[nodiscard]] bool file_missing() const { return file_missing_; }

 private:
  void go_on();

  TimelineId timeline_;
  WalLayout layout_;
  std::vector<HistoryEntry> entries_;  // empty: the file has not been read yet
  std::size_t asked_ = 0;              // of the entries, the one whose beginning is asked for
  bool file_missing_ = false;
};

}  // namespace tidegate::postgres
