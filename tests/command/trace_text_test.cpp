#include "command/trace_text.hpp"

#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "tests/lib/samples.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::command;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

constexpr Duration timeout = 30s;

Traced a_trace() {
  Traced traced;
  traced.fate = Traced::Fate::sent;
  traced.topic = Topic::parse("builds/42").value();
  traced.name = "app-1";
  traced.sequence = 17;
  traced.steps = {{TracedStep::publish, 1ms}, {TracedStep::position, 2ms}, {TracedStep::send, 1ms}};
  TracedReceiver receiver{origin(2), "app-2", "host:1", TracedFate::delivered, traced.steps, {}};
  receiver.steps.push_back({TracedStep::arrival, 1ms});
  receiver.steps.push_back({TracedStep::gap, 0s});
  receiver.steps.push_back({TracedStep::held, 990ms});
  receiver.steps.push_back({TracedStep::poll, 4ms});
  receiver.steps.push_back({TracedStep::delivery, 1ms});
  traced.receivers = {receiver};
  return traced;
}

std::string text(const Traced& traced) { return trace_text(traced, timeout); }

bool lacks(const std::string& text, const char* part) {
  return text.find(part) == std::string::npos;
}

}  // namespace

TEST_CASE("a trace shows when each step was over, how long it took, and its share") {
  CHECK(text(a_trace()) ==
        "builds/42, message 17 of app-1\n"
        "\n"
        "app-2 (host:1): delivered after 1.0 s\n"
        "  STEP      AT        TOOK      SHARE\n"
        "  publish   1.0 ms    1.0 ms    0.1 %   accepted by its peer\n"
        "  position  3.0 ms    2.0 ms    0.2 %   the question of the primary, after the commit\n"
        "  send      4.0 ms    1.0 ms    0.1 %   the commit is flushed, and messages before it are "
        "sent\n"
        "  arrival   5.0 ms    1.0 ms    0.1 %   the way\n"
        "  held      995.0 ms  990.0 ms  99.0 %  the replica comes as far as the change\n"
        "  poll      999.0 ms  4.0 ms    0.4 %   the reading of the replica that showed it\n"
        "  delivery  1.0 s     1.0 ms    0.1 %   the application is given it\n");
  CHECK(is_over(a_trace()));
}

TEST_CASE(
    "a trace tells how well clocks could be compared, and if that is no better than the way") {
  auto traced = a_trace();
  traced.receivers[0].clock_error = 300us;
  CHECK(text(traced).ends_with("\n  the clocks could be compared within 300 us\n"));
  traced.receivers[0].clock_error = 2ms;
  CHECK(text(traced).ends_with(
      "\n  the clocks could be compared within 2.0 ms, which is more than the way\n"));
}

TEST_CASE("a message that is under way stands in the step that is not over") {
  auto traced = a_trace();
  auto& receiver = traced.receivers[0];
  receiver.fate = TracedFate::under_way;
  CHECK(contains(text(traced), "after 1.0 s it waits for the application, which takes nothing\n"));
  receiver.steps.resize(6);
  CHECK(contains(text(traced), "it is held: the replica does not show its change\n"));
  receiver.steps.resize(4);
  CHECK(contains(text(traced), "after 5.0 ms it has not come\n"));
  CHECK_FALSE(is_over(traced));
  traced.fate = Traced::Fate::under_way;
  traced.receivers.clear();
  CHECK(text(traced).starts_with(
      "builds/42 of app-1: after 4.0 ms it waits until its commit is flushed\n"));
  CHECK_FALSE(is_over(traced));
  traced.fate = Traced::Fate::primary_lost;
  CHECK(text(traced).starts_with(
      "builds/42 of app-1: it was given back after 4.0 ms: primary_lost\n"));
  CHECK(is_over(traced));
}

TEST_CASE("receivers that were told nothing of are named, those without a subscription in a line") {
  auto traced = a_trace();
  traced.receivers.resize(1);
  auto other = traced.receivers[0];
  other.name = "app-3\x1b[2J";
  other.fate = TracedFate::unwanted;
  traced.receivers.push_back(other);
  other.name = "old";
  other.steps.clear();
  other.fate = TracedFate::unanswered;
  traced.receivers.push_back(other);
  other.name = "busy";
  other.fate = TracedFate::refused;
  traced.receivers.push_back(other);
  const auto all = text(traced);
  CHECK(contains(all, "\nold (host:1): does not answer; is it of an older version?\n"));
  CHECK(contains(all,
                 "\nbusy (host:1): follows too many messages already; try again in some "
                 "seconds\n"));
  CHECK(contains(all, "\nnot subscribed to it: app-3"));
  CHECK(lacks(all, "\x1b"));
}

TEST_CASE("a trace of nothing, and one that nobody else gets, say so") {
  CHECK(text(Traced{}) == "nothing was published there within 30s\n");
  auto traced = a_trace();
  traced.receivers.clear();
  CHECK(text(traced) == "builds/42, message 17 of app-1\nnobody else is in the mesh\n");
}
