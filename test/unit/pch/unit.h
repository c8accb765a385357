// Precompiled for the unit tests: what nearly every one of them includes, or would.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>
