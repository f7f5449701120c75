// How things look: words and figures in columns, 80 characters wide at the most.
#pragma once

#include <string>

#include "tidegate/time.hpp"

namespace tidegate::demo {

// "152.9 ms", below ten "1.94 ms".
[[nodiscard]] std::string milliseconds(Duration duration);
[[nodiscard]] std::string seconds(Duration duration);  // "2.4 s"
[[nodiscard]] std::string of(int part, int whole);     // "3 of 300"

// A line of the table that has a column for each reader.
[[nodiscard]] std::string table_head();
[[nodiscard]] std::string table_line(const std::string& label, const std::string& ungated,
                                     const std::string& gated);

[[nodiscard]] std::string meeting_line(const std::string& a, const std::string& b, Duration took);
[[nodiscard]] std::string progress_bar(int done, int all);

// Breaks a text at blanks.
[[nodiscard]] std::string wrapped(const std::string& text);

}  // namespace tidegate::demo
