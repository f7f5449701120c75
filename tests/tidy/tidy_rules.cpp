#include "tests/tidy/tidy_rules.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/tidy/outline.hpp"

namespace tidegate::tidy {
namespace {

struct Include {
  std::string name;
  bool quoted = false;
};

std::vector<Include> includes_of(const File& file) {
  static const std::regex directive(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> includes;
  std::istringstream lines(file.text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_search(line, match, directive)) includes.push_back({match[2], match[1] == "\""});
  }
  return includes;
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](const std::string& beginning) { return text.starts_with(beginning); });
}

bool is_header(const std::string& path) { return path.ends_with(".hpp"); }
bool is_source(const std::string& path) { return is_header(path) || path.ends_with(".cpp"); }

// A folder with what it may include besides itself. Folders that are not listed, the tests, may
// include anything.
struct Layer {
  std::string folder;
  std::vector<std::string> others;  // beginnings of paths from the root of the repository
  std::vector<std::string> system;  // beginnings of headers with a dot or a slash in their name
};

const std::vector<Layer>& layers() {
  static const std::vector<std::string> any_system = {""};
  static const std::vector<Layer> all = {
      {"include/tidegate/", {}, {}},
      {"lib/base/", {"tidegate/"}, {}},
      {"lib/keys/", {"tidegate/", "lib/base/"}, {"sodium.h"}},
      {"lib/message/", {"tidegate/", "lib/base/"}, {"sodium.h"}},
      {"lib/gate/", {"tidegate/", "lib/base/", "lib/message/"}, {}},
      {"lib/mesh/", {"tidegate/", "lib/base/", "lib/message/"}, {}},
      {"lib/node/", {"tidegate/", "lib/"}, {}},
      {"lib/stomp/", {"tidegate/", "lib/base/", "lib/message/"}, {}},
      {"lib/outbox/", {"tidegate/", "lib/base/", "lib/message/", "lib/gate/"}, {}},
      {"discovery/",
       {"tidegate/", "lib/base/", "lib/keys/", "lib/mesh/announcement.", "peer/io/descriptor."},
       {"arpa/", "linux/", "net/", "netinet/", "sys/", "fcntl.h", "ifaddrs.h", "netdb.h", "poll.h",
        "sodium.h", "unistd.h"}},
      {"peer/io/",
       {"tidegate/", "lib/base/"},
       {"sys/", "fcntl.h", "netdb.h", "poll.h", "signal.h", "unistd.h"}},
      {"peer/carriers/",
       {"tidegate/", "lib/base/", "lib/keys/", "lib/message/", "lib/mesh/", "peer/io/"},
       any_system},
      {"peer/servers/",
       {"tidegate/", "lib/base/", "lib/message/", "lib/gate/", "lib/outbox/", "peer/io/"},
       any_system},
      {"peer/", {"tidegate/", "lib/", "discovery/"}, any_system},
      {"command/", {"tidegate/", "lib/", "discovery/", "peer/"}, any_system},
      {"support/", {"tidegate/", "peer/io/clock.", "peer/io/descriptor."}, any_system},
      {"demo/",
       {"tidegate/", "support/", "lib/base/must.", "peer/io/clock.", "peer/io/descriptor.",
        "peer/io/listener."},
       any_system},
      {"bench/", {"tidegate/", "support/", "peer/io/clock.", "peer/io/descriptor."}, any_system},
      {"bench/core/",
       {"tidegate/", "lib/", "tests/lib/samples."},
       {"benchmark/", "malloc.h", "time.h"}},
  };
  return all;
}

// The innermost folder counts.
const Layer* layer_of(const std::string& path) {
  const Layer* found = nullptr;
  for (const auto& layer : layers()) {
    if (!path.starts_with(layer.folder)) continue;
    if (found == nullptr || layer.folder.size() > found->folder.size()) found = &layer;
  }
  return found;
}

// How a file of this folder is included.
std::string include_name(const std::string& folder) {
  return folder == "include/tidegate/" ? "tidegate/" : folder;
}

// Libraries that only few files of the product may see. Everybody else talks to those files.
struct Foreign {
  std::string name;
  std::vector<std::string> headers;    // beginnings
  std::vector<std::string> includers;  // beginnings of paths
};

const std::vector<Foreign>& foreign_libraries() {
  static const std::vector<Foreign> all = {
      {"msgpack", {"msgpack"}, {"lib/mesh/frame_writer.", "lib/mesh/frame_cursor."}},
      {"zmq", {"zmq"}, {"peer/carriers/zeromq/", "bench/carriers/libzmq."}},
      {"libpq",
       {"libpq", "postgresql/", "pg_config"},
       {"peer/servers/postgres/libpq_handles.", "peer/servers/postgres/connection.",
        "peer/servers/postgres/commit.cpp", "peer/servers/postgres/sql_change.cpp",
        "support/session.cpp", "bench/carriers/postgres_notify.cpp", "bench/sources/logical_slot.",
        "bench/sources/notify."}},
      {"curses", {"curses", "ncurses"}, {"command/top/screen.cpp"}},
      {"boost",
       {"boost/"},
       {"command/doors/http/", "command/doors/network_thread.", "command/doors/tls/"}},
  };
  return all;
}

}  // namespace

