#include "peer/servers/postgres/connection.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <libpq-fe.h>
#include <poll.h>

#include "lib/base/backoff.hpp"
#include "lib/base/decimal.hpp"
#include "lib/base/must.hpp"
#include "peer/io/resolver.hpp"
#include "peer/servers/postgres/host_list.hpp"
#include "peer/servers/postgres/libpq_handles.hpp"
#include "peer/servers/postgres/libpq_text.hpp"

namespace tidegate::postgres {
namespace {

constexpr Duration wal_timeout = std::chrono::seconds(2);

// After a refusal that only people can end: a wrong password, no such database.
bool needs_people(std::string_view sqlstate) {
  return sqlstate.substr(0, 2) == "28" || sqlstate == "3D000";
}

struct Setting {
  std::string keyword;
  std::string value;
};
using Settings = std::vector<Setting>;

// Settings that the connection string may override. An idle connection whose other end has vanished
// is noticed within a minute, an unanswered write within ten seconds. Messages are passed on as
// UTF-8, whatever a role sets.
const Settings& defaults() {
  static const Settings settings = {
      {"fallback_application_name", "tidegate"},
      {"keepalives_idle", "30"},
      {"keepalives_interval", "10"},
      {"keepalives_count", "3"},
      {"tcp_user_timeout", "10000"},
      {"client_encoding", "UTF8"},
  };
  return settings;
}

std::string text_or_empty(const char* text) { return text == nullptr ? "" : text; }

Result<Settings> parse_connection_string(const std::string& text) {
  char* complaint = nullptr;
  const ConnectionOptions parsed(PQconninfoParse(text.c_str(), &complaint));
  const LibpqText owned(complaint);
  if (!parsed) return unreadable_connection_string(text, text_or_empty(complaint));
  if (password_spills(text)) return spilt_password();
  Settings settings;
  for (const auto* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const Setting setting{option->keyword, option->val};
    if (auto misplaced = misplaced_password(setting.keyword, setting.value)) return *misplaced;
    if (setting.keyword != "replication") settings.push_back(setting);  // the session decides it
  }
  return settings;
}

bool is_host_list(const std::string& keyword) {
  return keyword == "host" || keyword == "hostaddr" || keyword == "port";
}

ConnectionHandle start_connection(const Settings& settings) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : settings) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  ConnectionHandle connection(PQconnectStartParams(keywords.data(), values.data(), 0));
  TIDEGATE_MUST(connection != nullptr);  // only without memory
  return connection;
}

// The hosts that libpq will turn to, with those of the environment and of a service file. It tells
// them of a connection that it has refused before it touches the network.
HostList hosts_of(Settings settings) {
  settings.push_back({"sslmode", "refuse this"});
  const auto refused = start_connection(settings);
  const ConnectionOptions options(PQconninfo(refused.get()));
  std::map<std::string, std::string> values;
  for (const auto* option = options.get(); option != nullptr && option->keyword != nullptr;
       ++option) {
    values[option->keyword] = text_or_empty(option->val);
  }
  return read_host_list(values["host"], values["hostaddr"], values["port"]);
}

bool ready_now(int descriptor, bool write) {
  pollfd wanted{descriptor, static_cast<short>(write ? POLLOUT : POLLIN), 0};
  return ::poll(&wanted, 1, 0) > 0;
}

}  // namespace

class Database::Connection {
 public:
  Connection(Settings settings, Session session, Timeouts timeouts, base::Random random)
      : settings_(std::move(settings)),
        session_(session),
        timeouts_(timeouts),
        random_(random),
        resolver_(timeouts.connect) {}

  [[nodiscard]] std::unique_ptr<Connection> sibling(Session session) {
    auto other =
        std::make_unique<Connection>(settings_, session, timeouts_, base::Random(random_.next()));
    other->socket_ = socket_ + (std::uint64_t{1} << 32U);  // no number of ours
    return other;
  }

  [[nodiscard]] io::Interest interest() const {
    if (phase_ == Phase::resolving) return {resolver_.descriptor(), true, false, socket_};
    const int descriptor = connection_ ? PQsocket(connection_.get()) : -1;
    if (descriptor < 0) return {-1, false, false, socket_};
    if (phase_ == Phase::connecting) return {descriptor, !wants_write_, wants_write_, socket_};
    return {descriptor, true, wants_write_, socket_};
  }

  std::optional<Event> advance(Instant now) {
    switch (phase_) {
      case Phase::waiting:
        return now < deadline_ ? std::nullopt : begin(now);
      case Phase::resolving:
        return resolve_further(now);
      case Phase::connecting:
        return connect_further(now);
      case Phase::idle:
      case Phase::asking:
        return converse(now);
    }
    return std::nullopt;
  }

