// The outline of a C++ text: which classes and functions it defines, and where. It follows braces
// and the words before them; that is enough for code that clang-format has written.
#pragma once

#include <string>
#include <vector>

namespace tidegate::tidy {

struct Definition {
  enum class Kind { type, function };
  Kind kind = Kind::type;
  std::string name;    // of a type: with its namespaces, "tidegate::mesh::Roster"
  int first_line = 0;  // from 1, both included
  int last_line = 0;
  bool local = false;  // inside an unnamed namespace, a class or a function

  [[nodiscard]] int lines() const { return last_line - first_line + 1; }
};

// `code`: without comments and literals (tidy_rules.hpp), its lines kept.
[[nodiscard]] std::vector<Definition> outline(const std::string& code);

}  // namespace tidegate::tidy
