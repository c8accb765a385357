#include "ratls/evidence/snp/tcb.h"

#include <algorithm>

namespace ratls::snp {

std::string_view line_name(Line line) {
    switch (line) {
        case Line::milan:
            return "Milan";
        case Line::genoa:
            return "Genoa";
        case Line::turin:
            return "Turin";
    }
    return "";
}

std::optional<Line> line_from_name(std::string_view name) {
    for (const Line line : kAllLines) {
        if (line_name(line) == name) {
            return line;
        }
    }
    return std::nullopt;
}

std::optional<Line> line_from_cpuid(unsigned family, unsigned model) {
    struct Range {
        unsigned family, first, last;
        Line line;
    };
    constexpr std::array kRanges = {
        Range{0x19, 0x00, 0x0f, Line::milan},
        Range{0x19, 0x10, 0x1f, Line::genoa},
        Range{0x19, 0xa0, 0xaf, Line::genoa},  // Bergamo, Siena
        Range{0x1a, 0x00, 0x11, Line::turin},
    };
    const auto* found = std::ranges::find_if(kRanges, [&](const Range& range) {
        return family == range.family && model >= range.first && model <= range.last;
    });
    if (found == kRanges.end()) {
        return std::nullopt;
    }
    return found->line;
}

std::string processor_text(unsigned family, unsigned model) {
    const bool venice =
        family == 0x1a && ((model >= 0x50 && model <= 0x57) || (model >= 0x90 && model <= 0xaf) ||
                           (model >= 0xc0 && model <= 0xc7));
    return "family " + std::to_string(family) + ", model " + std::to_string(model) +
           (venice ? " (Venice, of which no root is built in)" : "");
}

Result<Tcb> parse_tcb(const RawTcb& raw, Line line) {
    Tcb tcb;
    ByteView reserved;
    if (line == Line::turin) {
        tcb = {raw[0], raw[1], raw[2], raw[3], raw[7]};
        reserved = ByteView(raw).subspan(4, 3);
    } else {
        tcb = {std::nullopt, raw[0], raw[1], raw[6], raw[7]};
        reserved = ByteView(raw).subspan(2, 4);
    }
    if (!all_zero(reserved)) {
        return fail(Code::malformed, "snp.tcb",
                    "reserved bytes of a " + std::string(line_name(line)) + " TCB are not zero");
    }
    return tcb;
}

bool at_least(const Tcb& a, const Tcb& b) {
    return a.fmc.value_or(0) >= b.fmc.value_or(0) && a.bootloader >= b.bootloader &&
           a.tee >= b.tee && a.snp >= b.snp && a.microcode >= b.microcode;
}

std::string tcb_text(const Tcb& tcb) {
    return (tcb.fmc ? "fmc " + std::to_string(*tcb.fmc) + ", " : std::string()) + "bl " +
           std::to_string(tcb.bootloader) + ", tee " + std::to_string(tcb.tee) + ", snp " +
           std::to_string(tcb.snp) + ", ucode " + std::to_string(tcb.microcode);
}

}  // namespace ratls::snp
