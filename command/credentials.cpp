#include "command/credentials.hpp"

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

namespace tidegate::command {
namespace {

constexpr std::size_t most_bytes = 4096;

std::optional<std::string> line_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(most_bytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace

Credentials read_credentials(const std::vector<std::string>& settings) {
  Credentials found;
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr) return found;
  const std::filesystem::path folder(directory);
  std::error_code ignored;
  const auto key = folder / "mesh.key";
  if (std::filesystem::exists(key, ignored)) found.key_file = key.string();
  for (const auto& name : settings) {
    if (auto text = line_of(folder / name)) found.settings.emplace_back(name, std::move(*text));
  }
  return found;
}

}  // namespace tidegate::command
