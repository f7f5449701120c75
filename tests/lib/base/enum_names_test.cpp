#include "lib/base/enum_names.hpp"

#include <doctest/doctest.h>

using tidegate::base::enum_names;
using tidegate::base::is_enumerator;

namespace {

enum class Fruit : std::uint8_t { apple, pear2 };

constexpr auto names = enum_names<Fruit>({{Fruit::apple, "apple"}, {Fruit::pear2, "pear"}});

}  // namespace

TEST_CASE("the compiler tells an enumerator from a number, so a missing name does not compile") {
  CHECK(is_enumerator<Fruit::apple>());
  CHECK(is_enumerator<Fruit::pear2>());
  CHECK_FALSE(is_enumerator<static_cast<Fruit>(2)>());
  CHECK_FALSE(is_enumerator<static_cast<Fruit>(20)>());
}

TEST_CASE("a value has a name and a name a value") {
  static_assert(names.name(Fruit::pear2) == "pear");
  CHECK(names.name(Fruit::apple) == "apple");
  CHECK(names.value("pear") == Fruit::pear2);
  CHECK(names.value("plum") == std::nullopt);
  CHECK(names.value("") == std::nullopt);
}
