#include "tests/tidy/document_rules.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace tidegate::tidy {
namespace {

namespace fs = std::filesystem;

// The files of a folder, each without its extension.
using Stems = std::set<std::string>;
using Folders = std::map<std::string, Stems>;

bool is_code(const std::string& path) { return path.ends_with(".hpp") || path.ends_with(".cpp"); }

bool is_product(const std::string& path) {
  const auto begins = {"include/", "lib/", "discovery/", "peer/", "command/"};
  return std::any_of(begins.begin(), begins.end(),
                     [&](const char* folder) { return path.starts_with(folder); });
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

Folders folders_in(const std::vector<File>& files) {
  Folders folders;
  for (const auto& file : files) {
    if (!is_code(file.path) || !is_product(file.path)) continue;
    const fs::path path(file.path);
    folders[path.parent_path().string() + "/"].insert(path.stem().string());
  }
  return folders;
}

Folders folders_of_table(const std::string& architecture) {
  static const std::regex row(R"(^\| `([a-z_/]+/)` \| ([^|]*) \|)");
  static const std::regex quoted("`([^`]*)`");
  Folders folders;
  bool inside = false;
  for (const auto& line : lines_of(architecture)) {
    inside = line == "| folder | files |" || (inside && line.starts_with('|'));
    std::smatch match;
    if (!inside || !std::regex_search(line, match, row)) continue;
    const std::string cell = match[2];
    auto& stems = folders[match[1]];
    for (std::sregex_iterator stem(cell.begin(), cell.end(), quoted), end; stem != end; ++stem) {
      stems.insert((*stem)[1]);
    }
  }
  return folders;
}

// As it is linked to: "The way back" is "the-way-back".
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    if (c == ' ' || c == '-') anchor += '-';
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return anchor;
}

bool has_heading(const std::string& path, const std::string& anchor,
                 const std::vector<File>& files) {
  static const std::regex heading("^#+ +(.*)$");
  const auto document =
      std::find_if(files.begin(), files.end(), [&](const File& file) { return file.path == path; });
  if (document == files.end()) return false;
  const auto lines = lines_of(document->text);
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
    std::smatch match;
    return std::regex_match(line, match, heading) && anchor_of(match[1]) == anchor;
  });
}

bool is_there(const std::string& path, const std::vector<File>& files) {
  return std::any_of(files.begin(), files.end(), [&](const File& file) {
    return file.path == path || file.path == "include/" + path ||
           file.path == "include/" + path + ".in";
  });
}

// The comments of a program, or a document as it is, line by line; empty where there is neither.
std::vector<std::string> prose_of(const File& file) {
  auto lines = lines_of(file.text);
  if (file.path.ends_with(".md")) return lines;
  static const std::regex comment(R"(^\s*(?://|#(?!!)) ?(.*)$)");
  static const std::regex directive(
      R"(^\s*#\s*(include|pragma|if|ifdef|ifndef|else|endif|define)\b)");
  for (auto& line : lines) {
    std::smatch match;
    const bool is_comment =
        !std::regex_search(line, directive) && std::regex_match(line, match, comment);
    line = is_comment ? match[1].str() : std::string();
  }
  return lines;
}

}  // namespace

Problems check_file_table(const std::vector<File>& files) {
  const auto document = std::find_if(
      files.begin(), files.end(), [](const File& file) { return file.path == "ARCHITECTURE.md"; });
  if (document == files.end()) return {"ARCHITECTURE.md is missing"};
  const auto tree = folders_in(files);
  const auto table = folders_of_table(document->text);
  Problems problems;
  const auto compare = [&](const Folders& some, const Folders& others, const std::string& words) {
    for (const auto& [folder, stems] : some) {
      const auto found = others.find(folder);
      for (const auto& stem : stems) {
        if (found != others.end() && found->second.contains(stem)) continue;
        problems.push_back("ARCHITECTURE.md: " + folder + stem + words);
      }
    }
  };
  compare(tree, table, " is not in the table of files");
  compare(table, tree, " is in the table of files, but not in the tree");
  return problems;
}

Problems check_paths(const File& file, const std::vector<File>& files) {
  if (file.path.starts_with("tests/tidy/")) return {};
  static const std::regex path(
      R"((?:^|[^\w/.<"])((?:bench|command|demo|discovery|docs|examples)"
      R"(|include|lib|peer|support|tests|tidegate)/[\w/]+\.(?:cpp|hpp|html|js|md|mjs|py|sh))\b)");
  static const std::regex link(R"(\]\(([\w./-]*)(?:#([\w-]+))?\))");
  Problems problems;
  int number = 0;
  for (const auto& line : prose_of(file)) {
    ++number;
    const auto complain = [&](const std::string& name) {
      problems.push_back(file.path + ":" + std::to_string(number) + " names " + name +
                         ", which is not there");
    };
    for (std::sregex_iterator match(line.begin(), line.end(), path), end; match != end; ++match) {
      if (!is_there((*match)[1], files)) complain((*match)[1]);
    }
    if (!file.path.ends_with(".md")) continue;
    for (std::sregex_iterator match(line.begin(), line.end(), link), end; match != end; ++match) {
      const std::string name = (*match)[1];
      const std::string anchor = (*match)[2];
      const auto target =
          name.empty() ? file.path
                       : (fs::path(file.path).parent_path() / name).lexically_normal().string();
      if (!name.empty() && !is_there(target, files)) complain(name);
      if (!anchor.empty() && !has_heading(target, anchor, files)) complain(name + "#" + anchor);
    }
  }
  return problems;
}

Problems check_sentences(const File& file) {
  if (!is_code(file.path) && !file.path.ends_with(".md")) return {};
  // Behind the end of a sentence, or at the beginning of a block of lines; up to its own end, which
  // may be some lines later.
  static const std::regex begin(R"((^|[.:;?!|] +|^ *[-*] +)(What|Who|Whoever|Whatever)\b)");
  Problems problems;
  const auto lines = prose_of(file);
  bool at_begin = true;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& line = lines[i];
    std::smatch match;
    if (std::regex_search(line, match, begin) && (match.position() > 0 || at_begin)) {
      auto sentence = line.substr(static_cast<std::size_t>(match.position(2)));
      for (auto next = i + 1; next < lines.size() && !lines[next].empty() &&
                              sentence.find_first_of(".?!") == std::string::npos;
           ++next) {
        sentence += " " + lines[next];
      }
      const auto end = sentence.find_first_of(".?!");
      if (end == std::string::npos || sentence[end] != '?') {
        problems.push_back(file.path + ":" + std::to_string(i + 1) +
                           " has no subject: " + sentence.substr(0, 60));
      }
    }
    at_begin = line.empty() || line.ends_with('.') || line.ends_with(':');
  }
  return problems;
}

}  // namespace tidegate::tidy
