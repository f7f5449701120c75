// LISTEN and NOTIFY: what PostgreSQL brings along, and what most would reach for first.
//
// The payload of a NOTIFY is text, so ours travels as a bytea in its text form. All messages
// between two flushes are one pipeline and so one transaction, where a payload that comes twice is
// announced once; ours are numbered. Nobody waits for the disk: a notification is not kept there.
#include <stdexcept>

#include <libpq-fe.h>

#include "bench/carrier.hpp"
#include "bench/carriers/socket_ready.hpp"
#include "support/cluster.hpp"
#include "support/session.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_unanswered = 100;  // transactions
constexpr Duration longest_answer = 30s;

struct Free {
  void operator()(PGresult* result) const { PQclear(result); }
  void operator()(PGnotify* notification) const { PQfreemem(notification); }
  void operator()(unsigned char* bytes) const { PQfreemem(bytes); }
};

[[noreturn]] void fail(PGconn* connection) {
  throw std::runtime_error(std::string("notify: ") + PQerrorMessage(connection));
}

class PrivateServer : public Broker {
 public:
  [[nodiscard]] std::string address() const override { return address_; }

 private:
  support::Cluster cluster_{{.tcp = true}};  // as the others
  std::string address_ = cluster_.primary().connection_string();
};

class NotifySender : public Sender {
 public:
  explicit NotifySender(const std::string& address) : session_(address) {
    session_.execute("SET synchronous_commit = off");
    session_.execute("PREPARE announce AS SELECT pg_notify('bench', $1)");
    if (PQsetnonblocking(connection_, 1) != 0 || PQenterPipelineMode(connection_) != 1) {
      fail(connection_);
    }
  }

  void send(std::string_view payload) override {
    std::size_t size = 0;
    const std::unique_ptr<unsigned char, Free> text(
        PQescapeByteaConn(connection_, reinterpret_cast<const unsigned char*>(payload.data()),
                          payload.size(), &size));
    if (!text) fail(connection_);
    const auto* value = reinterpret_cast<const char*>(text.get());
    if (PQsendQueryPrepared(connection_, "announce", 1, &value, nullptr, nullptr, 0) != 1) {
      fail(connection_);
    }
    unsent_ = true;
  }

  void flush() override {
    if (unsent_) {
      if (PQpipelineSync(connection_) != 1) fail(connection_);
      ++unanswered_;
      unsent_ = false;
    }
    for (int left = PQflush(connection_); left != 0; left = PQflush(connection_)) {
      if (left < 0) fail(connection_);
      read(POLLIN | POLLOUT);
    }
    if (socket_ready(PQsocket(connection_), POLLIN, io::clock_now())) read(POLLIN);
    while (unanswered_ > most_unanswered) read(POLLIN);
  }

 private:
  // Takes the answers that have come once one of the events has.
  void read(int events) {
    if (!socket_ready(PQsocket(connection_), events, io::clock_now() + longest_answer)) {
      throw std::runtime_error("notify: the server does not answer");
    }
    if (PQconsumeInput(connection_) != 1) fail(connection_);
    while (unanswered_ > 0 && PQisBusy(connection_) == 0) {
      const std::unique_ptr<PGresult, Free> result(PQgetResult(connection_));
      if (!result) continue;  // the end of a statement
      const auto status = PQresultStatus(result.get());
      if (status == PGRES_PIPELINE_SYNC) {
        --unanswered_;
      } else if (status != PGRES_TUPLES_OK) {
        fail(connection_);
      }
    }
  }

  support::Session session_;
  PGconn* connection_ = session_.connection();
  bool unsent_ = false;         // since the last flush
  std::size_t unanswered_ = 0;  // transactions
};

class NotifyReceiver : public Receiver {
 public:
  explicit NotifyReceiver(const std::string& address) : session_(address) {
    session_.execute("LISTEN bench");
  }

  void receive(Instant until, const std::function<void(std::string_view)>& take) override {
    // Some may have come with the answer to the subscription.
    bool taken = false;
    do {
      while (const auto notification = std::unique_ptr<PGnotify, Free>(PQnotifies(connection_))) {
        std::size_t size = 0;
        const std::unique_ptr<unsigned char, Free> bytes(
            PQunescapeBytea(reinterpret_cast<const unsigned char*>(notification->extra), &size));
        if (!bytes) throw std::runtime_error("notify: no memory");
        take({reinterpret_cast<const char*>(bytes.get()), size});
        taken = true;
      }
    } while (!taken && read_until(until));
  }

 private:
  bool read_until(Instant until) {
    if (!socket_ready(PQsocket(connection_), POLLIN, until)) return false;
    if (PQconsumeInput(connection_) != 1) fail(connection_);
    return true;
  }

  support::Session session_;
  PGconn* connection_ = session_.connection();
};

std::string missing() {
  try {
    static_cast<void>(support::postgres_program("postgres"));
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

}  // namespace

Carrier postgres_notify() {
  return {
      .name = "notify",
      .title = "LISTEN/NOTIFY",
      .missing = missing,
      .start = [](const std::filesystem::path&) { return std::make_unique<PrivateServer>(); },
      .sender = [](const std::string& address) { return std::make_unique<NotifySender>(address); },
      .receiver =
          [](const std::string& address) { return std::make_unique<NotifyReceiver>(address); }};
}

}  // namespace tidegate::bench
