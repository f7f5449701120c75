// Answers of a database server, messages of libpq, and the file in which a peer keeps itself.
#include <cstdio>
#include <fstream>
#include <string>

#include <unistd.h>

#include "lib/base/must.hpp"
#include "peer/servers/postgres/connection.hpp"
#include "peer/servers/postgres/history_query.hpp"
#include "peer/servers/postgres/host_list.hpp"
#include "peer/servers/postgres/libpq_text.hpp"
#include "peer/servers/postgres/promotion.hpp"
#include "peer/servers/postgres/server_sql.hpp"
#include "peer/state_file.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/lib/samples.hpp"

namespace tidegate::fuzz {
namespace {

// A line for each row, the cells separated by tabs; "\N" is NULL.
std::vector<postgres::SqlRow> rows_of(std::string_view text) {
  std::vector<postgres::SqlRow> rows;
  while (!text.empty() && rows.size() < 4) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    auto& row = rows.emplace_back();
    while (true) {
      const auto tab = std::min(line.find('\t'), line.size());
      const auto cell = line.substr(0, tab);
      row.emplace_back(cell == "\\N" ? std::nullopt : std::optional<std::string>(cell));
      if (tab == line.size()) break;
      line.remove_prefix(tab + 1);
    }
  }
  return rows;
}

// The first line is the timeline, the rest the file, and what its WAL begins with.
void read_history(std::string_view input) {
  const auto end = std::min(input.find('\n'), input.size());
  const auto timeline = postgres::parse_timeline(std::string(input.substr(0, end)));
  if (!timeline) return;
  const std::string text(input.substr(std::min(end + 1, input.size())));
  postgres::HistoryQuery query(*timeline, {8192, 16777216});
  while (const auto question = query.question()) {
    const std::vector<postgres::SqlRow> rows =
        question->wal ? std::vector<postgres::SqlRow>{{text}}
                      : std::vector<postgres::SqlRow>{{"00000007.history", text}};
    if (query.answered(rows)) return;
  }
  (void)query.history();
}

void check_hidden(const std::string& text) {
  const auto error = postgres::check_connection_string(text);
  TIDEGATE_MUST(!error || error->message.find("hush") == std::string::npos);
}

}  // namespace

// No error shows the password, whatever stands behind it.
void read_connection_string(std::string_view input) {
  const std::string text(input);
  if (text.find('\0') != std::string::npos) return;
  (void)postgres::check_connection_string(text);
  check_hidden("password=hush" + text);
  check_hidden("host=a password = 'hu" + text + "hush");
  check_hidden("postgresql://me:hush" + text);
  check_hidden("me:hush@" + text);
  const auto refusal = postgres::read_refusal(input);
  TIDEGATE_MUST(refusal.words.find('\n') == std::string::npos);
  const auto comma = std::min(text.find(';'), text.size());
  const auto hosts = postgres::read_host_list(input.substr(0, comma), "", input.substr(comma));
  (void)postgres::write_host_list(hosts);
}

std::vector<std::string> connection_string_seeds() {
  return {"host=a,b port=1,2 dbname='x y' user=me",
          "@a:5432,[::1]/db?sslmode=require&password=x",
          "postgres://me@%2Frun/db",
          "FATAL:  28P01: password failed\nLOCATION:  x, y.c:7\n\tmore",
          " hush hush",
          "dbname=x://y@z"};
}

// The first byte says which question it answers.
void read_server_answer(std::string_view input) {
  if (input.empty()) return;
  const auto question = input.front();
  input.remove_prefix(1);
  constexpr WalLayout layout{8192, 16777216};
  switch (question) {
    case 'h':
      read_history(input);
      break;
    case 'w':
      (void)postgres::promotion_time(input, Lsn{0x3000028}, layout);
      (void)postgres::promotion_time(input, Lsn{0x3000000}, layout);
      break;
    case 'i':
      (void)postgres::read_introduction(rows_of(input), "a port 5432");
      break;
    case 'c': {
      auto rows = rows_of(input);
      (void)postgres::take_identity(rows);
      (void)postgres::read_commit_position(rows, {7, 1}, layout);
      break;
    }
    case 'p':
      (void)postgres::read_stranger_commit_position(rows_of(input));
      break;
    default:
      (void)postgres::timeline_of_wal_file(std::string(input));
      (void)postgres::parse_timeline(std::string(input));
      (void)parse_lsn(input);
  }
}

std::vector<std::string> server_answer_seeds() {
  const std::string identity = "\t1700000000.5\t1700000000\t1700000001\t\\N";
  return {
      "h7\n1\t0/3000000\tno recovery target\n# x\n6\t0/4000060\tafter\n",
      "w" + std::string(24, '\0') + std::string("\x32\0\0\0\x05\0\0\0", 8) + std::string(40, 'x'),
      "i7423456789012345678\t8192\t16777216\tt\tme\t15.6\t2024-01-01\t10.0.0.1" + identity,
      "c0/3000060\t0/3000060\t000000010000000000000003" + identity,
      "p0/3000060\t0/3000060\t000000010000000000000003\t7\t8192\t16777216" + identity,
      "x000000010000000000000003"};
}

void read_state_file(std::string_view input) {
  const auto path = "/dev/shm/tidegate-fuzz-" + std::to_string(getpid());
  std::ofstream(path, std::ios::binary) << input;
  {
    const auto first = peer::StateFile::open(path, testing::origin(1), "boot");
    if (first) {
      const auto second = peer::StateFile::open(path, testing::origin(1), "boot");
      TIDEGATE_MUST(!second);  // it is locked
    }
  }
  for (const auto* end : {"", ".lock", ".new"}) std::remove((path + end).c_str());
}

std::vector<std::string> state_file_seeds() {
  const auto path = "/dev/shm/tidegate-fuzz-seed-" + std::to_string(getpid());
  {
    auto made = peer::StateFile::open(path, testing::origin(1), "boot");
    if (made) made->store(7);
  }
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  for (const auto* end : {"", ".lock"}) std::remove((path + end).c_str());
  return {bytes};
}

}  // namespace tidegate::fuzz
