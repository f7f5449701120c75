// Documents are compared with the tree: the rules of document_rules.hpp hold for every text of the
// repository. Each rule is first shown a bad example.
#include <doctest/doctest.h>

#include "tests/tidy/document_rules.hpp"
#include "tests/tidy/repository.hpp"

using namespace tidegate::tidy;

namespace {

std::string text_of(const Problems& problems) {
  std::string text;
  for (const auto& problem : problems) text += problem + "\n";
  return text;
}

}  // namespace

TEST_CASE("the table of files in ARCHITECTURE names each file of the product") {
  const std::vector<File> tree = {{"lib/gate/gate.hpp", ""},
                                  {"lib/gate/gate.cpp", ""},
                                  {"lib/gate/tide.cpp", ""},
                                  {"tests/lib/gate/gate_test.cpp", ""}};
  const auto problems_with = [&](const std::string& rows) {
    auto files = tree;
    files.push_back({"ARCHITECTURE.md", "| `lib/sea/` | no `file` |\n\n| folder | files |\n" +
                                            rows + "\n| `lib/sky/` | no `file` |\n"});
    return text_of(check_file_table(files));
  };
  CHECK(problems_with("| `lib/gate/` | `gate`, `tide` |\n") == "");
  CHECK(problems_with("| `lib/gate/` | `gate` |\n") ==
        "ARCHITECTURE.md: lib/gate/tide is not in the table of files\n");
  CHECK(problems_with("| `lib/gate/` | `gate`, `tide`, `ebb` |\n") ==
        "ARCHITECTURE.md: lib/gate/ebb is in the table of files, but not in the tree\n");
  CHECK(problems_with("| `lib/gate/` | `gate`, `tide` |\n| `lib/sea/` | `wave` |\n") ==
        "ARCHITECTURE.md: lib/sea/wave is in the table of files, but not in the tree\n");
  CHECK(problems_with("") != "");
  CHECK(text_of(check_file_table(read_repository())) == "");
}

TEST_CASE("a path that a text names leads to a file") {
  const std::vector<File> tree = {{"lib/gate/gate.hpp", ""},
                                  {"include/tidegate/gate.hpp", ""},
                                  {"docs/b.md", "# B\n\n## The `way` back, on-time\n"}};
  const auto good = [&](const std::string& path, const std::string& text) {
    return check_paths({path, text}, tree).empty();
  };
  CHECK(good("a.md", "see `lib/gate/gate.hpp` and `tidegate/gate.hpp`"));
  CHECK(good("lib/a.hpp", "// see lib/gate/gate.hpp"));
  CHECK(good("lib/a.hpp", "#include \"lib/nowhere.hpp\""));
  CHECK(good("lib/a.md", "[here](gate/gate.hpp), [there](https://example.org/a)"));
  CHECK_FALSE(good("a.md", "see `lib/gate.hpp`"));
  CHECK_FALSE(good("lib/a.hpp", "// see lib/gate.hpp"));
  CHECK_FALSE(good("lib/a.md", "[here](lib/gate/gate.hpp)"));
  CHECK(good("a.md", "[here](docs/b.md), [there](docs/b.md#the-way-back-on-time)"));
  CHECK(good("docs/b.md", "[here](#b)"));
  CHECK_FALSE(good("a.md", "[there](docs/b.md#the-way)"));
  CHECK_FALSE(good("a.md", "[there](docs/c.md#b)"));
  CHECK_FALSE(good("docs/b.md", "[here](#c)"));
  const auto files = read_repository();
  std::string problems;
  for (const auto& file : files) problems += text_of(check_paths(file, files));
  CHECK(problems == "");
}

TEST_CASE("a sentence has a subject") {
  const auto good = [](const std::string& path, const std::string& text) {
    return check_sentences({path, text}).empty();
  };
  CHECK(good("lib/a.hpp", "// Bytes that nobody has read yet. What now? They wait.\nint Who;\n"));
  CHECK(good("lib/a.hpp", "// Peers that ask what comes. What is\n// a peer? A member.\n"));
  CHECK(good("a.md", "It says\nWho is there, in the middle of a line.\n"));
  CHECK_FALSE(good("lib/a.hpp", "// What was sent.\n"));
  CHECK_FALSE(good("lib/a.hpp", "int a;\n\n  // Bytes. Who asks\n  // gets them.\n"));
  CHECK_FALSE(good("a.md", "- Who joins waits.\n"));
  CHECK_FALSE(good("a.md", "| a | b. What comes later waits. |\n"));
  std::string problems;
  for (const auto& file : read_repository()) problems += text_of(check_sentences(file));
  CHECK(problems == "");
}
