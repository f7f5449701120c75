#include "bench/plot.hpp"

#include <chrono>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bench/carrier.hpp"
#include "bench/statistics.hpp"
#include "support/process.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto longest_drawing = 30s;

using Points = std::vector<std::pair<double, double>>;

struct Picture {
  std::string file;  // without its ending
  std::string title, x, y;
  std::string settings;  // lines for gnuplot
  std::string style = "linespoints";
  std::map<std::string, Points> lines;
};

std::string title_of(const std::string& system) {
  const auto* carrier = find_carrier(system);
  return carrier != nullptr ? carrier->title : system;
}

std::string script(const Picture& picture, const std::string& terminal, const std::string& file) {
  std::string text;
  std::string plots;
  std::size_t number = 0;
  for (const auto& [title, points] : picture.lines) {
    const auto name = "$line" + std::to_string(number++);
    text += name + " << EOD\n";
    for (const auto& [x, y] : points) text += std::to_string(x) + " " + std::to_string(y) + "\n";
    text += "EOD\n";
    plots += (plots.empty() ? "plot " : ", ") + name + " with " + picture.style +
             " linewidth 2 title \"" + title + "\"";
  }
  return text + "set terminal " + terminal + "\nset output \"" + file + "\"\nset title \"" +
         picture.title + "\"\nset xlabel \"" + picture.x + "\"\nset ylabel \"" + picture.y +
         "\"\nset grid\nset key below\n" + picture.settings + plots + "\n";
}

void draw(const Picture& picture, const std::filesystem::path& directory) {
  if (picture.lines.empty()) return;
  const auto path = (directory / picture.file).string();
  const auto commands = path + ".gnuplot";
  {
    std::ofstream out(commands);
    out << script(picture, "svg size 900,500 background \"white\"", path + ".svg")
        << script(picture, "pngcairo size 900,500", path + ".png");
    if (!out.flush()) throw std::runtime_error("can't write to " + directory.string());
  }
  support::run({.arguments = {"gnuplot", commands}}, longest_drawing);
  std::filesystem::remove(commands);
}

Picture by_receivers(const json& list, const std::string& figure) {
  Picture picture;
  picture.x = "receivers, each a process";
  picture.settings = "set logscale x 2\nset logscale y\n";
  for (const auto& entry : list) {
    picture.lines[title_of(entry.at("system"))].emplace_back(
        entry.at("receivers").get<double>(), median(entry.at(figure).get<std::vector<double>>()));
  }
  return picture;
}

void plot_fanout(const json& figures, const std::filesystem::path& directory) {
  auto latency = by_receivers(figures.at("paced"), "p50_us");
  latency.file = "latency";
  latency.title = "Fan-out, paced: from due to received, median";
  latency.y = "us";
  draw(latency, directory);

  auto rate = by_receivers(figures.at("flood"), "deliveries_per_second");
  rate.file = "throughput";
  rate.title = "Fan-out, a flood: deliveries a second";
  rate.y = "deliveries/s";
  draw(rate, directory);

  double most = 0;
  for (const auto& entry : figures.at("paced")) {
    most = std::max(most, entry.at("receivers").get<double>());
  }
  Picture curves{.file = "percentiles",
                 .title = "Fan-out, paced: how late, to the most receivers",
                 .x = "share of the receptions",
                 .y = "us",
                 .settings = "set logscale y\n"};
  for (const auto& entry : figures.at("paced")) {
    if (entry.at("receivers").get<double>() != most) continue;
    auto& points = curves.lines[title_of(entry.at("system"))];
    for (const auto& point : entry.at("curve")) {
      points.emplace_back(point.at(0).get<double>(), point.at(1).get<double>());
    }
  }
  draw(curves, directory);
}

void plot_gate(const json& figures, const std::filesystem::path& directory) {
  Picture stale{.file = "stale-reads",
                .title = "Announcements that came before their row was readable",
                .x = "delay of the replica, ms",
                .y = "%",
                .settings = "set yrange [-5:105]\n"};
  for (const auto& entry : figures.at("lag")) {
    stale.lines[entry.at("title")].emplace_back(
        entry.at("lag_ms").get<double>(),
        100 * entry.at("stale").get<double>() / entry.at("rows").get<double>());
  }
  draw(stale, directory);

  Picture timeline{.file = "timeline",
                   .title = "One run: from commit to the row read",
                   .x = "s since the begin",
                   .y = "ms",
                   .settings = "set logscale y\n",
                   .style = "points pointtype 7 pointsize 0.4"};
  for (const auto& entry : figures.at("timeline")) {
    auto& points = timeline.lines[entry.at("title")];
    for (const auto& point : entry.at("points")) {
      points.emplace_back(point.at(0).get<double>(), point.at(1).get<double>());
    }
  }
  draw(timeline, directory);
}

}  // namespace

void plot(const json& figures, const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  if (figures.contains("fanout")) plot_fanout(figures.at("fanout"), directory);
  if (figures.contains("gate")) plot_gate(figures.at("gate"), directory);
}

}  // namespace tidegate::bench