  void query(const std::string& sql, Instant now) {
    TIDEGATE_MUST(phase_ == Phase::idle);
    phase_ = Phase::asking;
    answer_ = {};
    refusal_.reset();
    broken_ = PQsendQuery(connection_.get(), sql.c_str()) == 0;
    wants_write_ = !broken_ && PQflush(connection_.get()) == 1;
    deadline_ = broken_ ? Instant::min() : now + timeouts_.answer;
  }

  void read_wal(const std::string& command, std::size_t bytes, Instant now,
                const Database::Enough& enough) {
    query(command, now);
    wal_.emplace();
    wanted_ = bytes;
    enough_ = enough;
    copying_ = copy_ended_ = false;
    if (!broken_) deadline_ = now + wal_timeout;
  }

  void drop(Instant now) { drop(now, pauses_); }

  void drop(Instant now, base::Backoff& pauses) {
    connection_.reset();
    resolver_.forget();
    names_.clear();
    wal_.reset();
    copying_ = false;
    ++socket_;
    broken_ = false;
    phase_ = Phase::waiting;
    if (connected_at_ && now - *connected_at_ >= pauses_.bound()) {
      pauses_.reset();
      long_pauses_.reset();
    }
    connected_at_.reset();
    deadline_ = now + pauses.next(random_);
  }

  void leave_host(Instant now) {
    drop(now);
    preferred_host_ = first_host_ = next_host_;
  }

  void reconnect(Instant now) {
    const auto pauses = pauses_;
    drop(now);
    pauses_ = pauses;
    deadline_ = Instant::min();
  }

  [[nodiscard]] Instant deadline() const { return deadline_; }
  [[nodiscard]] bool idle() const { return phase_ == Phase::idle; }
  void set_session(Session session) { session_ = session; }
  [[nodiscard]] Session session() const { return session_; }
  [[nodiscard]] int backend_pid() const { return PQbackendPID(connection_.get()); }
  [[nodiscard]] const std::string& server() const { return server_; }

 private:
  enum class Phase : std::uint8_t { waiting, resolving, connecting, idle, asking };

  // Names first, and anew for each attempt.
  std::optional<Event> begin(Instant now) {
    phase_ = Phase::resolving;
    hosts_ = hosts_of(settings_);
    addresses_.clear();
    unresolved_.clear();
    for (const auto& entry : hosts_) {
      if (needs_lookup(entry) && names_.insert(entry.host).second) resolver_.ask(entry.host, now);
    }
    return resolve_further(now);
  }

  std::optional<Event> resolve_further(Instant now) {
    for (auto& [name, addresses, trouble] : resolver_.take(now)) {
      names_.erase(name);
      addresses_[name] = std::move(addresses);
      if (trouble.empty()) continue;
      unresolved_ += (unresolved_.empty() ? "" : "; ") + std::string("the host name \"") + name +
                     "\" can't be resolved: " + trouble;
    }
    deadline_ = resolver_.deadline();
    if (!names_.empty()) return std::nullopt;
    auto reachable = with_addresses(hosts_, addresses_);
    if (!reachable.empty() || hosts_.empty()) return start(std::move(reachable), now);
    server_ = hosts_.front().host + " port " + hosts_.front().port;
    return lost(now, {"", unresolved_});
  }

  std::optional<Event> start(HostList hosts, Instant now) {
    Settings all = defaults();
    for (const auto& setting : settings_) {
      if (hosts.empty() || !is_host_list(setting.keyword)) all.push_back(setting);
    }
    if (!hosts.empty()) {
      auto values = write_host_list(rotated(std::move(hosts), first_host_));
      all.push_back({"host", std::move(values.hosts)});
      all.push_back({"hostaddr", std::move(values.addresses)});
      all.push_back({"port", std::move(values.ports)});
    }
    if (session_ == Session::replication) all.push_back({"replication", "database"});

    connection_ = start_connection(all);
    PQsetErrorVerbosity(connection_.get(), PQERRORS_VERBOSE);
    PQsetNoticeReceiver(connection_.get(), &Connection::hear, this);
    last_words_ = {};
    hosts_tried_ = 0;
    place_.clear();
    note_server(now);
    if (PQstatus(connection_.get()) == CONNECTION_BAD) return refused(now);
    phase_ = Phase::connecting;
    wants_write_ = true;  // as libpq prescribes before the first PQconnectPoll
    ++socket_;
    return std::nullopt;
  }

