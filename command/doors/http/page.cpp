#include "command/doors/http/page.hpp"

#include <array>

#include <sodium.h>

#include "command/doors/http/page_text.hpp"
#include "lib/base/must.hpp"

namespace tidegate::http_door {
namespace {

std::string_view inside(std::string_view page, std::string_view begin, std::string_view end) {
  const auto from = page.find(begin);
  const auto until = page.find(end, from);
  TIDEGATE_MUST(from != page.npos && until != page.npos);
  return page.substr(from + begin.size(), until - from - begin.size());
}

std::string hash_source(std::string_view text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::array<char,
             sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, sodium_base64_VARIANT_ORIGINAL)>
      word{};
  sodium_bin2base64(word.data(), word.size(), hash.data(), hash.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  return std::string("'sha256-") + word.data() + "'";
}

}  // namespace

std::string page_policy(std::string_view page) {
  return "default-src 'none'; script-src " + hash_source(inside(page, "<script>", "</script>")) +
         "; style-src " + hash_source(inside(page, "<style>", "</style>")) +
         "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
         "frame-ancestors 'none'";
}

Reply live_page() {
  static const auto policy = page_policy(page_text);
  return {200, "text/html; charset=utf-8", std::string(page_text), policy};
}

}  // namespace tidegate::http_door
