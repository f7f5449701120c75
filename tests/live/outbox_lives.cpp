#include "tests/live/outbox_lives.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer/io/descriptor.hpp"
#include "support/session.hpp"
#include "tests/live/forked.hpp"

namespace tidegate::testing {
namespace {

using namespace std::chrono_literals;

// Rows that a receiver leaves open, so that its cursor is written while there are some.
constexpr std::size_t most_open = 200;

class Record {
 public:
  explicit Record(const std::string& path)
      : file_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) {}

  void write(std::string line) {
    line += '\n';
    if (::write(file_.get(), line.data(), line.size()) < 0) ::_exit(1);
  }

 private:
  io::Descriptor file_;
};

std::pair<std::string, std::string> split(const std::string& line) {
  const auto blank = std::min(line.find(' '), line.size());
  return {line.substr(0, blank), line.substr(std::min(blank + 1, line.size()))};
}

class Transactions {
 public:
  Transactions(std::string prefix, bool asynchronous, const std::string& record, int seed)
      : prefix_(std::move(prefix)),
        begin_(asynchronous ? "BEGIN; SET LOCAL synchronous_commit = off" : "BEGIN"),
        record_(record),
        random_(static_cast<std::uint64_t>(seed)) {}

  void one(support::Session& session) {
    std::vector<std::string> names;
    session.execute(begin_);
    for (auto rows = 1 + random_.below(3); rows > 0; --rows) {
      auto name = prefix_ + std::to_string(++number_);
      const bool savepoint = random_.below(2) == 0;
      session.execute(
          (savepoint ? "SAVEPOINT s; INSERT INTO t VALUES ('" : "INSERT INTO t VALUES ('") + name +
          "'); SELECT tidegate.announce('t/1', '" + name + "')");
      if (savepoint && random_.below(3) == 0) {
        record_.write("rolled " + name);
        session.execute("ROLLBACK TO s");
      } else {
        names.push_back(std::move(name));
      }
    }
    const bool rolled = random_.below(100) < 15;
    if (rolled) note("rolled ", names);
    session.execute(rolled ? "ROLLBACK" : "COMMIT");
    if (!rolled) note("committed ", names);
  }

 private:
  void note(const std::string& word, const std::vector<std::string>& names) {
    for (const auto& name : names) record_.write(word + name);
  }

  std::string prefix_;
  std::string begin_;
  Record record_;
  base::Random random_;
  int number_ = 0;
};

}  // namespace

Life::~Life() = default;

void Life::kill() {
  if (child_ < 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
  child_ = -1;
}

void Life::begin() {
  kill();
  ++lives_;
  child_ = fork_to([this] {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    return work(lives_);
  });
}

int Writer::work(int life) {
  Transactions transactions(name_ + std::to_string(life) + ".", asynchronous_, record_, life);
  while (true) {
    try {
      support::Session session(server_);
      while (true) transactions.one(session);
    } catch (const std::runtime_error&) {  // the server is down
      std::this_thread::sleep_for(5ms);
    }
  }
}

std::set<std::string> Writer::named(const std::string& word) const {
  std::set<std::string> names;
  std::ifstream file(record_);
  for (std::string line; std::getline(file, line);) {
    auto [first, name] = split(line);
    if (first == word) names.insert(std::move(name));
  }
  return names;
}

int Receiver::work(int life) {
  Record record(record_);
  base::Random random(static_cast<std::uint64_t>(life));
  record.write("begun");
  auto options = options_;
  options.taken_by_done = true;
  auto opened = OutboxSubscription::open(options);
  if (!opened) {
    record.write("refused " + opened.error().message);
    return 1;
  }
  std::vector<std::pair<Ticket, std::string>> open;
  while (true) {
    const auto incoming = (*opened)->next(1ms);
    if (incoming) {
      if (const auto* delivery = std::get_if<Delivery>(&*incoming)) {
        record.write("got " + delivery->message.payload);
        open.emplace_back(delivery->row->ticket, delivery->message.payload);
      } else if (std::holds_alternative<OutboxLost>(std::get<Notice>(*incoming))) {
        record.write("lost");
      }
    }
    if (open.size() > most_open || (!incoming && !open.empty())) {
      std::swap(open[random.below(open.size())], open.back());
      (*opened)->done(open.back().first);
      record.write("done " + open.back().second);
      open.pop_back();
    }
  }
}

Receiver::Seen Receiver::seen() const {
  Seen seen;
  int life = 0;
  std::ifstream file(record_);
  for (std::string line; std::getline(file, line);) {
    const auto [word, name] = split(line);
    if (word == "begun") {
      ++life;
      seen.open = 0;
    } else if (word == "got") {
      ++seen.open;
      auto& last = seen.got[name];
      if (last == life || seen.done.contains(name)) seen.got_again.insert(name);
      last = life;
    } else if (word == "done") {
      --seen.open;
      if (!seen.done.insert(name).second) seen.done_again.insert(name);
    } else {
      ++seen.lost;
    }
  }
  return seen;
}

}  // namespace tidegate::testing
