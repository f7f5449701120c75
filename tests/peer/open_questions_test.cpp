// The count of an application's questions.
#include "peer/open_questions.hpp"

#include <vector>

#include <doctest/doctest.h>

using namespace tidegate;

namespace {

std::vector<Ticket> open_all(peer::OpenQuestions& questions, Where where) {
  std::vector<Ticket> open;
  while (const auto ticket = questions.open(where)) open.push_back(*ticket);
  return open;
}

}  // namespace

TEST_CASE("so many questions are open at the most, and one that is closed makes room for another") {
  peer::OpenQuestions questions;
  const auto open = open_all(questions, Where::here);
  CHECK(open.size() == base::limits::questions);
  CHECK_FALSE(questions.open(Where::everywhere));
  questions.close(open.front());
  questions.close(open.front());
  CHECK(questions.open(Where::everywhere));
  CHECK_FALSE(questions.open(Where::here));
}

TEST_CASE("fewer of those that ask everywhere are open, and the others have room beside them") {
  peer::OpenQuestions questions;
  const auto open = open_all(questions, Where::everywhere);
  CHECK(open.size() == base::limits::questions_everywhere);
  CHECK(questions.open(Where::here));
  questions.close(open.back());
  CHECK(questions.open(Where::everywhere));
  CHECK_FALSE(questions.open(Where::everywhere));
  CHECK(questions.number() != *questions.open(Where::here));
}

TEST_CASE("few traces are open at a time, whatever else is asked") {
  peer::OpenQuestions questions;
  std::vector<Ticket> open;
  while (const auto ticket = questions.open_trace()) open.push_back(*ticket);
  CHECK(open.size() == base::limits::traces_of_asker);
  CHECK(questions.open(Where::everywhere));
  questions.close(open.back());
  CHECK(questions.open_trace());
  CHECK_FALSE(questions.open_trace());
}
