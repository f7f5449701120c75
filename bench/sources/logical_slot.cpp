// A message in the WAL (`pg_logical_emit_message` in the transaction), which a logical replication
// slot sends once the transaction is committed: on the primary, or since PostgreSQL 16 on the
// listener's own standby, where that is after its replay.
//
// pgoutput for a publication of no table sends the messages and nothing else. The slot is
// temporary: a run begins where it was made.
#include <array>
#include <chrono>
#include <optional>
#include <stdexcept>

#include <libpq-fe.h>

#include "bench/carriers/socket_ready.hpp"
#include "bench/sources/source.hpp"
#include "support/session.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

struct Free {
  void operator()(char* bytes) const { PQfreemem(bytes); }
  void operator()(PGresult* result) const { PQclear(result); }
};

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8U | static_cast<unsigned char>(byte);
  return value;
}

class SlotListener : public Listener {
 public:
  SlotListener(const std::string& server, const std::string& primary)
      : session_(server + " replication=database") {
    create_slot(primary);
    const std::unique_ptr<PGresult, Free> started(
        PQexec(connection_,
               "START_REPLICATION SLOT bench LOGICAL 0/0"
               " (proto_version '1', publication_names 'no_table', messages 'true')"));
    if (PQresultStatus(started.get()) != PGRES_COPY_BOTH) fail();
  }

  void receive(Instant until, const TakeAnnouncement& take) override {
    for (bool taken = false; !taken;) {
      for (auto frame = next_frame(); frame; frame = next_frame()) {
        if (const auto number = read(*frame)) {
          take({.number = *number});
          taken = true;
        }
      }
      if (taken || !socket_ready(PQsocket(connection_), POLLIN, until)) break;
      if (PQconsumeInput(connection_) != 1) fail();
    }
    if (io::clock_now() >= next_report_) report();
  }

 private:
  [[noreturn]] void fail() {
    throw std::runtime_error(std::string("logical slot: ") + PQerrorMessage(connection_));
  }

  // On a standby that waits until the primary writes down its running transactions, which it does
  // four times a minute by itself.
  void create_slot(const std::string& primary) {
    support::Session helper(primary);
    if (PQsendQuery(connection_, "CREATE_REPLICATION_SLOT bench TEMPORARY LOGICAL pgoutput") != 1) {
      fail();
    }
    const auto end = io::clock_now() + 20s;
    while (PQisBusy(connection_) != 0) {
      if (io::clock_now() > end) throw std::runtime_error("the logical slot is not made");
      // A primary that is older than 16 does it for its own slots, and can't be asked.
      if (helper.value("SELECT current_setting('server_version_num')::int >= 160000") == "t") {
        helper.execute("SELECT pg_log_standby_snapshot()");
      }
      static_cast<void>(socket_ready(PQsocket(connection_), POLLIN, io::clock_now() + 50ms));
      if (PQconsumeInput(connection_) != 1) fail();
    }
    while (const auto result = std::unique_ptr<PGresult, Free>(PQgetResult(connection_))) {
      if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) fail();
    }
  }

  std::optional<std::string> next_frame() {
    char* bytes = nullptr;
    const int size = PQgetCopyData(connection_, &bytes, 1);
    const std::unique_ptr<char, Free> owner(bytes);
    if (size < 0) fail();
    if (size == 0) return std::nullopt;
    return std::string(bytes, static_cast<std::size_t>(size));
  }

  // 'w': begin, end, time (8 bytes each), then 'M': flags (1), LSN (8), prefix (ended by a zero),
  // size (4), content. 'k': end, time, whether an answer is due.
  std::optional<std::uint64_t> read(std::string_view frame) {
    constexpr std::size_t head = 25;
    constexpr std::size_t message_head = 10;
    if (frame[0] == 'k') {
      end_ = std::max(end_, big_endian(frame.substr(1, 8)));
      if (frame.back() != 0) report();
    }
    if (frame[0] != 'w') return std::nullopt;
    end_ = std::max(end_, big_endian(frame.substr(9, 8)));
    const auto message = frame.substr(head);
    if (message[0] != 'M') return std::nullopt;
    const auto prefix_end = message.find('\0', message_head);
    return number_of(message.substr(prefix_end + 5));
  }

  // All up to `end_` is done: the server need not keep it.
  void report() {
    std::string status = "r";
    const auto add = [&](std::uint64_t value) {
      for (int shift = 56; shift >= 0; shift -= 8) {
        status += static_cast<char>(value >> static_cast<unsigned>(shift) & 0xffU);
      }
    };
    for (int i = 0; i < 3; ++i) add(end_);
    add(0);
    status += '\0';
    if (PQputCopyData(connection_, status.data(), static_cast<int>(status.size())) != 1 ||
        PQflush(connection_) < 0) {
      fail();
    }
    next_report_ = io::clock_now() + 1s;
  }

  support::Session session_;
  PGconn* connection_ = session_.connection();
  std::uint64_t end_ = 0;  // of what has been received
  Instant next_report_ = io::clock_now() + 1s;
};

Source slot(std::string name, std::string title, std::string heard) {
  Source source;
  source.name = std::move(name);
  source.title = std::move(title);
  source.heard = std::move(heard);
  source.statement =
      std::string("SELECT pg_logical_emit_message(true, 'bench', payload) FROM (SELECT ") +
      payload_sql + ") AS rows (payload)";
  return source;
}

}  // namespace

Source primary_slot_source() {
  auto source = slot("slot-primary", "a logical slot on the primary", "primary");
  source.schema = "CREATE PUBLICATION no_table";
  source.listener = [](const Places& places) {
    return std::make_unique<SlotListener>(places.primary, places.primary);
  };
  return source;
}

Source standby_slot_source() {
  auto source = slot("slot-standby", "a logical slot on the replica", "replica");
  source.least_version = 160'000;
  source.listener = [](const Places& places) {
    return std::make_unique<SlotListener>(places.replica, places.primary);
  };
  return source;
}

}  // namespace tidegate::bench
