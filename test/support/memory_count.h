// What operator new hands out, counted in each program that links memory_count.cpp.
#pragma once

#include <cstddef>

namespace ratls::test {

struct MemoryCount {
    std::size_t allocations = 0;
    std::size_t peak = 0;     ///< bytes at one time, beyond those held when counting began
    std::size_t largest = 0;  ///< bytes of one allocation, as they were asked for
};

/// Begins anew. Counts all threads.
void count_memory();
/// What was handed out since.
MemoryCount counted_memory();

}  // namespace ratls::test
