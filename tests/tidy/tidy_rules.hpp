// The rules of the source tree that a compiler does not know: who may include whom, which words a
// folder may not say, how a file looks. Each rule is a function of one file, so that it can be
// shown a bad example; tidy_test.cpp shows them, and then the whole tree.
#pragma once

#include <string>
#include <vector>

namespace tidegate::tidy {

struct File {
  std::string path;  // from the root of the repository, as in "lib/lsn.hpp"
  std::string text;
};

// One sentence for each violation, with the path in front; empty: all is well.
using Problems = std::vector<std::string>;

// The arrows `lib <- discovery <- peer`, and one includer for each foreign library.
Problems check_includes(const File& file);

// lib/ neither asks for the time, nor draws, nor prints, nor opens anything, nor knows threads.
Problems check_purity(const File& file);

// Only live tests wait for real time; logic is tested in virtual time.
Problems check_sleep(const File& file);

// tests/sim/ depends on nothing but the seed: no clock, no other randomness. Only its main and its
// batch, which run many seeds at once, know threads, and main the time that they took.
Problems check_simulation(const File& file);

// A header says what it is before anything else, and guards itself with #pragma once.
Problems check_header(const File& file);

// Neither tab characters, nor blanks at the end of a line, nor notes to finish it later.
Problems check_text(const File& file);

// A source file can be read in one go, an example in a script language at a glance.
Problems check_length(const File& file);

// A line of code fits beside another file's.
Problems check_columns(const File& file);

// A function can be seen at once. Those of tests may be long: a table of cases is read line by
// line.
Problems check_function_length(const File& file);

// A class is defined once: two of one qualified name in two files of a program are one for the
// linker, which keeps the members of either. Needs to see all files at once.
Problems check_names(const std::vector<File>& files);

// Every source file is built: named in a meson.build or included by another file, an example by a
// script of the tests. Needs to see all files at once.
Problems check_dead_files(const std::vector<File>& files);

// The program text alone: comments become blanks, literals become empty ones.
std::string without_comments_and_literals(const std::string& text);

// Whether `word` stands in `text` as a word of its own: `printf` does not stand in `snprintf`.
bool mentions(const std::string& text, const std::string& word);

}  // namespace tidegate::tidy
