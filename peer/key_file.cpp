#include "peer/key_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/keys/mesh_key.hpp"
#include "peer/io/descriptor.hpp"

namespace tidegate::peer {
namespace {

constexpr std::size_t most_bytes = 16'384;

Error trouble(const std::string& path, const std::string& what) {
  return Error{"key-file " + path + ": " + what};
}

// Why the rights to it are wrong; empty: they are right.
std::string exposure(const std::string& path, const struct stat& status) {
  if (status.st_uid != geteuid() && status.st_uid != 0) {
    return "belongs to another user, who can change it; chown it to this one or to root";
  }
  const mode_t others = status.st_uid == 0 ? S_IRWXO | S_IWGRP | S_IXGRP : S_IRWXO | S_IRWXG;
  if ((status.st_mode & others) == 0) return "";
  return "others may read or write it; chmod " +
         std::string(status.st_uid == 0 && geteuid() != 0 ? "640 " : "600 ") + path +
         ", and make a new key if somebody may have read it";
}

// `where`: the text comes from there.
Result<keys::Keyring> keyring_of(const std::string& where, const std::string& text,
                                 const std::string& mesh) {
  const auto parsed = keys::parse_keys(text);
  if (!parsed) return Error{where + ": " + parsed.error().message};
  return keys::Keyring(*parsed, mesh);
}

bool has_no_key(const Options& options) { return options.key_file.empty() && options.keys.empty(); }

Error started_without_a_key() {
  return {
      "this peer was started without a key, and its connections are open to all; restart it "
      "with key-file"};
}

}  // namespace

Result<std::string> read_key_file(const std::string& path) {
  const io::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    return trouble(path, std::string("can't be read: ") + std::strerror(errno) +
                             (errno == ENOENT ? "; 'tidegate keygen' makes one" : ""));
  }
  struct stat status {};
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return trouble(path, "is no file");
  }
  if (const auto exposed = exposure(path, status); !exposed.empty()) return trouble(path, exposed);
  std::array<char, most_bytes> text{};
  const auto size = ::read(file.get(), text.data(), text.size());
  Result<std::string> result = Error{};
  if (size < 0) {
    result = trouble(path, std::string("can't be read: ") + std::strerror(errno));
  } else if (static_cast<std::size_t>(size) == text.size()) {
    result = trouble(path, "is too large for a file of keys");
  } else {
    result = std::string(text.data(), static_cast<std::size_t>(size));
  }
  sodium_memzero(text.data(), text.size());
  return result;
}

Result<keys::Keyring> open_keyring(const Options& options) {
  if (options.key_file.empty()) {
    return options.keys.empty() ? keys::Keyring() : keyring_of("keys", options.keys, options.mesh);
  }
  auto text = read_key_file(options.key_file);
  if (!text) return text.error();
  auto keyring = keyring_of("key-file " + options.key_file, *text, options.mesh);
  sodium_memzero(text->data(), text->size());
  return keyring;
}

Result<keys::Keyring> reopen_keyring(const Options& options) {
  if (has_no_key(options)) return started_without_a_key();
  if (!options.key_file.empty()) return open_keyring(options);
  return Error{
      "the keys came as text (TIDEGATE_KEYS, or Options::keys), which a running process does not "
      "read again; restart it with others, and take key-file to change them without a restart"};
}

Result<keys::Keyring> other_keyring(const Options& options, const std::string& text) {
  if (has_no_key(options)) return started_without_a_key();
  return keyring_of("keys", text, options.mesh);
}

}  // namespace tidegate::peer
