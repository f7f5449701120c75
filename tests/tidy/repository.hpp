// The files of the repository as the rules of this folder see them.
#pragma once

#include <vector>

#include "tests/tidy/tidy_rules.hpp"

namespace tidegate::tidy {

// Every text that is written by hand. Hidden folders other than .ci and build folders are left out.
std::vector<File> read_repository();

}  // namespace tidegate::tidy