Problems check_includes(const File& file) {
  const auto* layer = layer_of(file.path);
  if (layer == nullptr || !is_source(file.path)) return {};
  Problems problems;
  for (const auto& [name, quoted] : includes_of(file)) {
    const auto problem = file.path + " may not include " + name + ": ";
    const bool has_folder = name.find('/') != std::string::npos;
    if (quoted && !has_folder) {
      problems.push_back(problem + "a file is included by its path from the root");
    }
    if (quoted && has_folder && !name.starts_with(include_name(layer->folder)) &&
        !starts_with_any(name, layer->others)) {
      problems.push_back(problem + layer->folder + " has no right to it");
    }
    if (quoted) continue;
    const auto& libraries = foreign_libraries();
    const auto library = std::find_if(
        libraries.begin(), libraries.end(),
        [&name = name](const Foreign& foreign) { return starts_with_any(name, foreign.headers); });
    if (library != libraries.end()) {
      if (!starts_with_any(file.path, library->includers)) {
        problems.push_back(problem + library->name + " belongs to " + library->includers.front() +
                           "*");
      }
    } else if ((has_folder || name.find('.') != std::string::npos) &&
               !starts_with_any(name, layer->system)) {
      problems.push_back(problem + layer->folder + " has no business with it");
    }
  }
  return problems;
}

Problems check_purity(const File& file) {
  if (!starts_with_any(file.path, {"lib/", "include/"}) || !is_source(file.path)) return {};
  std::vector<std::string> words = {
      "steady_clock",   "system_clock",  "high_resolution_clock",
      "std::time",      "clock_gettime", "gettimeofday",
      "std::thread",    "std::jthread",  "std::this_thread",
      "std::mutex",     "std::future",   "std::async",
      "random_device",  "std::rand",     "getenv",
      "fopen",          "<thread>",      "<mutex>",
      "<future>",       "<fstream>",     "<filesystem>",
      "<shared_mutex>", "<semaphore>",   "<condition_variable>",
  };
  if (file.path != "lib/base/must.hpp") {  // a dying process may say why
    words.insert(words.end(), {"printf", "fprintf", "vprintf", "puts", "fputs", "fwrite",
                               "<iostream>", "std::cout", "std::cerr", "std::clog"});
  }
  Problems problems;
  const auto code = without_comments_and_literals(file.text);
  for (const auto& word : words) {
    if (mentions(code, word)) {
      problems.push_back(file.path + " says '" + word +
                         "', but this folder is pure: time, randomness " +
                         "and effects belong to its callers");
    }
  }
  return problems;
}

Problems check_sleep(const File& file) {
  if (!file.path.starts_with("tests/") || !is_source(file.path) ||
      starts_with_any(file.path, {"tests/buildbot/", "tests/live/", "tests/support/"})) {
    return {};
  }
  Problems problems;
  const auto code = without_comments_and_literals(file.text);
  for (const auto* word : {"sleep_for", "sleep_until", "sleep", "usleep", "nanosleep"}) {
    if (mentions(code, word)) {
      problems.push_back(file.path + " says '" + word + "': test logic in virtual time");
    }
  }
  return problems;
}

Problems check_simulation(const File& file) {
  if (!file.path.starts_with("tests/sim/") || !is_source(file.path) ||
      starts_with_any(file.path, {"tests/sim/main.", "tests/sim/batch."})) {
    return {};
  }
  Problems problems;
  const auto code = without_comments_and_literals(file.text);
  for (const auto* word :
       {"steady_clock", "system_clock", "clock_gettime", "random_device", "std::rand",
        "std::thread", "std::mutex", "unordered_map", "unordered_set"}) {
    if (mentions(code, word)) {
      problems.push_back(file.path + " says '" + word +
                         "': a seed has to mean the same everywhere");
    }
  }
  return problems;
}

Problems check_header(const File& file) {
  if (!is_header(file.path)) return {};
  Problems problems;
  if (!file.text.starts_with("// ")) {
    problems.push_back(file.path + " does not begin with a comment that says what it is");
  }
  // Those to be precompiled are compiled alone; g++ warns of it there.
  const bool alone = file.path.starts_with("tests/pch/");
  if (!alone && file.text.find("\n#pragma once\n") == std::string::npos) {
    problems.push_back(file.path + " has no #pragma once");
  }
  return problems;
}

Problems check_text(const File& file) {
  Problems problems;
  std::istringstream lines(file.text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto place = file.path + ":" + std::to_string(++number);
    if (line.find('\t') != std::string::npos) problems.push_back(place + " has a tab character");
    if (line.ends_with(' ') || line.ends_with('\r')) {
      problems.push_back(place + " ends with a blank");
    }
    for (const auto* word : {"TO"
                             "DO",
                             "FIX"
                             "ME",
                             "XX"
                             "X"}) {
      if (mentions(line, word)) problems.push_back(place + " leaves something to be done");
    }
  }
  return problems;
}