  std::optional<Event> connect_further(Instant now) {
    if (!ready_now(PQsocket(connection_.get()), wants_write_)) {
      if (now < deadline_) return std::nullopt;
      first_host_ += hosts_tried_;
      return not_connected(now,
                           {"",
                            server_ + " has not accepted a connection for " +
                                std::to_string(timeouts_.connect / std::chrono::seconds(1)) + " s",
                            true});
    }
    const auto wish = PQconnectPoll(connection_.get());
    ++socket_;
    if (wish == PGRES_POLLING_FAILED) return refused(now);
    note_server(now);
    wants_write_ = wish == PGRES_POLLING_WRITING;
    if (wish != PGRES_POLLING_OK) return std::nullopt;

    PQsetnonblocking(connection_.get(), 1);
    PQsetErrorVerbosity(connection_.get(), PQERRORS_DEFAULT);
    phase_ = Phase::idle;
    next_host_ = first_host_ + hosts_tried_;
    first_host_ = preferred_host_;
    connected_at_ = now;
    deadline_ = never;
    return Connected{};
  }

  std::optional<Event> converse(Instant now) {
    auto* connection = connection_.get();
    const int unsent = broken_ ? -1 : PQflush(connection);
    if (unsent < 0 || PQconsumeInput(connection) == 0) return lost(now, parting_words());
    wants_write_ = unsent == 1;

    if (copying_ && !copy_ended_ && now >= deadline_) end_copy(now);
    while (copying_ ? take_wal(now) : PQisBusy(connection) == 0 && phase_ == Phase::asking) {
      if (copying_) continue;
      const ResultHandle result(PQgetResult(connection));
      if (result) {
        take(result.get());
        continue;
      }
      if (PQstatus(connection) == CONNECTION_BAD) return lost(now, parting_words());
      phase_ = Phase::idle;
      deadline_ = never;
      const auto wal = std::exchange(wal_, std::nullopt);
      if (refusal_) return *std::exchange(refusal_, std::nullopt);
      if (wal) return Answer{{{*wal}}};
      return std::exchange(answer_, {});
    }
    if (now < deadline_) return std::nullopt;
    return lost(now, {"",
                      server_ + " has not answered for " +
                          std::to_string(timeouts_.answer / std::chrono::seconds(1)) + " s",
                      true});
  }

  // False: more has to come first.
  bool take_wal(Instant now) {
    constexpr int message_header = 25;  // its kind, two LSNs and a time
    char* message = nullptr;
    const int size = PQgetCopyData(connection_.get(), &message, 1);
    if (size == 0) return false;
    if (size < 0) {
      copying_ = false;
      return true;
    }
    if (message[0] == 'w' && size > message_header && wal_->size() < wanted_) {
      wal_->append(message + message_header, static_cast<std::size_t>(size - message_header));
    }
    PQfreemem(message);
    const bool enough = wal_->size() >= wanted_ || (enough_ && enough_(*wal_));
    if (enough && !copy_ended_) end_copy(now);
    return true;
  }

  // The server stops as soon as it reads this; until then it fills what the socket holds.
  void end_copy(Instant now) {
    copy_ended_ = true;
    PQputCopyEnd(connection_.get(), nullptr);
    wants_write_ = PQflush(connection_.get()) == 1;
    deadline_ = now + timeouts_.answer;
  }

