#include "command/health/doctor.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "command/outbox_text.hpp"
#include "command/status_text.hpp"
#include "command/units.hpp"
#include "lib/base/enum_names.hpp"
#include "lib/base/must.hpp"

namespace tidegate::health {
namespace {

constexpr std::uint64_t descriptors_per_peer = 6;
constexpr std::uint64_t own_descriptors = 64;  // of a peer alone, generously
constexpr std::uint64_t comfortable_peers = 50;
constexpr std::uint64_t noticeable_lag = std::uint64_t{16} << 20U;  // bytes of WAL

using Findings = std::vector<Finding>;

// The findings about one thing.
class Report {
 public:
  Report(Findings& findings, std::string about) : findings_(findings), about_(std::move(about)) {}

  void ok(std::string what) { add(Verdict::ok, std::move(what), ""); }
  void warn(std::string what, std::string cure) {
    add(Verdict::warning, std::move(what), std::move(cure));
  }
  void problem(std::string what, std::string cure) {
    add(Verdict::problem, std::move(what), std::move(cure));
  }

 private:
  void add(Verdict verdict, std::string what, std::string cure) {
    findings_.push_back({verdict, about_, std::move(what), std::move(cure)});
  }

  Findings& findings_;
  std::string about_;
};

void judge_interface(const InterfaceFacts& facts, Findings& findings) {
  Report report(findings, "interface " + facts.name);
  if (!facts.interface) {
    return report.problem(facts.interface.error().message, "name another one with --interfaces");
  }
  report.ok("up, address " + to_string(facts.interface->address.value_or(base::Ipv4{})));
  if (!facts.hearing) return;
  if (!*facts.hearing) {
    return report.problem("the beacon can't be tried: " + facts.hearing->error().message,
                          "name another interface, or list the other peers with --seeds");
  }
  const auto& hearing = facts.hearing->value();
  if (hearing.multicast && hearing.broadcast) {
    return report.ok("own multicast and own broadcast are heard");
  }
  if (hearing.multicast || hearing.broadcast) {
    return report.ok(hearing.multicast ? "own multicast is heard, broadcast is not; one is enough"
                                       : "own broadcast is heard, multicast is not; one is enough");
  }
  report.problem("neither own multicast nor own broadcast is heard" +
                     (hearing.trouble.empty() ? "" : " (" + hearing.trouble + ")"),
                 "let the firewall pass UDP to and from the beacon port, or list the other peers "
                 "with --seeds");
}

void judge_keys(const Options& options, const Result<keys::Keyring>& keyring, Findings& findings) {
  Report report(findings, "key");
  if (!keyring) {
    return report.problem(keyring.error().message, "mend that, or the peer does not start");
  }
  if (keyring->empty() && options.insecure) {
    return report.warn(
        "none: everybody who reaches this peer can read, join and speak",
        "make a key with 'tidegate keygen', give its file to every peer as --key-file");
  }
  if (keyring->empty()) return report.ok("none: every process of this host can join");
  report.ok(command::key_words(keyring->names()));
}

void judge_host(const Options& options, const HostFacts& host, Findings& findings) {
  judge_keys(options, host.keyring, findings);
  for (const auto& interface : host.interfaces) judge_interface(interface, findings);
  const bool only_loopback = std::all_of(
      host.interfaces.begin(), host.interfaces.end(),
      [](const auto& facts) { return facts.interface.ok() && facts.interface->loopback; });
  if (only_loopback && options.seeds.empty()) {
    Report(findings, "interfaces")
        .warn("only loopback: this peer meets no peers on other hosts",
              "name the interface of the network that the applications share with --interfaces");
  }

  Report ports(findings, "ports");
  if (host.free_ports.size() >= 2) {
    ports.ok(fmt::format("{} and {} are free", host.free_ports[0], host.free_ports[1]));
  } else {
    ports.problem(fmt::format("fewer than two TCP ports from {} to {} are free", options.first_port,
                              options.last_port),
                  "choose another range with --first-port and --last-port");
  }

  Report files(findings, "descriptors");
  const auto most = host.descriptors_most;
  const auto room = most > own_descriptors ? (most - own_descriptors) / descriptors_per_peer : 0;
  const auto what = fmt::format("{} now, {} at most: room for {} peers", host.descriptors_now, most,
                                std::min<std::uint64_t>(room, 1024));
  if (room >= comfortable_peers) {
    files.ok(what);
  } else {
    files.warn(what, "raise the hard limit of open files (ulimit -Hn, or LimitNOFILE= in a unit)");
  }
}

struct Advice {
  std::string_view sqlstate;
  std::string_view what;
  std::string_view cure;
};

// Of the refusals of a connection. `{}` is the setting that names the server.
constexpr std::array refusals = {
    Advice{
        "28P01", "wrong password, or none",
        "correct it in {}, where the special characters of a URI are percent-encoded (@ is %40), "
        "in PGPASSWORD or in the password file (~/.pgpass)"},
    Advice{"28000", "the role or this host is not let in",
           "create the role with LOGIN, or correct the user of {}, or let pg_hba.conf accept it"},
    Advice{"3D000", "wrong database",
           "name another one as dbname of {}, or create it; one of a cluster does for all"},
    Advice{"42501", "a right is missing",
           "grant it, as GRANT CONNECT ON DATABASE, or name another role in {}"},
    Advice{"53300", "no connection is free",
           "raise max_connections there, or the limit of the role, or close others"},
    Advice{"57P03", "not ready for connections now", "wait until it is, or look into its log"},
    Advice{"08P01", "the other side, perhaps a pooler, understands us not",
           "look into the log of the pooler, or name the server itself in {}"},
};

void judge_trouble(const ServerTrouble& trouble, std::string_view setting, Report& report) {
  if (trouble.when == ServerTrouble::When::reading_string) {
    return report.problem("unreadable connection string: " + trouble.words,
                          fmt::format("correct {}", setting));
  }
  if (trouble.when == ServerTrouble::When::asking) {
    return report.problem("it was reached, but does not answer what a peer asks: " + trouble.words,
                          "grant this role what it says, or name another server or role");
  }
  const auto* advice = std::find_if(refusals.begin(), refusals.end(), [&](const Advice& one) {
    return one.sqlstate == trouble.sqlstate;
  });
  if (advice != refusals.end()) {
    return report.problem(fmt::format("{}: {}", advice->what, trouble.words),
                          fmt::format(fmt::runtime(advice->cure), setting));
  }
  report.problem("not reached: " + trouble.words,
                 fmt::format("start it, or correct host and port of {}; it has to listen there "
                             "(listen_addresses), and no firewall to stand between",
                             setting));
}

void judge_replication(const ServerFacts& facts, Report& report) {
  if (facts.replication) {
    return report.ok(
        fmt::format("replication commands work, on timeline {}; {} of {} WAL senders "
                    "in use, each peer takes one",
                    facts.timeline, facts.wal_senders, facts.max_wal_senders));
  }
  const std::string lost =
      "; without them a message that still waits when a failover happens is reported as in doubt";
  if (facts.replication_refusal == "42501") {
    report.warn("replication commands are refused: " + facts.replication_words + lost,
                "run on the primary: ALTER ROLE " + facts.server.login + " REPLICATION");
  } else if (facts.replication_refusal == "53300") {
    report.warn("no WAL sender is free: " + facts.replication_words + lost,
                "raise max_wal_senders there; every peer takes one");
  } else {
    report.warn("replication commands don't work: " + facts.replication_words + lost,
                "let pg_hba.conf accept this role, and no pooler stand between");
  }
}

void judge_way(const ServerFacts& facts, Report& report) {
  if (!(facts.server.incarnation == facts.second_instance)) {
    return report.problem(
        "two connections reached two servers: " + facts.server.description + ", and " +
            facts.second_description,
        "a load balancer chooses; the gate must watch the server that this application reads; give "
        "the address of that server itself");
  }
  if (facts.pooled) {
    return report.warn("a pooler speaks for " + facts.server.description,
                       "give the address of the server itself: only there it is sure that all "
                       "questions reach the same server");
  }
  if (!facts.own_address.empty() &&
      facts.connected_to.find(facts.own_address) == std::string::npos) {
    report.warn("we connect to " + facts.connected_to + ", but the server calls itself " +
                    facts.own_address,
                "if a load balancer lies between, give the address of the server itself; an "
                "address translation does no harm");
  }
}

void judge_replay(const ServerFacts& database, const ServerFacts* primary, Report& report) {
  if (!database.server.in_recovery) {
    report.ok("it is a primary, where every change is visible as soon as it is committed");
    if (database.subscriptions == 0) return;
    return report.warn(
        "it receives changes by logical replication: those have other positions there, so messages "
        "that announce them are reported as foreign",
        "read a physical standby, or the server where they are committed; or run without "
        "--database");
  }
  if (database.replay_paused) {
    return report.problem("replay is paused at " + to_string(database.lsn) +
                              ": no change becomes visible, every message with one waits",
                          "run on it: SELECT pg_wal_replay_resume()");
  }
  if (!database.receiving) {
    report.warn("no WAL receiver runs: it follows no primary now",
                "look at primary_conninfo and at its log, unless it lives from an archive");
  }
  auto replayed = "replayed up to " + to_string(database.lsn);
  if (primary == nullptr ||
      primary->server.incarnation.cluster != database.server.incarnation.cluster) {
    return report.ok(replayed);
  }
  const auto behind = primary->lsn > database.lsn ? primary->lsn.bytes - database.lsn.bytes : 0;
  replayed += ", " + command::rough_size(behind) + " behind the primary";
  if (behind <= noticeable_lag) return report.ok(replayed);
  report.warn(replayed,
              "messages wait until it has caught up; look at its load, at the network and "
              "at recovery_min_apply_delay");
}

void judge_commits(const ServerFacts& primary, Report& report) {
  const auto& setting = primary.synchronous_commit;
  if (setting == "off") {
    report.warn("synchronous_commit is off: a commit returns before it is safe",
                "publish with \"depends\":\"commit\", never with \"durable\":true; or turn it on");
  } else {
    report.ok("synchronous_commit is " + setting +
              ": messages may depend on a \"commit\", with \"durable\":true if no session turns it "
              "off");
  }
}

void judge_pair(const ServerFacts& database, const ServerFacts& primary, Report& report) {
  if (database.server.incarnation.cluster != primary.server.incarnation.cluster) {
    return report.problem(
        fmt::format("another cluster (system identifier {}) than the database ({})",
                    primary.server.incarnation.cluster, database.server.incarnation.cluster),
        "give a database that is the primary or one of its physical replicas");
  }
  if (!database.server.in_recovery && !primary.server.in_recovery &&
      !(database.server.incarnation == primary.server.incarnation)) {
    return report.problem(
        "it and the database are two primaries of one cluster: one was promoted, or restored from "
        "a backup, beside the other, and changes that are committed here never come there",
        "let the database follow this server as a standby, or name the one of them that is right");
  }
  if (database.timeline != 0 && primary.timeline != 0 && database.timeline != primary.timeline) {
    report.warn(fmt::format("it is on timeline {}, the database on {}", primary.timeline,
                            database.timeline),
                "after a failover let the replica follow the new primary "
                "(recovery_target_timeline = 'latest')");
  }
}

// Asked of the server that is read, as the peer would read it there.
void judge_outbox(const ServerFacts& facts, Findings& findings) {
  if (!facts.has_outbox) return;
  Report report(findings, "outbox");
  if (facts.outbox_problems.empty()) return report.ok("as `tidegate outbox --sql` makes it");
  std::string all;
  for (const auto& problem : facts.outbox_problems) all += (all.empty() ? "" : "; ") + problem;
  report.problem(std::move(all), command::outbox_cure(facts.server.login));
}

const ServerFacts* known(const std::optional<Result<ServerFacts, ServerTrouble>>& facts) {
  return facts && facts->ok() ? &facts->value() : nullptr;
}

void judge_servers(const Facts& facts, Findings& findings) {
  const auto* database = known(facts.database);
  const auto* primary = known(facts.primary);
  // Without one of its own the database is also the primary, if it is one.
  if (!facts.primary && database != nullptr && !database->server.in_recovery) primary = database;

  Report reading(findings, "database");
  if (!facts.database) {
    reading.warn("none: messages are delivered at once, perhaps before their change is visible",
                 "give the server that this application reads with --database");
  } else if (database == nullptr) {
    judge_trouble(facts.database->error(), "--database", reading);
  } else {
    reading.ok(database->server.description);
    judge_way(*database, reading);
    judge_replication(*database, reading);
    judge_replay(*database, primary, reading);
    judge_outbox(*database, findings);
  }

  Report committing(findings, "primary");
  if (facts.primary && primary == nullptr) {
    return judge_trouble(facts.primary->error(), "--primary", committing);
  }
  if (primary == nullptr) {
    return committing.warn(
        "none: this peer can't announce changes (\"depends\":\"commit\" is refused)",
        "give the server where changes are committed with --primary, if this "
        "application commits any");
  }
  if (primary->server.in_recovery) {
    return committing.problem(primary->server.description + " is a standby",
                              "give the primary; with several hosts add "
                              "target_session_attrs=primary");
  }
  committing.ok(primary == database ? "the database itself" : primary->server.description);
  if (primary != database) judge_way(*primary, committing);
  if (database == nullptr) judge_outbox(*primary, findings);
  if (database != nullptr) judge_pair(*database, *primary, committing);
  judge_commits(*primary, committing);
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  static constexpr auto names = base::enum_names<Verdict>(
      {{Verdict::ok, "ok"}, {Verdict::warning, "warning"}, {Verdict::problem, "problem"}});
  return names.name(verdict);
}

std::vector<Finding> judge(const Options& options, const Facts& facts) {
  Findings findings;
  judge_host(options, facts.host, findings);
  judge_servers(facts, findings);
  return findings;
}

}  // namespace tidegate::health
