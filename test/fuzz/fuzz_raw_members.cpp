// Where the whole text is JSON, raw members are what the parser finds.
#include "ratls/codec/json.h"

#include "ratls/base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ratls;
    const std::string_view text = as_text({data, size});
    const auto members = raw_members(text);
    const auto whole = parse_json(text);
    if (members && whole) {
        const Json::Object* object = whole->if_object();
        if (object == nullptr || object->size() != members->size()) {
            __builtin_trap();
        }
        for (const auto& [name, value] : *members) {
            const auto json = parse_json(value);
            const Json* found = whole->find(name);
            if (!json || found == nullptr || json->canonical() != found->canonical()) {
                __builtin_trap();
            }
        }
    }
    return 0;
}
