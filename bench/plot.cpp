#include "bench/plot.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/carrier.hpp"
#include "bench/statistics.hpp"
#include "support/process.hpp"
#include "tidegate/version.hpp"

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
  Points floor = {};  // shaded: nothing can be below
};

// Where, when and of what: a picture goes places without its README.
std::string origin() {
  std::ifstream facts("/proc/cpuinfo");
  std::string machine = "an unknown processor";
  for (std::string line; std::getline(facts, line);) {
    if (!line.starts_with("model name")) continue;
    machine = line.substr(line.find(':') + 2);
    break;
  }
  std::array<char, 16> day{};
  const auto now = std::time(nullptr);
  std::tm parts{};
  (void)std::strftime(day.data(), day.size(), "%F", ::gmtime_r(&now, &parts));
  return "tidegate " + std::string(version()) + ", " +
         std::to_string(std::thread::hardware_concurrency()) + " x " + machine + ", " + day.data();
}

bool ours(const std::string& title) { return title.starts_with("tidegate"); }

std::string title_of(const std::string& system) {
  const auto* carrier = find_carrier(system);
  return carrier != nullptr ? carrier->title : system;
}

bool is_floor(const std::string& system) {
  const auto* carrier = find_carrier(system);
  return carrier != nullptr && carrier->floor;
}

std::string data(const std::string& name, const Points& points) {
  auto text = name + " << EOD\n";
  for (const auto& [x, y] : points) text += std::to_string(x) + " " + std::to_string(y) + "\n";
  return text + "EOD\n";
}

// The shade first, below all lines, and our own lines last.
std::string script(const Picture& picture, const std::string& terminal, const std::string& file) {
  std::string text;
  std::string plots;
  const auto plot = [&](const std::string& line) {
    plots += (plots.empty() ? "plot " : ", ") + line;
  };
  if (!picture.floor.empty()) {
    text += data("$floor", picture.floor);
    plot("$floor with filledcurves x1 fillcolor \"#d8d8d8\" title \"the kernel alone\"");
  }
  std::size_t number = 0;
  for (const bool own : {false, true}) {
    for (const auto& [title, points] : picture.lines) {
      if (ours(title) != own) continue;
      const auto name = "$line" + std::to_string(number++);
      text += data(name, points);
      plot(name + " with " + picture.style + " linewidth " + (own ? "4" : "1.5") + " title \"" +
           title + "\"");
    }
  }
  return text + "set terminal " + terminal + "\nset output \"" + file + "\"\nset title \"" +
         picture.title + "\\n{/*0.7 " + origin() + "}\"\nset xlabel \"" + picture.x +
         "\"\nset ylabel \"" + picture.y + "\"\nset grid\nset key below height 1\n" +
         picture.settings + plots + "\n";
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

// Several floors are one: that which is lowest at each place.
void lowest(Points& points) {
  std::ranges::sort(points);
  const auto same_place = [](const auto& a, const auto& b) { return a.first == b.first; };
  points.erase(std::unique(points.begin(), points.end(), same_place), points.end());
}

Picture by_receivers(const json& list, const std::string& figure) {
  Picture picture;
  picture.x = "receivers, each a process";
  picture.settings = "set logscale x 2\nset logscale y\n";
  for (const auto& entry : list) {
    auto& line =
        is_floor(entry.at("system")) ? picture.floor : picture.lines[title_of(entry.at("system"))];
    line.emplace_back(entry.at("receivers").get<double>(),
                      median(entry.at(figure).get<std::vector<double>>()));
  }
  lowest(picture.floor);
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
                 .x = "share of the receptions that came by then",
                 .y = "us",
                 .settings =
                     "set logscale y\nset logscale x\nset xtics (\"10 %%\" 1.111, "
                     "\"50 %%\" 2, \"90 %%\" 10, \"99 %%\" 100, \"99.9 %%\" 1000)\n"};
  for (const auto& entry : figures.at("paced")) {
    if (entry.at("receivers").get<double>() != most) continue;
    auto& points =
        is_floor(entry.at("system")) ? curves.floor : curves.lines[title_of(entry.at("system"))];
    for (const auto& point : entry.at("curve")) {
      // One in so many comes later: the tail as wide as the rest.
      points.emplace_back(1 / (1 - point.at(0).get<double>()), point.at(1).get<double>());
    }
  }
  lowest(curves.floor);
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
