#include "command/commands/cursor_lags.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
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

Result<std::optional<outbox::Cursor>> read_cursor(const files::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{"its file can't be read: " + path.string()};
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto read = outbox::read_cursor_file(text);
  if (!read) return Error{"its file can't be understood: " + read.error().message};
  return std::move(read->cursor);
}

}  // namespace

std::vector<KeptCursor> kept_cursors(const std::string& directory, const std::string& state_file) {
  Places places;
  if (!directory.empty()) find(directory, "", suffix, places);
  if (!state_file.empty()) {
    const auto path = files::absolute(state_file);
    find(path.parent_path(), path.filename().string() + std::string(suffix) + ".", "", places);
  }
  std::sort(places.begin(), places.end());
  std::vector<KeptCursor> kept;
  kept.reserve(places.size());
  for (auto& [name, path] : places) {
    kept.push_back({std::move(name), path.string(), read_cursor(path)});
  }
  return kept;
}

std::optional<KeptCursor> bridge_cursor(postgres::Database& database) {
  const auto answer =
      postgres::ask(database, postgres::plain_question_settings +
                                  "SELECT cursor FROM tidegate.bridge WHERE has_table_privilege("
                                  "'tidegate.bridge', 'SELECT')");
  if (!answer || answer->empty() || answer->front().empty()) return std::nullopt;
  const auto text = answer->front().front().value_or("");
  if (text.empty()) return std::nullopt;
  KeptCursor kept{"(bridge)", "tidegate.bridge", std::optional<outbox::Cursor>()};
  auto cursor = outbox::cursor_from_text(text);
  if (cursor) {
    kept.cursor = std::optional(std::move(cursor).value());
  } else {
    kept.cursor = Error{"it can't be understood: " + cursor.error().message};
  }
  return kept;
}

postgres::CursorLag lag_of(const KeptCursor& kept, postgres::Database& database) {
  postgres::CursorLag lag{.name = kept.name, .trouble = ""};
  if (!kept.cursor || !*kept.cursor) {
    lag.trouble = kept.cursor ? "its file is empty: " + kept.file : kept.cursor.error().message;
    return lag;
  }
  const auto& state = (*kept.cursor)->now;
  lag.settled = state.settled;
  const auto answer = postgres::ask(
      database, postgres::plain_question_settings + postgres::outbox_behind_question(state));
  if (!answer) {
    lag.trouble = to_words(answer.error());
  } else if (!postgres::read_outbox_behind(*answer, lag)) {
    lag.trouble = "the server did not tell how many rows it has behind the cursor";
  }
  return lag;
}

}  // namespace tidegate::commands
