// Product lines of AMD EPYC and how each lays out its TCB version.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "ratls/base/bytes.h"
#include "ratls/base/result.h"

namespace ratls::snp {

/// The lines that have a key hierarchy of their own (ARK-Milan, ARK-Genoa, ARK-Turin). Bergamo and
/// Siena belong to Genoa.
enum class Line : std::uint8_t { milan, genoa, turin };

inline constexpr std::array kAllLines = {Line::milan, Line::genoa, Line::turin};

/// "Milan", "Genoa", "Turin", as in the names of AMD's certificates.
std::string_view line_name(Line line);
std::optional<Line> line_from_name(std::string_view name);

/// The line of a processor. Source: AMD 56860, CPUID_FAM_ID and CPUID_MOD_ID; AMD 57230, table of
/// products. None for processors that we know no hierarchy of.
std::optional<Line> line_from_cpuid(unsigned family, unsigned model);

/// "family 26, model 80 (Venice)": for processors that `line_from_cpuid` does not know.
std::string processor_text(unsigned family, unsigned model);

/// TCB_VERSION as it stands in a report. Source: AMD 56860, TCB_VERSION (by product line).
using RawTcb = std::array<std::uint8_t, 8>;

/// A TCB version by component (security patch levels). Compare component by component, never as one
/// number: a version is not older only because one part of it is.
struct Tcb {
    std::optional<std::uint8_t> fmc;  ///< Turin only
    std::uint8_t bootloader = 0;
    std::uint8_t tee = 0;
    std::uint8_t snp = 0;
    std::uint8_t microcode = 0;

    friend bool operator==(const Tcb&, const Tcb&) = default;
};

/// Fails if bytes that are reserved on this line are not zero.
Result<Tcb> parse_tcb(const RawTcb& raw, Line line);

/// True if every component of `a` is at least that of `b`.
bool at_least(const Tcb& a, const Tcb& b);

/// "bl 3, tee 0, snp 8, ucode 115".
std::string tcb_text(const Tcb& tcb);

}  // namespace ratls::snp
