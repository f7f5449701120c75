#include "tests/tidy/repository.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/paths.hpp"

namespace tidegate::tidy {

std::vector<File> read_repository() {
  namespace fs = std::filesystem;
  const fs::path root = TIDEGATE_SOURCE_ROOT;
  std::vector<File> files;
  for (fs::recursive_directory_iterator entry(root), end; entry != end; ++entry) {
    const auto name = entry->path().filename().string();
    if (entry->is_directory()) {
      const bool hidden = name.starts_with('.') && name != ".ci";
      const bool built = entry.depth() == 0 && name.starts_with("build");
      if (hidden || built || name == "__pycache__") {
        entry.disable_recursion_pending();
      }
      continue;
    }
    const auto path = entry->path().lexically_relative(root).string();
    const auto extension = entry->path().extension().string();
    const bool text =
        extension == ".cpp" || extension == ".hpp" || extension == ".build" || extension == ".py" ||
        extension == ".sh" || extension == ".md" || extension == ".toml" || extension == ".in" ||
        extension == ".js" || extension == ".mjs" || extension == ".html" || extension == ".cfg" ||
        extension == ".css" || extension == ".yml" || extension == ".pml" || extension == ".ini" ||
        extension == ".svg" || name == "LICENSE" || path == "dev" || path == ".ci/run";
    if (extension == ".png") files.push_back({path, ""});  // texts show it
    if (!text) continue;
    std::ifstream stream(entry->path());
    std::stringstream contents;
    contents << stream.rdbuf();
    files.push_back({path, contents.str()});
  }
  return files;
}

}  // namespace tidegate::tidy
