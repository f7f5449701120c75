// A way in which a transaction announces its change to those who read a replica: beside it, by a
// message behind its COMMIT, or in it, by a row, a notification or a message in the WAL. One file
// for each in this folder.
//
// All announce the same rows: `rows` by their numbers, with a payload of 256 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/carrier.hpp"
#include "tidegate/time.hpp"

namespace tidegate::bench {

struct Announcement {
  std::uint64_t number = 0;  // of the row
  std::uint64_t lsn = 0;     // that it carried; 0: none
  Duration held{};           // by tidegate's gate
};

using TakeAnnouncement = std::function<void(const Announcement&)>;

// Hears the announcements that are made from its construction on. Every function throws
// std::runtime_error with what went wrong.
class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;

  // Hands over what arrives, and returns after at least one of them or at about `until`.
  virtual void receive(Instant until, const TakeAnnouncement& take) = 0;
  // To the servers, so far.
  [[nodiscard]] virtual std::uint64_t queries() const { return 0; }
};

// Where a source finds the others: the address of a mesh (member.hpp), and both servers.
struct Places {
  std::string mesh;
  std::string primary;
  std::string replica;
};

struct Source {
  std::string name;         // for the processes of a run
  std::string title;        // in tables
  std::string heard;        // at which server the listener asks
  int least_version = 0;    // of PostgreSQL, as server_version_num has it
  std::string schema = {};  // SQL, run once on the primary
  // A statement for the transaction of these rows, with `%1` and `%2` for the first and the last
  // number; "": none.
  std::string statement = {};
  // For the writer, behind its COMMIT: send() for each row, then flush(); empty: nothing. Several
  // threads call them.
  std::function<std::unique_ptr<Sender>(const Places&)> behind_commit = {};
  std::function<std::unique_ptr<Listener>(const Places&)> listener = {};
};

// Each is made in its own file.
Source mesh_source();             // a message of the mesh with the position of the change
Source outbox_source();           // tidegate's outbox, and a hint behind the commit
Source unhinted_outbox_source();  // the same without hints
Source notify_source();
Source primary_slot_source();
Source standby_slot_source();
Source polled_source();

// In the order of the tables.
[[nodiscard]] const std::vector<Source>& sources();
// nullptr: there is none of that name.
[[nodiscard]] const Source* find_source(const std::string& name);

// Commits the rows from `first` up to and without `last`, and announces them; nullptr: plain.
[[nodiscard]] std::string change(const Source* source, std::size_t first, std::size_t last);

// The payload that a statement announces, and the number that one begins with.
inline constexpr const char* payload_sql = "rpad(n::text, 256, '.') FROM generate_series(%1, %2) n";
[[nodiscard]] std::uint64_t number_of(std::string_view payload);

}  // namespace tidegate::bench
