// The file in which a peer keeps its identity and the end of its stream, so that a restarted
// application goes on with both.
//
// It holds the peer id, the epoch (the incarnation in which the stream has begun), the incarnation
// of the present life, the boot id of the machine, and the last sequence that was sent. The last
// sequence is a word of mapped memory: a store costs nothing and survives the end of the process,
// however it ends, but not that of the machine. After a reboot the word may be too old, so the
// stream begins anew, in an epoch of its own; the peer id stays.
//
// 1. A sequence is stored before its frame is handed to the carrier; so none is ever used twice.
// 2. One process has the file at a time: `<path>.lock` is locked as long as it runs.
// 3. A file is replaced whole (written beside it, flushed, renamed), never changed in place but for
//    that word. One that can't be understood is refused, never replaced.
// 4. The incarnation rises with every life, also when the clock was set back.
#pragma once

#include <cstdint>
#include <string>

#include "lib/mesh/frame.hpp"
#include "peer/io/descriptor.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/result.hpp"

namespace tidegate::peer {

class StateFile {
 public:
  // Reads the file, or makes it with `fresh` as the identity. `fresh.incarnation` is the present
  // time.
  static Result<StateFile> open(const std::string& path, const Origin& fresh,
                                const std::string& boot_id);

  StateFile(StateFile&& other) noexcept;
  StateFile& operator=(StateFile&&) = delete;
  ~StateFile();

  [[nodiscard]] const Origin& origin() const { return origin_; }  // of the present life
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  [[nodiscard]] std::uint64_t last() const;

  void store(std::uint64_t last);

 private:
  StateFile(io::Descriptor lock, Origin origin, std::uint64_t epoch, std::uint64_t* last)
      : lock_(std::move(lock)), origin_(origin), epoch_(epoch), last_(last) {}

  io::Descriptor lock_;
  Origin origin_;
  std::uint64_t epoch_;
  std::uint64_t* last_;  // in the mapped file
};

// Of the machine's present run; empty when it can't be told.
[[nodiscard]] std::string read_boot_id();

}  // namespace tidegate::peer
