#include "command/commands/cursor_lags.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "lib/outbox/cursor_records.hpp"
#include "peer/servers/postgres/session_settings.hpp"
#include "peer/servers/postgres/sql_question.hpp"

namespace tidegate::commands {
namespace {

namespace files = std::filesystem;

using Places = std::vector<std::pair<std::string, files::path>>;  // name and file

constexpr std::string_view suffix = ".outbox";

// The name that is left of the file's without what stands before and behind it.
void find(const files::path& directory, std::string_view before, std::string_view behind,
          Places& places) {
  std::error_code error;
  for (files::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    auto name = entry->path().filename().string();
    if (name.size() <= before.size() + behind.size() || name.rfind(before, 0) != 0 ||
        name.substr(name.size() - behind.size()) != behind || name.ends_with(".lock") ||
        name.ends_with(".new")) {
      continue;
    }
    name = name.substr(before.size(), name.size() - before.size() - behind.size());
    places.emplace_back(std::move(name), entry->path());
  }
}

Result<outbox::Cursor> read_cursor(const files::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{"its file can't be read: " + path.string()};
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto read = outbox::read_cursor_file(text);
  if (!read) return Error{"its file can't be understood: " + read.error().message};
  if (!read->cursor) return Error{"its file is empty: " + path.string()};
  return std::move(*read->cursor);
}

postgres::CursorLag lag_of(std::string name, const files::path& path,
                           postgres::Database& database) {
  postgres::CursorLag lag{.name = std::move(name), .trouble = ""};
  const auto cursor = read_cursor(path);
  if (!cursor) {
    lag.trouble = cursor.error().message;
    return lag;
  }
  lag.settled = cursor->now.settled;
  const auto answer = postgres::ask(
      database, postgres::plain_question_settings + postgres::outbox_behind_question(cursor->now));
  if (!answer) {
    lag.trouble = to_words(answer.error());
  } else if (answer->size() != 1 || !postgres::read_number(answer->front().front(), lag.rows)) {
    lag.trouble = "the server did not tell how many rows it has behind the cursor";
  }
  return lag;
}

}  // namespace

std::vector<postgres::CursorLag> cursor_lags(const std::string& directory,
                                             const std::string& state_file,
                                             postgres::Database& database) {
  Places places;
  if (!directory.empty()) find(directory, "", suffix, places);
  if (!state_file.empty()) {
    const auto path = files::absolute(state_file);
    find(path.parent_path(), path.filename().string() + std::string(suffix) + ".", "", places);
  }
  std::sort(places.begin(), places.end());
  std::vector<postgres::CursorLag> lags;
  lags.reserve(places.size());
  for (auto& [name, path] : places) lags.push_back(lag_of(std::move(name), path, database));
  return lags;
}

}  // namespace tidegate::commands
