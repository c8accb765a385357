#include "ratls/codec/cbor.h"

#include "ratls/base/reader.h"
#include "ratls/base/text.h"

namespace ratls::cbor {

const Value* Value::find(std::uint64_t key) const {
    for (std::size_t i = 0; kind_ == Kind::map && i + 1 < items_.size(); i += 2) {
        if (items_[i].is(Kind::uint) && items_[i].number() == key) {
            return &items_[i + 1];
        }
    }
    return nullptr;
}

const Value* Value::find(std::string_view key) const {
    for (std::size_t i = 0; kind_ == Kind::map && i + 1 < items_.size(); i += 2) {
        if (items_[i].is(Kind::text) && items_[i].text() == key) {
            return &items_[i + 1];
        }
    }
    return nullptr;
}

class Decoder {
  public:
    Decoder(ByteView in, std::string_view name, Limits limits)
        : in_(in), reader_(in, name), limits_(limits) {}

    Result<Value> run() {
        Value value = item(0);
        return reader_.finish(std::move(value));
    }

  private:
    Value item(unsigned depth) {
        Value value;
        if (++items_ > limits_.max_items) {
            reader_.fail(Code::too_large, "items", "too many data items");
        }
        const std::uint8_t initial = reader_.u8("initial byte");
        const std::uint64_t argument = read_argument(initial & 0x1f);
        if (!reader_.ok()) {
            return value;
        }
        switch (initial >> 5) {
            case 0:
                value.kind_ = Value::Kind::uint;
                value.number_ = argument;
                break;
            case 2:
                value.kind_ = Value::Kind::bytes;
                value.string_ = string(argument);
                break;
            case 3:
                value.kind_ = Value::Kind::text;
                value.string_ = string(argument);
                if (!is_utf8(as_text(value.string_))) {
                    reader_.fail(Code::malformed, "text", "not UTF-8");
                }
                break;
            case 4:
                value.kind_ = Value::Kind::array;
                children(value, argument, depth);
                break;
            case 5:
                value.kind_ = Value::Kind::map;
                children(value, argument, depth);
                break;
            default:
                reader_.fail(Code::unsupported, "initial byte",
                             "major type " + std::to_string(initial >> 5));
        }
        return value;
    }

    std::uint64_t read_argument(unsigned info) {
        if (info < 24) {
            return info;
        }
        std::uint64_t value = 0;
        std::uint64_t least = 0;
        switch (info) {
            case 24:
                value = reader_.u8("argument");
                least = 24;
                break;
            case 25:
                value = reader_.u16_be("argument");
                least = 0x100;
                break;
            case 26:
                value = reader_.u32_be("argument");
                least = 0x10000;
                break;
            case 27:
                value = reader_.u64_be("argument");
                least = 0x100000000;
                break;
            default:
                reader_.fail(Code::malformed, "argument", "an indefinite or reserved length");
                return 0;
        }
        if (reader_.ok() && value < least) {
            reader_.fail(Code::malformed, "argument", "not in its shortest form");
        }
        return value;
    }

    ByteView string(std::uint64_t length) {
        if (length > reader_.left()) {
            reader_.fail(Code::malformed, "string",
                         std::to_string(length) + " bytes wanted, " +
                             std::to_string(reader_.left()) + " left");
            return {};
        }
        return reader_.bytes(static_cast<std::size_t>(length), "string");
    }

    void children(Value& value, std::uint64_t count, unsigned depth) {
        if (depth >= limits_.max_depth) {
            reader_.fail(Code::too_large, "nesting",
                         "more than " + std::to_string(limits_.max_depth) + " levels");
            return;
        }
        const bool is_map = value.is(Value::Kind::map);
        ByteView previous;
        for (std::uint64_t i = 0; reader_.ok() && i < count; ++i) {
            const std::size_t start = reader_.offset();
            value.items_.push_back(item(depth + 1));
            if (!is_map || !reader_.ok()) {
                continue;
            }
            const Value& key = value.items_.back();
            if (!key.is(Value::Kind::uint) && !key.is(Value::Kind::text)) {
                reader_.fail(Code::unsupported, "map key", "an integer or text wanted");
                return;
            }
            const ByteView encoded = in_.subspan(start, reader_.offset() - start);
            if (i > 0 && !std::ranges::lexicographical_compare(previous, encoded)) {
                reader_.fail(Code::malformed, "map key", "not sorted, or twice");
                return;
            }
            previous = encoded;
            value.items_.push_back(item(depth + 1));
        }
    }

    ByteView in_;
    Reader reader_;
    Limits limits_;
    std::size_t items_ = 0;
};

Result<Value> parse(ByteView in, std::string_view name, Limits limits) {
    return Decoder(in, name, limits).run();
}

Encoder& Encoder::head(unsigned major, std::uint64_t value) {
    unsigned info = static_cast<unsigned>(value);
    int size = 0;
    if (value >= 24) {
        info = value < 0x100 ? 24 : value < 0x10000 ? 25 : value < 0x100000000 ? 26 : 27;
        size = 1 << (info - 24);
    }
    out_.push_back(static_cast<std::uint8_t>((major << 5) | info));
    for (int i = size - 1; i >= 0; --i) {
        out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
    return *this;
}

Encoder& Encoder::bytes(ByteView value) {
    head(2, value.size());
    append(out_, value);
    return *this;
}

Encoder& Encoder::text(std::string_view value) {
    head(3, value.size());
    append(out_, as_bytes(value));
    return *this;
}

}  // namespace ratls::cbor