Problems check_length(const File& file) {
  static const std::regex example("examples/.+/.+");
  const auto most = std::regex_match(file.path, example) ? 40 : 500;
  const auto lines = std::count(file.text.begin(), file.text.end(), '\n');
  if (lines <= most) return {};
  return {file.path + " has " + std::to_string(lines) + " lines; split it by ideas"};
}

Problems check_columns(const File& file) {
  constexpr std::size_t most = 100;
  if (file.path.ends_with(".md")) return {};
  Problems problems;
  std::istringstream lines(file.text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    // Characters: a byte of UTF-8 that begins with 10 goes on with one.
    const auto columns = std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    });
    if (static_cast<std::size_t>(columns) > most) {
      problems.push_back(file.path + ":" + std::to_string(number) + " has " +
                         std::to_string(columns) + " columns");
    }
  }
  return problems;
}

Problems check_function_length(const File& file) {
  constexpr int most = 70;
  if (!is_source(file.path) || file.path.starts_with("tests/")) return {};
  Problems problems;
  for (const auto& definition : outline(without_comments_and_literals(file.text))) {
    if (definition.kind != Definition::Kind::function || definition.lines() <= most) continue;
    problems.push_back(file.path + ":" + std::to_string(definition.first_line) +
                       " begins a function of " + std::to_string(definition.lines()) +
                       " lines; split it by ideas");
  }
  return problems;
}

Problems check_names(const std::vector<File>& files) {
  std::map<std::string, std::string> first;  // where each name was met
  Problems problems;
  for (const auto& file : files) {
    if (!is_source(file.path)) continue;
    for (const auto& definition : outline(without_comments_and_literals(file.text))) {
      if (definition.kind != Definition::Kind::type || definition.local) continue;
      const auto [entry, fresh] = first.emplace(definition.name, file.path);
      if (fresh) continue;
      problems.push_back(file.path + " defines " + definition.name + ", as " + entry->second +
                         " does");
    }
  }
  return problems;
}

Problems check_dead_files(const std::vector<File>& files) {
  static const std::regex literal("'([^']*)'");
  std::set<std::string> alive;
  for (const auto& file : files) {
    const auto folder = std::filesystem::path(file.path).parent_path();
    if (file.path.ends_with("meson.build")) {
      for (std::sregex_iterator match(file.text.begin(), file.text.end(), literal), end;
           match != end; ++match) {
        alive.insert((folder / (*match)[1].str()).lexically_normal());
      }
    }
    for (const auto& include : includes_of(file)) {
      alive.insert(include.name);
      if (include.name.starts_with("tidegate/")) alive.insert("include/" + include.name);
      alive.insert((folder / include.name).lexically_normal());
    }
  }
  // An example is built as a user builds it, by a script of the tests.
  const auto built_by_script = [&](const std::string& path) {
    const auto stem = std::filesystem::path(path).stem().string();
    return path.starts_with("examples/") &&
           std::any_of(files.begin(), files.end(), [&](const File& file) {
             return file.path.ends_with("_test.sh") && mentions(file.text, stem);
           });
  };
  Problems problems;
  for (const auto& file : files) {
    if (is_source(file.path) && !alive.contains(file.path) && !built_by_script(file.path)) {
      problems.push_back(file.path + " is neither named in a meson.build nor included");
    }
  }
  return problems;
}

std::string without_comments_and_literals(const std::string& text) {
  // In this order: a raw string, a comment or a digit separator is seen before the plain literal
  // that it resembles.
  std::string code;
  for (std::size_t at = 0; at < text.size();) {
    const auto rest = std::string_view(text).substr(at);
    // Lines are kept, so that a place in the code is one in the text.
    const auto skip_to = [&](std::string_view end) {
      const auto found = rest.find(end, 2);
      const auto length = found == std::string_view::npos ? rest.size() : found + end.size();
      const auto skipped = rest.substr(0, length);
      code.append(static_cast<std::size_t>(std::count(skipped.begin(), skipped.end(), '\n')), '\n');
      at += length;
    };
    if (rest.starts_with("R\"")) {
      skip_to(")" + std::string(rest.substr(2, rest.find('(') - 2)) + "\"");
      code += "\"\"";
    } else if (rest.starts_with("//")) {
      skip_to("\n");
    } else if (rest.starts_with("/*")) {
      skip_to("*/");
      code += ' ';
    } else if (rest[0] == '\'' && at > 0 &&
               std::isxdigit(static_cast<unsigned char>(text[at - 1]))) {
      ++at;
    } else if (rest[0] == '"' || rest[0] == '\'') {
      std::size_t end = 1;
      while (end < rest.size() && rest[end] != rest[0]) end += rest[end] == '\\' ? 2 : 1;
      at = std::min(at + end + 1, text.size());
      code.append(2, rest[0]);
    } else {
      code += rest[0];
      ++at;
    }
  }
  return code;
}

bool mentions(const std::string& text, const std::string& word) {
  const auto in_word = [&](std::size_t at) {
    return at < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_');
  };
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    if ((at == 0 || !in_word(at - 1)) && !in_word(at + word.size())) return true;
  }
  return false;
}

}  // namespace tidegate::tidy