  void take(const PGresult* result) {
    const auto status = PQresultStatus(result);
    if (status == PGRES_COPY_BOTH) {
      copying_ = true;
      return;
    }
    if (status == PGRES_COPY_IN) {  // the server has ended its half first
      PQputCopyEnd(connection_.get(), nullptr);
      return;
    }
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
      refusal_ = QueryFailed{text_or_empty(PQresultErrorField(result, PG_DIAG_SQLSTATE)),
                             one_line(text_or_empty(PQresultErrorMessage(result)))};
      return;
    }
    answer_.rows.clear();
    answer_.rows.resize(static_cast<std::size_t>(PQntuples(result)));
    for (int row = 0; row < PQntuples(result); ++row) {
      auto& cells = answer_.rows[static_cast<std::size_t>(row)];
      for (int column = 0; column < PQnfields(result); ++column) {
        if (PQgetisnull(result, row, column) != 0) {
          cells.emplace_back();
        } else {
          cells.emplace_back(
              std::string(PQgetvalue(result, row, column),
                          static_cast<std::size_t>(PQgetlength(result, row, column))));
        }
      }
    }
  }

  Event refused(Instant now) {
    auto refusal = read_refusal(text_or_empty(PQerrorMessage(connection_.get())));
    if (PQconnectionNeedsPassword(connection_.get()) != 0) refusal.sqlstate = wrong_password;
    return not_connected(now, {std::move(refusal.sqlstate), std::move(refusal.words)});
  }

  Event not_connected(Instant now, Lost why) {
    if (!unresolved_.empty()) why.reason += "; " + unresolved_;
    return lost(now, std::move(why));
  }

  // Why a connection that had been made is gone. A server that ends it says so in a message of its
  // own, which libpq takes for a notice while no query is under way.
  Lost parting_words() {
    if (!last_words_.reason.empty()) return last_words_;
    return {refusal_ ? refusal_->sqlstate : "",
            one_line(text_or_empty(PQerrorMessage(connection_.get())))};
  }

  static void hear(void* self, const PGresult* notice) {
    const auto severity = text_or_empty(PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED));
    if (severity != "FATAL" && severity != "PANIC") return;
    static_cast<Connection*>(self)->last_words_ = {
        text_or_empty(PQresultErrorField(notice, PG_DIAG_SQLSTATE)),
        one_line(text_or_empty(PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY)))};
  }

  Event lost(Instant now, Lost why) {
    drop(now, needs_people(why.sqlstate) ? long_pauses_ : pauses_);
    return why;
  }

  // Each address that libpq turns to gets the whole time.
  void note_server(Instant now) {
    const auto host = text_or_empty(PQhost(connection_.get()));
    const auto address = text_or_empty(PQhostaddr(connection_.get()));
    const auto port = " port " + text_or_empty(PQport(connection_.get()));
    if (host + port + address != place_) {
      place_ = host + port + address;
      ++hosts_tried_;
      deadline_ = now + timeouts_.connect;
    }
    server_ = (address.empty() || address == host ? host : host + " (" + address + ")") + port;
  }

  Settings settings_;
  Session session_;
  Timeouts timeouts_;
  base::Random random_;
  ConnectionHandle connection_;
  Phase phase_ = Phase::waiting;
  Instant deadline_ = Instant::min();
  base::Backoff pauses_{std::chrono::milliseconds(100), std::chrono::seconds(5)};
  base::Backoff long_pauses_{std::chrono::seconds(1), std::chrono::seconds(30)};
  std::optional<Instant> connected_at_;
  std::uint64_t socket_ = 0;
  bool wants_write_ = false;
  bool broken_ = false;  // a query could not be sent
  io::Resolver resolver_;
  HostList hosts_;               // of this attempt, as the three below
  std::set<std::string> names_;  // not looked up yet
  std::map<std::string, std::vector<std::string>> addresses_;
  std::string unresolved_;  // the names without an address, and why
  std::string place_;       // host, port and address tried last
  std::string server_;
  std::size_t hosts_tried_ = 0;  // each address counts; in this attempt
  std::size_t first_host_ = 0;   // of the list of them
  std::size_t preferred_host_ = 0;
  std::size_t next_host_ = 0;  // the one behind the host that was connected to last
  Answer answer_;
  std::optional<std::string> wal_;  // read_wal() is under way: what has come
  Database::Enough enough_;
  std::size_t wanted_ = 0;  // of it
  bool copying_ = false;
  bool copy_ended_ = false;  // on our side
  std::optional<QueryFailed> refusal_;
  Lost last_words_;
};

std::optional<Error> check_connection_string(const std::string& text) {
  const auto settings = parse_connection_string(text);
  return settings ? std::nullopt : std::optional(settings.error());
}

Result<Database> Database::create(const std::string& connection_string, Session session,
                                  Timeouts timeouts, base::Random random) {
  auto settings = parse_connection_string(connection_string);
  if (!settings) return settings.error();
  for (const auto& [keyword, value] : *settings) {
    if (keyword != "connect_timeout") continue;
    const auto seconds = base::parse_number<int>(value);
    if (seconds && *seconds > 0) timeouts.connect = std::chrono::seconds(*seconds);
  }
  return Database(std::make_unique<Connection>(std::move(*settings), session, timeouts, random));
}

Database::Database(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Database Database::sibling(Session session) { return Database(connection_->sibling(session)); }

io::Interest Database::interest() const { return connection_->interest(); }
Instant Database::deadline() const { return connection_->deadline(); }
std::optional<Database::Event> Database::advance(Instant now) { return connection_->advance(now); }
bool Database::idle() const { return connection_->idle(); }
void Database::query(const std::string& sql, Instant now) { connection_->query(sql, now); }
void Database::read_wal(const std::string& command, std::size_t bytes, Instant now,
                        const Enough& enough) {
  connection_->read_wal(command, bytes, now, enough);
}
void Database::drop(Instant now) { connection_->drop(now); }
void Database::leave_host(Instant now) { connection_->leave_host(now); }
void Database::reconnect(Instant now) { connection_->reconnect(now); }
void Database::set_session(Session session) { connection_->set_session(session); }
int Database::backend_pid() const { return connection_->backend_pid(); }
Database::Session Database::session() const { return connection_->session(); }
const std::string& Database::server() const { return connection_->server(); }

}  // namespace tidegate::postgres
