// The outcome of a call that may be refused: a value, or an error. Error is a text that says what
// is wrong and what to do; where a caller has to decide by the error it has a type of its own.
// (std::expected comes with C++23; this is the part of it that is needed here.)
//
// Asking for the value of an error, or for the error of a value, is a bug and aborts.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "tidegate/export.hpp"

namespace tidegate {

namespace detail {
// Ends the process: the caller has asked for what is not there.
[[noreturn]] TIDEGATE_EXPORT void result_misused();
}  // namespace detail

struct Error {
  std::string message;  // one line, no final full stop: what is wrong, then what to do

  friend bool operator==(const Error&, const Error&) = default;
};

template <typename T, typename E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] T& value() & { return *checked(); }
  [[nodiscard]] const T& value() const& { return *const_cast<Result*>(this)->checked(); }
  [[nodiscard]] T value() && { return std::move(*checked()); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return checked(); }
  const T* operator->() const { return const_cast<Result*>(this)->checked(); }

  [[nodiscard]] const E& error() const {
    if (ok()) detail::result_misused();
    return *std::get_if<1>(&state_);
  }

 private:
  T* checked() {
    if (!ok()) detail::result_misused();
    return std::get_if<0>(&state_);
  }

  std::variant<T, E> state_;
};

}  // namespace tidegate
