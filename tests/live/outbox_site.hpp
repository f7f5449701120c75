// A private primary with an outbox, and a small vocabulary for subscriptions to it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "peer/servers/postgres/outbox_schema.hpp"
#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "support/temporary_directory.hpp"
#include "tidegate/outbox.hpp"

namespace tidegate::testing {

using Subscription = std::unique_ptr<OutboxSubscription>;
using Names = std::vector<std::string>;

struct OutboxSite {
  explicit OutboxSite(const support::ClusterOptions& servers = {}) : cluster(servers) {
    primary.execute(postgres::outbox_schema({}));
  }

  [[nodiscard]] OutboxOptions options(support::Server& server,
                                      const std::string& cursor = "cursor") const {
    return {.database = server.connection_string(),
            .cursor_file = (directory.path() / cursor).string(),
            .from = From::earliest,
            .poll = std::chrono::milliseconds(20)};
  }
  static Subscription open(OutboxOptions options) {
    auto opened = OutboxSubscription::open(std::move(options));
    REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().message));
    return std::move(opened).value();
  }
  void announce(const std::string& name) {
    primary.execute("SELECT tidegate.announce('t/1', '" + name + "')");
  }
  // Waits until the standby shows all that the primary has committed.
  void settle(support::Server& standby) {
    const auto lsn = primary.value("SELECT pg_current_wal_insert_lsn()");
    REQUIRE(support::eventually(std::chrono::seconds(20), [&] {
      return standby.value("SELECT pg_last_wal_replay_lsn() >= '" + lsn + "'") == "t";
    }));
  }

  support::Cluster cluster;
  support::Server& primary = cluster.primary();
  support::TemporaryDirectory directory{"outbox"};
};

template <typename Kind>
std::optional<Kind> next_notice(OutboxSubscription& outbox,
                                std::chrono::milliseconds bound = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + bound;
  while (std::chrono::steady_clock::now() < end) {
    const auto incoming = outbox.next(std::chrono::milliseconds(50));
    if (!incoming) continue;
    const auto* notice = std::get_if<Notice>(&*incoming);
    if (notice == nullptr) continue;
    if (const auto* kind = std::get_if<Kind>(notice)) return *kind;
  }
  return std::nullopt;
}

// The next delivery; a bound passes without one only where a test fails.
inline std::optional<Delivery> next_delivery(
    OutboxSubscription& outbox, std::chrono::milliseconds bound = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + bound;
  while (std::chrono::steady_clock::now() < end) {
    auto incoming = outbox.next(std::chrono::milliseconds(50));
    if (!incoming) continue;
    if (auto* delivery = std::get_if<Delivery>(&*incoming)) return std::move(*delivery);
  }
  return std::nullopt;
}

inline Names take(OutboxSubscription& outbox, std::size_t count) {
  Names names;
  while (names.size() < count) {
    const auto delivery = next_delivery(outbox);
    if (!delivery) break;
    names.push_back(delivery->message.payload);
  }
  return names;
}

// Nothing more comes in some readings.
inline void check_quiet(OutboxSubscription& outbox) {
  CHECK_FALSE(next_delivery(outbox, std::chrono::milliseconds(200)).has_value());
}

}  // namespace tidegate::testing
