// Words about a message for those who get it, such as its content type; tidegate doesn't read them.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tidegate/export.hpp"

namespace tidegate {

struct Header {
  std::string name;   // UTF-8, not empty
  std::string value;  // UTF-8

  friend bool operator==(const Header&, const Header&) = default;
};

// A list of them, which is read as a range and replaced as a whole. Most messages have none: then
// it is one null pointer, so that to move a message costs them nothing.
class Headers {
 public:
  Headers() = default;
  Headers(std::vector<Header> list) : list_(list.empty() ? nullptr : new List(std::move(list))) {}
  Headers(std::initializer_list<Header> list) : Headers(std::vector<Header>(list)) {}

  Headers(const Headers& other) : list_(other.empty() ? nullptr : copy_of(*other.list_)) {}
  Headers& operator=(const Headers& other) { return *this = Headers(other); }
  Headers(Headers&&) noexcept = default;
  Headers& operator=(Headers&&) noexcept = default;
  ~Headers() = default;

  [[nodiscard]] bool empty() const { return list_ == nullptr; }
  [[nodiscard]] std::size_t size() const { return view().size(); }
  [[nodiscard]] auto begin() const { return view().begin(); }
  [[nodiscard]] auto end() const { return view().end(); }

  friend bool operator==(const Headers& a, const Headers& b) {
    return a.empty() || b.empty() ? a.empty() == b.empty() : *a.list_ == *b.list_;
  }

 private:
  using List = std::vector<Header>;
  // Not inline, so that what happens to most messages is.
  TIDEGATE_EXPORT static List* copy_of(const List& list);
  struct Delete {
    TIDEGATE_EXPORT void operator()(List* list) const;
  };

  [[nodiscard]] std::span<const Header> view() const {
    return list_ == nullptr ? std::span<const Header>() : std::span<const Header>(*list_);
  }

  std::unique_ptr<List, Delete> list_;
};

}  // namespace tidegate
