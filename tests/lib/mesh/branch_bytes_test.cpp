#include "lib/mesh/branch_bytes.hpp"

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"

using namespace tidegate;
using namespace tidegate::mesh;
using tidegate::testing::branch_bytes;
using tidegate::testing::hex;
using tidegate::testing::history;
using tidegate::testing::place;

namespace {

constexpr std::size_t entry_size = 20;

Branch branch_of(const std::string& text) { return place(history(text), 0).branch; }

const Branch* read(std::string_view bytes) {
  static KnownBranches known;
  return known.read(bytes);
}

}  // namespace

TEST_CASE("a branch comes back from its bytes") {
  for (const auto* text : {"1", "3", "1 2@100/7", "1 2@100 3@18446744073709551615/9"}) {
    const auto branch = branch_of(text);
    REQUIRE(read(branch_bytes(branch)) != nullptr);
    CHECK(*read(branch_bytes(branch)) == branch);
  }
  CHECK(hex(branch_bytes(branch_of("1 2@258/3"))) ==
        "010000000000000007"
        "0000000100000000000000000000000000000000"
        "0000000200000000000001020000000000000003");
}

TEST_CASE("bytes that are no branch are refused") {
  const auto good = branch_bytes(branch_of("1 2@100/7"));
  for (std::size_t size = 0; size < good.size(); ++size) {
    const bool whole = size == good.size() - entry_size;  // the same without timeline 2
    CHECK((read(good.substr(0, size)) != nullptr) == whole);
  }
  CHECK(read(good + good.substr(good.size() - entry_size)) == nullptr);  // the same number again
  auto early = good;
  early[good.size() - 8] = '\xFF';  // a promotion before 1970
  CHECK(read(early) == nullptr);
  auto of_no_kind = good;
  of_no_kind[0] = '\0';
  CHECK(read(of_no_kind) == nullptr);
  CHECK(read(std::string(base::limits::branch_bytes + entry_size, '\1')) == nullptr);
}

TEST_CASE("a branch that is read again shares its history") {
  KnownBranches known;
  const auto bytes = branch_bytes(branch_of("1 2@100/7"));
  REQUIRE(known.read(bytes) != nullptr);
  const auto first = *known.read(bytes);
  CHECK(known.read(bytes)->history().entries().data() == first.history().entries().data());
  for (int number = 1; number <= 16; ++number) {
    CHECK(known.read(branch_bytes(branch_of(std::to_string(number)))) != nullptr);
  }
  REQUIRE(known.read(bytes) != nullptr);
  CHECK(*known.read(bytes) == first);
  CHECK(known.read("x") == nullptr);
  CHECK(known.read("") == nullptr);
}
