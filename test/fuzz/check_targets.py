#!/usr/bin/env python3
"""Fails if a fuzz target is not built, or a parser of hostile input has no fuzz target.

A header under ratls/ or verify/ that declares `parse...(ByteView` or `parse...(std::string_view`
must be included by a file test/fuzz/fuzz_*.cpp, or stand in EXEMPT with the reason.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXEMPT = {
    "ratls/codec/der.h": "walked by every certificate that fuzz_certificate reads",
    "ratls/crypto/public_key.h": "keys and signatures are parts of the certificates and quotes",
    "ratls/crypto/private_key.h": "reads our own key file, by mbedTLS",
}
PARSER = re.compile(r"\bparse\w*\(\s*(?:ratls::)?(?:ByteView|std::string_view)\b")
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)


def main():
    problems = []
    folder = ROOT / "test/fuzz"
    table = (folder / "meson.build").read_text()
    built = set(re.findall(r"^  '(\w+)':", table, re.M))
    sources = {path.stem.removeprefix("fuzz_"): path for path in folder.glob("fuzz_*.cpp")}
    for name in sorted(sources.keys() - built):
        problems.append(f"fuzz_{name}.cpp is not in the table of test/fuzz/meson.build")
    for name in sorted(built - sources.keys()):
        problems.append(f"test/fuzz/meson.build names {name}, but there is no fuzz_{name}.cpp")
    fuzzed = {header for path in sources.values() for header in INCLUDE.findall(path.read_text())}
    for top in ("ratls", "verify"):
        for path in sorted((ROOT / top).rglob("*.h")):
            name = path.relative_to(ROOT).as_posix()
            if PARSER.search(path.read_text()) and name not in fuzzed and name not in EXEMPT:
                problems.append(f"{name} declares a parser that no fuzz target includes")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
