#include "lib/message/headers.hpp"

#include <algorithm>
#include <array>

#include "lib/base/limits.hpp"
#include "lib/base/utf8.hpp"
#include "lib/message/footprint.hpp"

namespace tidegate {

Headers::List* Headers::copy_of(const List& list) { return new List(list); }

void Headers::Delete::operator()(List* list) const { delete list; }

}  // namespace tidegate

namespace tidegate::message {
namespace {

template <typename List>
bool valid(const List& headers) {
  if (headers.size() > base::limits::message_headers) return false;
  std::array<std::string_view, base::limits::message_headers> names;
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (const auto& header : headers) {
    bytes += header.name.size() + header.value.size();
    if (header.name.empty() || bytes > base::limits::header_bytes) return false;
    if (!base::is_utf8(header.name) || !base::is_utf8(header.value)) return false;
    names[count++] = header.name;
  }
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(count);
  std::sort(names.begin(), end);
  return std::adjacent_find(names.begin(), end) == end;
}

}  // namespace

std::size_t footprint_of_some(const Headers& headers) {
  std::size_t bytes = 0;
  for (const auto& header : headers) {
    bytes += header.name.size() + header.value.size() + header_overhead;
  }
  return bytes;
}

bool valid_headers(std::span<const HeaderView> headers) { return valid(headers); }
bool valid_headers(std::span<const Header> headers) { return valid(headers); }

}  // namespace tidegate::message
