#include "command/secret_words.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

#include <sys/stat.h>

namespace tidegate::command {
namespace {

// "password = hush", in any case.
bool has_assignment(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const std::string_view keyword : {"password", "pasword", "passwd", "pwd"}) {
    for (auto at = lower.find(keyword); at != lower.npos; at = lower.find(keyword, at + 1)) {
      const auto behind = lower.find_first_not_of(" \t", at + keyword.size());
      if (behind != lower.npos && lower[behind] == '=') return true;
    }
  }
  return false;
}

// "x://me:hush@host", also where the host was forgotten; a port is no password.
bool has_login_in_uri(std::string_view text) {
  const auto scheme = text.find("://");
  if (scheme == text.npos) return false;
  text.remove_prefix(scheme + 3);
  if (text.find('@') != text.npos) return true;
  text = text.substr(0, text.find('/'));
  for (auto colon = text.find(':'); colon != text.npos; colon = text.find(':', colon + 1)) {
    if (colon + 1 < text.size() && (text[colon + 1] < '0' || text[colon + 1] > '9')) return true;
  }
  return false;
}

// "me:hush@host".
bool has_login(std::string_view text) {
  const auto at = text.find('@');
  const auto word = text.substr(0, at);
  const auto blank = word.find_last_of(" \t");
  return at != text.npos && word.find(':', blank == word.npos ? 0 : blank) != word.npos;
}

}  // namespace

bool may_be_secret(std::string_view text) {
  return text.find("tidegate-key-") != text.npos || has_assignment(text) ||
         has_login_in_uri(text) || has_login(text);
}

std::vector<std::string> take_arguments(int count, char** arguments) {
  std::vector<std::string> words;
  for (int i = 1; i < count; ++i) {
    char* word = arguments[i];
    words.emplace_back(word);
    if (!may_be_secret(word)) continue;
    const bool flag = std::strncmp(word, "--", 2) == 0;
    char* value = flag ? std::strchr(word, '=') : nullptr;
    value = value == nullptr ? word : value + 1;
    std::memset(value, '*', std::strlen(value));
  }
  return words;
}

bool others_may_read(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return false;
  const mode_t others = status.st_uid == 0 ? S_IROTH : S_IRGRP | S_IROTH;
  return (status.st_mode & others) != 0;
}

}  // namespace tidegate::command
