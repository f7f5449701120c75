#include "command/doors/http/page.hpp"

#include <array>

#include <sodium.h>

#include "command/doors/http/page_text.hpp"
#include "lib/base/must.hpp"

namespace tidegate::http_door {
namespace {

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

// The page with that text behind the tag.
std::string filled(std::string page, std::string_view tag, std::string_view text) {
  const auto at = page.find(tag);
  TIDEGATE_MUST(at != std::string::npos);
  return page.insert(at + tag.size(), text);
}

}  // namespace

std::string page_policy(std::string_view style, std::string_view script) {
  return "default-src 'none'; script-src " + hash_source(script) + "; style-src " +
         hash_source(style) +
         "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
         "frame-ancestors 'none'";
}

Reply live_page() {
  static const auto page =
      filled(filled(std::string(page_html), "<style>", page_style), "<script>", page_script);
  static const auto policy = page_policy(page_style, page_script);
  return {200, "text/html; charset=utf-8", page, policy};
}

}  // namespace tidegate::http_door
