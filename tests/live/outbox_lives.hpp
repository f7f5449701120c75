// Writers to an outbox and its durable receivers as child processes that are killed at any moment,
// each with a record of what it has seen happen. A line of a record is one write(2), so that it is
// there whole once that returned.
//
//     rolled NAME      a writer: will never be committed
//     committed NAME   COMMIT has returned
//     begun            a receiver: another life of it
//     got NAME         it was handed out
//     done NAME        done() has returned
//     lost             a notice said that rows were lost
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "lib/base/random.hpp"
#include "tidegate/outbox.hpp"

namespace tidegate::testing {

// A process that does its work until it is killed; with this one at the latest.
class Life {
 public:
  virtual ~Life();
  void kill();
  // Ends the one before and begins another.
  void begin();
  [[nodiscard]] int lives() const { return lives_; }

 protected:
  // In the child, which ends with it; `life` counts from 1.
  virtual int work(int life) = 0;

 private:
  pid_t child_ = -1;
  int lives_ = 0;
};

// Announces rows in transactions, some of them in savepoints, and in each the row in the table `t`
// that it announces. 15 in 100 transactions are rolled back.
class Writer final : public Life {
 public:
  Writer(std::string name, std::string server, std::string record, bool asynchronous)
      : name_(std::move(name)),
        server_(std::move(server)),
        record_(std::move(record)),
        asynchronous_(asynchronous) {}
  ~Writer() override { kill(); }

  [[nodiscard]] std::set<std::string> named(const std::string& word) const;

 private:
  int work(int life) override;

  std::string name_;
  std::string server_;
  std::string record_;
  bool asynchronous_;
};

// Acknowledges in any order, and leaves many rows open for a while.
class Receiver final : public Life {
 public:
  Receiver(OutboxOptions options, std::string record)
      : options_(std::move(options)), record_(std::move(record)) {}
  ~Receiver() override { kill(); }

  struct Seen {
    std::set<std::string> done;
    std::map<std::string, int> got;   // in which life last, from 1
    std::set<std::string> got_again;  // behind `done`, or twice in one life
    std::set<std::string> done_again;
    std::size_t open = 0;  // handed out in this life and not done
    int lost = 0;
  };
  [[nodiscard]] Seen seen() const;

 private:
  int work(int life) override;

  OutboxOptions options_;
  std::string record_;
};

}  // namespace tidegate::testing
