#include "tests/tidy/outline.hpp"

#include <algorithm>
#include <cctype>
#include <regex>
#include <utility>

namespace tidegate::tidy {
namespace {

struct Scope {
  enum class Kind { named, unnamed, type, function, other };
  Kind kind = Kind::other;
  std::string name;
  int first_line = 0;
};

class Outline {
 public:
  std::vector<Definition> of(const std::string& code) {
    int line = 1;
    bool directive = false;
    for (std::size_t at = 0; at < code.size(); ++at) {
      const char c = code[at];
      if (c == '#' && line_is_blank_before(code, at)) directive = true;
      if (c == '\n') {
        if (directive && code[at - 1] != '\\') directive = false;
        ++line;
      }
      if (!directive) take(c, line);
    }
    return std::move(found_);
  }

 private:
  static bool line_is_blank_before(const std::string& code, std::size_t at) {
    while (at > 0 && code[at - 1] == ' ') --at;
    return at == 0 || code[at - 1] == '\n';
  }

  void take(char c, int line) {
    if (c == '(') ++parentheses_;
    if (c == ')') --parentheses_;
    const bool inside = parentheses_ > 0;  // a lambda or a list among arguments
    if (c == '{') {
      open(line);
    } else if (c == '}') {
      close(line);
    } else if (c == ';' && !inside) {
      head_.clear();
    } else if (std::isspace(static_cast<unsigned char>(c)) == 0 || !head_.empty()) {
      if (head_.empty()) head_line_ = line;
      head_ += std::isspace(static_cast<unsigned char>(c)) != 0 ? ' ' : c;
      if (head_ == "public:" || head_ == "private:" || head_ == "protected:") head_.clear();
    }
  }

  void open(int line) {
    scopes_.push_back(parentheses_ > 0 ? Scope{} : scope_of_head(line));
    held_parentheses_.push_back(std::exchange(parentheses_, 0));
    head_.clear();
  }

  [[nodiscard]] Scope scope_of_head(int line) const {
    static const std::regex space(R"((?:inline )?namespace ?([\w:]*) *$)");
    static const std::regex type(
        R"((?:^| )(?:class|struct|union|enum|enum class) (?:TIDEGATE_EXPORT )?([\w:]+))"
        R"((?: final)? *(?::[^:].*)?$)");
    const int first = head_.empty() ? line : head_line_;
    std::smatch match;
    if (in_function()) return {};
    if (std::regex_search(head_, match, space)) {
      return {match[1].length() > 0 ? Scope::Kind::named : Scope::Kind::unnamed, match[1], first};
    }
    const auto parenthesis = head_.find('(');
    if (parenthesis == std::string::npos) {
      if (std::regex_search(head_, match, type)) return {Scope::Kind::type, match[1], first};
      return {};
    }
    return {Scope::Kind::function, head_.substr(0, parenthesis), first};
  }

  [[nodiscard]] bool in_function() const {
    return std::any_of(scopes_.begin(), scopes_.end(),
                       [](const Scope& s) { return s.kind == Scope::Kind::function; });
  }

  void close(int line) {
    head_.clear();
    if (scopes_.empty()) return;
    const auto scope = scopes_.back();
    scopes_.pop_back();
    parentheses_ = held_parentheses_.back();
    held_parentheses_.pop_back();
    if (scope.kind != Scope::Kind::type && scope.kind != Scope::Kind::function) return;
    Definition definition{
        scope.kind == Scope::Kind::type ? Definition::Kind::type : Definition::Kind::function, "",
        scope.first_line, line};
    for (const auto& outer : scopes_) {
      if (outer.kind == Scope::Kind::named) definition.name += outer.name + "::";
      definition.local |= outer.kind != Scope::Kind::named;
    }
    definition.name += scope.name;
    found_.push_back(std::move(definition));
  }

  std::vector<Definition> found_;
  std::vector<Scope> scopes_;
  std::vector<int> held_parentheses_;
  std::string head_;
  int head_line_ = 0;
  int parentheses_ = 0;
};

}  // namespace

std::vector<Definition> outline(const std::string& code) { return Outline().of(code); }

}  // namespace tidegate::tidy
