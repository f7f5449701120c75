// The live page at /: the mesh, the replica and what is held, drawn from /events. The browser gets
// one file; page.html, page.css and page.js become part of the program.
//
// It shows names and topics that others choose. The browser is told to run that script and use that
// style alone, by their hashes, and to load nothing else: so nothing that others write can become a
// program, even if the page made a mistake.
#pragma once

#include <string>
#include <string_view>

#include "command/doors/http/replies.hpp"

namespace tidegate::http_door {

[[nodiscard]] Reply live_page();

// The value of Content-Security-Policy for a page with one style and one script of its own.
[[nodiscard]] std::string page_policy(std::string_view style, std::string_view script);

}  // namespace tidegate::http_door
