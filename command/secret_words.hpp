// Passwords and keys that somebody writes into a command line: nobody else gets to see them.
//
// The title of a process (/proc/<pid>/cmdline, ps) is for every user of the host, and an error that
// quotes a misplaced word ends in a log. So what may be secret is overwritten in the title as soon
// as the program runs, and never quoted. A look in the moment before shows it all the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::command {

// Whether the text holds a key of a mesh, a password in a connection string or in a URI, or what
// could be one of them with a slip in it.
[[nodiscard]] bool may_be_secret(std::string_view text);

// The arguments behind the program's name. Those in the title of the process are overwritten where
// they may be secret, up to the name of a flag.
[[nodiscard]] std::vector<std::string> take_arguments(int count, char** arguments);

// Somebody besides the owner of the file may, and besides the group to which root has given it.
[[nodiscard]] bool others_may_read(const std::string& path);

}  // namespace tidegate::command
