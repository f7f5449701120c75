// Writes the inputs that the fuzzer begins with into a directory: one of each frame, a datagram and
// some texts.
#include <fstream>
#include <string>

#include "lib/mesh/announcement.hpp"
#include "lib/mesh/frame_codec.hpp"
#include "tests/lib/mesh/sample_frames.hpp"

using namespace tidegate;
using namespace tidegate::mesh;

int main(int count, char** arguments) {
  if (count != 2) return 2;
  int number = 0;
  const auto write = [&](const std::string& input) {
    std::ofstream(std::string(arguments[1]) + "/seed-" + std::to_string(++number)) << input;
  };
  testing::for_each_channel([&](const auto& frames) {
    for (const auto& frame : frames) write("f" + encode(frame));
  });
  const auto datagram = encode(Announcement{"default", testing::origin(1), 17900, 17901});
  write("d" + std::string(reinterpret_cast<const char*>(datagram.data()), datagram.size()));
  for (const auto* text : {"builds/42/new", "a\\/b/\\*", "builds/*/#", "7/2/0/3000060"}) {
    write("t" + std::string(text));
  }
}
