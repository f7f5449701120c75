// The names of an enumeration's values, said once for both directions:
//
//     constexpr auto names = base::enum_names<From>({{From::latest, "latest"}, ...});
//     names.name(From::latest)  names.value("latest")
//
// A table has all values, in their order from 0, or it does not compile: the value behind its last
// one must not be an enumerator. The compiler knows that, and says it in the name of a function
// template whose argument is the value: `From::late` for an enumerator, `(From)3` for none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/base/must.hpp"

namespace tidegate::base {

template <auto value>
consteval bool is_enumerator() {
  constexpr std::string_view text = __PRETTY_FUNCTION__;
  const auto last = text.substr(text.rfind(')') + 1);  // "3]" if there is no name
  return last.find_first_not_of("0123456789") != last.size() - 1;
}

template <typename Enum>
struct EnumName {
  Enum value{};
  std::string_view name;
};

template <typename Enum, std::size_t count>
class EnumNames {
 public:
  static_assert(!is_enumerator<static_cast<Enum>(count)>(), "a value has no name");

  // An array of C, as only that one counts what stands between braces.
  // NOLINTNEXTLINE(modernize-avoid-c-arrays)
  consteval explicit EnumNames(const EnumName<Enum> (&names)[count]) {
    for (std::size_t i = 0; i < count; ++i) {
      if (static_cast<std::size_t>(names[i].value) != i) throw "values are not in order from 0";
      names_[i] = names[i];
    }
  }

  [[nodiscard]] constexpr std::string_view name(Enum value) const {
    const auto index = static_cast<std::size_t>(value);
    TIDEGATE_MUST(index < count);
    return names_[index].name;
  }

  // nullopt: no value has that name.
  [[nodiscard]] constexpr std::optional<Enum> value(std::string_view name) const {
    for (const auto& one : names_) {
      if (one.name == name) return one.value;
    }
    return std::nullopt;
  }

  // Each value with its name, in order.
  [[nodiscard]] constexpr auto begin() const { return names_.begin(); }
  [[nodiscard]] constexpr auto end() const { return names_.end(); }

 private:
  std::array<EnumName<Enum>, count> names_;
};

template <typename Enum, std::size_t count>
// NOLINTNEXTLINE(modernize-avoid-c-arrays)
consteval EnumNames<Enum, count> enum_names(const EnumName<Enum> (&names)[count]) {
  return EnumNames<Enum, count>(names);
}

}  // namespace tidegate::base
