// Headers that nearly every test includes and that take longest to read, precompiled: the tests are
// most of what there is to compile. Each test still includes what it needs; `./dev lint` builds
// without this file.
#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include <doctest/doctest.h>
