// Pictures of a report, by gnuplot, each as SVG and PNG.
#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

namespace tidegate::bench {

// Makes those for which `figures` (report.hpp) has something. Throws when gnuplot is not installed
// or the directory can't be written to.
void plot(const nlohmann::json& figures, const std::filesystem::path& directory);

}  // namespace tidegate::bench
