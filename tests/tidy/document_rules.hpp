// Rules about what the documents and comments say: a text that names files names those that are
// there, and its sentences have a subject. Each rule is shown a bad example in document_test.cpp
// before it looks at the tree.
#pragma once

#include <string>
#include <vector>

#include "tests/tidy/tidy_rules.hpp"

namespace tidegate::tidy {

// The table of files in ARCHITECTURE.md, under the heads "| folder | files |": a row
// "| `folder/` | `stem`, `stem` |" for each folder of the product, with exactly the files that
// stand in it, without their extensions.
Problems check_file_table(const std::vector<File>& files);

// A path such as lib/gate/gate.hpp in a text or a comment, and a link in a document, lead to a
// file, and the link to one of its headings where it names one. Rules of this folder may name files
// that are not there.
Problems check_paths(const File& file, const std::vector<File>& files);

// A sentence of a comment or a document does not begin with "What" or "Who", unless it is a
// question: such a sentence has no subject, and its reader looks for one.
Problems check_sentences(const File& file);

}  // namespace tidegate::tidy
