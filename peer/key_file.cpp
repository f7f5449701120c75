#include "peer/key_file.hpp"

#include <sodium.h>

#include "lib/keys/mesh_key.hpp"
#include "peer/secret_file.hpp"

namespace tidegate::peer {
namespace {

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

Result<keys::Keyring> open_keyring(const Options& options) {
  if (options.key_file.empty()) {
    return options.keys.empty() ? keys::Keyring() : keyring_of("keys", options.keys, options.mesh);
  }
  auto text = read_secret({"key-file", options.key_file, "'tidegate keygen' makes one"});
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
