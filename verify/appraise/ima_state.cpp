#include "verify/appraise/ima_state.h"

#include <functional>
#include <utility>

namespace ratls::verify {
namespace {

/// The state of `states` that fits and is the greatest by `key`; null if none fits.
template <typename Fits, typename Key>
const ImaState* greatest(const std::list<ImaState>& states, const Fits& fits, const Key& key) {
    const ImaState* best = nullptr;
    for (const ImaState& state : states) {
        if (fits(state) && (best == nullptr || std::invoke(key, *best) < std::invoke(key, state))) {
            best = &state;
        }
    }
    return best;
}

}  // namespace

const ImaState* ImaMemory::find(const ImaOwner& owner, std::uint64_t m) const {
    return greatest(
        states_,
        [&](const ImaState& state) { return state.owner == owner && state.entries() <= m; },
        &ImaState::entries);
}

const ImaState* ImaMemory::longest(const ImaOwner& owner) const {
    return greatest(
        states_, [&](const ImaState& state) { return state.owner.same_boot(owner); },
        &ImaState::entries);
}

const ImaState* ImaMemory::latest_boot(const ImaOwner& owner) const {
    return greatest(
        states_, [&](const ImaState& state) { return state.owner.same_tpm(owner); },
        [](const ImaState& state) {
            return std::pair(state.owner.reset_count, state.owner.restart_count);
        });
}

std::vector<const ImaState*> ImaMemory::of_boot(const ImaOwner& owner) const {
    std::vector<const ImaState*> out;
    for (const ImaState& state : states_) {
        if (state.owner.same_boot(owner)) {
            out.push_back(&state);
        }
    }
    return out;
}

void ImaMemory::keep(ImaState state) {
    std::erase_if(states_, [&](const ImaState& old) {
        return old.owner == state.owner && old.entries() == state.entries();
    });
    states_.push_front(std::move(state));
    if (states_.size() > kMaxStates) {
        states_.pop_back();
    }
}

}  // namespace ratls::verify
