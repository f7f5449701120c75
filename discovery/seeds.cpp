#include "discovery/seeds.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "lib/base/decimal.hpp"
#include "lib/base/ipv4.hpp"

namespace tidegate::discovery {
namespace {

constexpr std::size_t max_label = 63;  // bytes; these two are DNS's limits (RFC 1035, 2.3.4)
constexpr std::size_t max_name = 253;

bool is_ipv6(const std::string& text) {
  in6_addr address{};
  return text.find('\0') == text.npos && inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name_character(char c) {
  // The underscore is no host name's, yet container networks hand such names out.
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= max_label && label.front() != '-' &&
         label.back() != '-' && std::all_of(label.begin(), label.end(), is_name_character);
}

bool is_host_name(std::string_view name) {
  if (name.size() > max_name) return false;
  while (true) {
    const auto dot = name.find('.');
    const auto label = name.substr(0, dot);
    if (!is_label(label)) return false;
    // A host that ends in a number is meant as an address, and then it is a wrong one.
    if (dot == name.npos) return !std::all_of(label.begin(), label.end(), is_digit);
    name.remove_prefix(dot + 1);
  }
}

// 0 when it is not one.
std::uint16_t parse_port(std::string_view text) {
  return base::parse_number<std::uint16_t>(text).value_or(0);
}

Result<Seed> parse_seed(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    // Nothing secret is quoted.
    if (text.find_first_of("@=") != text.npos || text.starts_with("postgres") ||
        text.starts_with("tidegate-key-")) {
      return Error{"a seed is a connection string or a key; write host:port"};
    }
    return Error{"seed '" + std::string(text) + "' " + std::string(why)};
  };
  const auto colon = text.rfind(':');
  if (colon == text.npos) return refuse("has no port; write host:port");
  auto host = text.substr(0, colon);
  const auto port = parse_port(text.substr(colon + 1));
  if (port == 0) return refuse("needs a port from 1 to 65535 behind its last colon");

  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    Seed seed{std::string(host.substr(1, host.size() - 2)), port};
    if (!is_ipv6(seed.host)) return refuse("has no IPv6 address in its brackets");
    return seed;
  }
  if (host.find(':') != host.npos) {
    return refuse("has more than one colon; write an IPv6 address as [address]:port");
  }
  if (!base::parse_ipv4(host) && !is_host_name(host)) {
    return refuse("names no host; write an IPv4 address, [an IPv6 address] or a host name");
  }
  return Seed{std::string(host), port};
}

}  // namespace

std::string to_string(const Seed& seed) {
  const bool brackets = seed.host.find(':') != seed.host.npos;
  return (brackets ? "[" + seed.host + "]" : seed.host) + ":" + std::to_string(seed.port);
}

Result<std::vector<Seed>> parse_seeds(const std::vector<std::string>& texts) {
  std::vector<Seed> seeds;
  std::string wrong;
  for (const auto& text : texts) {
    auto seed = parse_seed(text);
    if (seed) {
      seeds.push_back(std::move(*seed));
    } else {
      wrong += (wrong.empty() ? "" : "; ") + seed.error().message;
    }
  }
  if (!wrong.empty()) return Error{std::move(wrong)};
  return seeds;
}

}  // namespace tidegate::discovery
