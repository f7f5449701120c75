#include "lib/mesh/frame_cursor.hpp"

#include <msgpack.hpp>

namespace tidegate::mesh {
namespace {

// Steps over one value of any type, as far as it is one.
class Skipped : public msgpack::null_visitor {
 public:
  bool start_array(std::uint32_t) { return deeper(); }
  bool start_map(std::uint32_t) { return deeper(); }
  bool end_array() { return shallower(); }
  bool end_map() { return shallower(); }

 private:
  static constexpr int deepest = 8;

  bool deeper() { return ++depth_ <= deepest; }
  bool shallower() { return --depth_ >= 0; }

  int depth_ = 0;
};

}  // namespace

void FrameCursor::skip(const char* what) {
  Skipped value;
  std::size_t size = 0;
  if (left_.empty() || !msgpack::parse(left_.data(), left_.size(), size, value)) {
    return fail(what);
  }
  left_.remove_prefix(size);
}

}  // namespace tidegate::mesh
