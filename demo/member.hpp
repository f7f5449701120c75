// Shared by the writer and the readers: the mesh they join, and the end.
#pragma once

#include <cstdint>
#include <string>

#include "tidegate/notice.hpp"
#include "tidegate/options.hpp"

namespace tidegate::demo {

// A mesh that only this run of the demo is in. All else is found out.
struct Mesh {
  std::string name;
  std::uint16_t beacon_port = 0;
};

inline constexpr auto* writer_name = "writer";
inline constexpr auto* ungated_name = "ungated";
inline constexpr auto* gated_name = "gated";

// Everything else stays at its default.
[[nodiscard]] Options member_options(const Mesh& mesh, const std::string& name);

// Tells the stage of what concerns it.
void tell_notice(const Notice& notice);

}  // namespace tidegate::demo
