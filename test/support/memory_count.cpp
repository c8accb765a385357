#include "test/support/memory_count.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> allocations{0};
std::atomic<std::size_t> live{0};
std::atomic<std::size_t> base{0};
std::atomic<std::size_t> peak{0};
std::atomic<std::size_t> largest{0};

void raise(std::atomic<std::size_t>& highest, std::size_t value) {
    std::size_t seen = highest.load();
    while (seen < value && !highest.compare_exchange_weak(seen, value)) {
    }
}

void* count(void* memory, std::size_t size) {
    if (memory != nullptr) {
        ++allocations;
        raise(largest, size);
        raise(peak, live += malloc_usable_size(memory));
    }
    return memory;
}

}  // namespace

void* operator new(std::size_t size) {
    if (void* memory = count(std::malloc(size == 0 ? 1 : size), size)) {
        return memory;
    }
    throw std::bad_alloc();
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return count(std::malloc(size == 0 ? 1 : size), size);
}

void operator delete(void* memory) noexcept {
    if (memory != nullptr) {
        live -= malloc_usable_size(memory);
        std::free(memory);
    }
}

void operator delete(void* memory, std::size_t) noexcept {
    operator delete(memory);
}

namespace ratls::test {

void count_memory() {
    allocations = 0;
    largest = 0;
    base = live.load();
    peak = live.load();
}

MemoryCount counted_memory() {
    return {.allocations = allocations, .peak = peak - base, .largest = largest};
}

}  // namespace ratls::test
