// The topics and patterns of tidegate as destinations of STOMP. There are three forms, for clients
// of different habits; the first is tidegate's own text of a topic (tidegate/topic.hpp):
//
//     builds/42/new           elements end at '/'
//     /topic/builds/42/new    the same
//     /topic/builds.42.new    the same: behind /topic/ they end at '.' too
//
// Alone in an element of a subscription, '*' matches any one element, and '#' or '>' as the last
// one the rest. A backslash takes the character behind it literally, so every character can be
// named: /topic/a\.b has one element.
#pragma once

#include <string>
#include <string_view>

#include "tidegate/result.hpp"
#include "tidegate/topic.hpp"

namespace tidegate::stomp {

// Where the door tells what a client will not get, as MESSAGEs; see session.hpp.
inline constexpr std::string_view notices = "/tidegate/notices";

enum class Form : std::uint8_t { plain, slashes, dots };

struct Filter {
  Pattern pattern = Pattern::all();
  Form form = Form::plain;  // in which its messages name their topics
};

[[nodiscard]] Result<Topic> topic_of(std::string_view destination);
[[nodiscard]] Result<Filter> filter_of(std::string_view destination);

// topic_of() gives the same topic again.
[[nodiscard]] std::string destination_of(const Topic& topic, Form form);

}  // namespace tidegate::stomp
