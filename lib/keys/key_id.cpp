#include "lib/keys/key_id.hpp"

namespace tidegate::keys {

std::string to_text(KeyId id) {
  if (id == 0) return "";
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, id >>= 4U) {
    *digit = "0123456789abcdef"[id & 0xFU];
  }
  return text;
}

}  // namespace tidegate::keys
