// The bytes of the frames of a trace; for frame_codec.cpp alone. They have a source of their own,
// with the parts of readers and writers that only they need: the compiler builds the reading and
// writing of messages into one piece, and more callers of its parts would end that (bench/core).
#pragma once

#include <cstdint>
#include <string>

#include "lib/mesh/frame.hpp"
#include "lib/mesh/frame_reader.hpp"

namespace tidegate::mesh {

inline constexpr std::uint8_t trace_request_kind = 17;
inline constexpr std::uint8_t trace_report_kind = 18;

[[nodiscard]] std::string write(const TraceRequest& f);
[[nodiscard]] std::string write(const TraceReport& f);

// Behind the kind.
void read_trace(FrameReader& frame, CallFrame& request);
void read_trace(FrameReader& frame, AnswerFrame& report);

}  // namespace tidegate::mesh
