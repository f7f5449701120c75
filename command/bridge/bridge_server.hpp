// The primary as a bridge asks it: one question at a time, on one connection, since a bridge works
// as long as its session lasts. It waits in a reactor, which may change: the bridge begins before
// it has a peer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "peer/io/reactor.hpp"
#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/postgres/sql_row.hpp"
#include "tidegate/result.hpp"

namespace tidegate::command {

class BridgeServer {
 public:
  using Rows = std::vector<postgres::SqlRow>;

  // An error: the server refused. Without an answer the connection was lost, and what became of the
  // question is not known.
  using Answered = std::function<void(std::optional<Result<Rows>>)>;

  // Refuses a connection string that libpq can't read.
  static Result<BridgeServer> open(const std::string& primary);

  // Its events come while this reactor runs, as long as the attachment lasts.
  class Attachment {
   public:
    Attachment(BridgeServer& server, io::Reactor& reactor);
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;
    ~Attachment();

   private:
    BridgeServer& server_;
  };

  // Connected, with nothing under way.
  [[nodiscard]] bool idle() const { return parts_->database.idle() && !parts_->answered; }

  // Only when idle().
  void ask(const std::string& question, Answered answered);

  // Counts the connections that were lost.
  [[nodiscard]] std::size_t lost() const { return parts_->lost; }
  // Why there is none; empty: there is.
  [[nodiscard]] const std::string& trouble() const { return parts_->trouble; }

 private:
  // In one place, for the callbacks.
  struct Parts {
    explicit Parts(postgres::Database the_database) : database(std::move(the_database)) {}
    void turn();

    postgres::Database database;
    Answered answered;
    std::size_t lost = 0;
    std::string trouble = "it is not connected yet";
    io::Reactor::Watch watch;
    std::optional<io::Reactor::Timer> timer;
  };
  explicit BridgeServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

  std::unique_ptr<Parts> parts_;
};

}  // namespace tidegate::command
