#include "lib/keys/mesh_key.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <sodium.h>

#include "lib/base/must.hpp"
#include "lib/base/utf8.hpp"

namespace tidegate::keys {
namespace {

constexpr std::string_view prefix = "tidegate-key-1:";
constexpr std::size_t checksum_size = 4;
constexpr std::size_t coded_size = 48;  // characters; divides without padding

using Coded = std::array<std::uint8_t, Secret::size + checksum_size>;
static_assert(coded_size == sizeof(Coded) / 3 * 4);

void put_checksum(Coded& bytes) {
  std::array<std::uint8_t, crypto_generichash_BYTES> sum{};
  TIDEGATE_MUST(
      crypto_generichash(sum.data(), sum.size(), bytes.data(), Secret::size, nullptr, 0) == 0);
  std::copy_n(sum.begin(), checksum_size, bytes.begin() + Secret::size);
}

std::string_view trimmed(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const auto begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

Result<Secret> parse_key(std::string_view word) {
  if (!word.starts_with(prefix)) {
    return Error{"is no key; one begins with '" + std::string(prefix) +
                 "', as 'tidegate keygen' prints it"};
  }
  word.remove_prefix(prefix.size());
  Coded bytes{};
  std::size_t size = 0;
  const bool decoded =
      word.size() == coded_size && base::is_ascii(word) &&
      sodium_base642bin(bytes.data(), bytes.size(), word.data(), word.size(), nullptr, &size,
                        nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
  auto expected = bytes;
  put_checksum(expected);
  Secret key;
  std::copy_n(bytes.begin(), Secret::size, key.buffer().begin());
  const bool good = decoded && size == bytes.size() && expected == bytes;
  sodium_memzero(bytes.data(), bytes.size());
  sodium_memzero(expected.data(), expected.size());
  if (!good) return Error{"is a key that was cut or changed; copy it anew"};
  return key;
}

}  // namespace

std::string to_text(const Secret& key) {
  Coded bytes{};
  std::copy(key.bytes().begin(), key.bytes().end(), bytes.begin());
  put_checksum(bytes);
  std::array<char, coded_size + 1> coded{};
  sodium_bin2base64(coded.data(), coded.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  std::string text(prefix);
  text.append(coded.data(), coded_size);
  sodium_memzero(bytes.data(), bytes.size());
  sodium_memzero(coded.data(), coded.size());
  return text;
}

Result<std::vector<Secret>> parse_keys(std::string_view text) {
  std::vector<Secret> keys;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto word = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const auto line = "line " + std::to_string(number) + " ";
    auto key = parse_key(word);
    if (!key) return Error{line + key.error().message};
    if (std::find(keys.begin(), keys.end(), *key) != keys.end()) {
      return Error{line + "has a key that stands above; name each once"};
    }
    if (keys.size() == most_keys) {
      return Error{line + "is one key too many; " + std::to_string(most_keys) +
                   " are read, take out old ones"};
    }
    keys.push_back(std::move(key).value());
  }
  if (keys.empty()) return Error{"has no key; 'tidegate keygen' makes one"};
  return keys;
}

}  // namespace tidegate::keys
