// The frames of a survey as bytes, field by field; frame_codec.cpp gives them their numbers.
#pragma once

#include "lib/mesh/frame_reader.hpp"
#include "lib/mesh/frame_writer.hpp"
#include "lib/mesh/survey_frames.hpp"

namespace tidegate::mesh {

inline constexpr std::uint32_t survey_question_fields = 3;
inline constexpr std::uint32_t survey_answer_fields = 10;
inline constexpr std::uint32_t path_question_fields = 3;
inline constexpr std::uint32_t path_answer_fields = 4;

void write_fields(FrameWriter& frame, const SurveyQuestion& value);
void write_fields(FrameWriter& frame, const SurveyAnswer& value);
void write_fields(FrameWriter& frame, const PathQuestion& value);
void write_fields(FrameWriter& frame, const PathAnswer& value);

// After a failure of the reader they are anything.
void read_fields(FrameReader& frame, SurveyQuestion& value);
void read_fields(FrameReader& frame, SurveyAnswer& value);
void read_fields(FrameReader& frame, PathQuestion& value);
void read_fields(FrameReader& frame, PathAnswer& value);

}  // namespace tidegate::mesh
