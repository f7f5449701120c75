#include "tests/soak/journal.hpp"

#include <iterator>
#include <stdexcept>

#include <fcntl.h>
#include <unistd.h>

#include "peer/io/clock.hpp"

namespace tidegate::soak {

Journal::Journal(const std::filesystem::path& path)
    : file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (!file_) throw std::runtime_error("can't open " + path.string());
}

void Journal::write(Event event) {
  const auto line = to_line({io::clock_now(), std::move(event)});
  const auto count = ::write(file_.get(), line.data(), line.size());
  if (count != static_cast<ssize_t>(line.size())) throw std::runtime_error("the disk is full");
}

std::vector<Record> JournalReader::read() {
  std::vector<Record> records;
  std::ifstream file(path_);
  if (!file || !file.seekg(offset_)) return records;
  std::string text(std::istreambuf_iterator<char>(file), {});
  std::size_t begin = 0;
  // The last line may not be whole yet.
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    const auto line = std::string_view(text).substr(begin, end - begin);
    auto record = parse_record(line);
    if (!record) throw std::runtime_error(path_.string() + " holds '" + std::string(line) + "'");
    records.push_back(std::move(*record));
    begin = end + 1;
  }
  offset_ += static_cast<std::streamoff>(begin);
  return records;
}

}  // namespace tidegate::soak
