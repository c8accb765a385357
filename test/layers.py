#!/usr/bin/env python3
"""Checks every #include against the layers of docs/architecture.md.

  layers.py [FOLDER]      prints each include that is not allowed; exit 1 if there is one
  layers.py --self-test   checks that this check refuses what it must refuse

A folder belongs to the longest prefix in LAYERS and may include itself and what stands there.
Besides, the folders of ratls/ must not form a cycle, and neither must the headers of the rest.
"""
import pathlib
import re
import sys
import tempfile

GROUND = ["ratls/base", "ratls/codec", "ratls/crypto"]
FORMATS = ["ratls/evidence", "ratls/cert", "ratls/http"]
LIBRARY = GROUND + FORMATS + ["ratls/platform", "ratls/tls", "ratls/collect", "ratls/endorse"]
VERIFY = ["verify"]

LAYERS = {
    "ratls/base": [],
    "ratls/codec": ["ratls/base"],
    "ratls/crypto": ["ratls/base", "ratls/codec"],
    "ratls/evidence": GROUND,
    "ratls/cert": GROUND + ["ratls/evidence"],
    "ratls/http": GROUND,
    "ratls/platform": GROUND + FORMATS,
    "ratls/tls": GROUND + ["ratls/http", "ratls/platform"],
    "ratls/collect": GROUND + FORMATS + ["ratls/platform"],
    "ratls/endorse": GROUND + FORMATS + ["ratls/platform"],
    "verify": GROUND + ["ratls/evidence", "ratls/cert"],  # pure
    "verify/tls": GROUND + FORMATS + ["ratls/platform", "ratls/tls"] + VERIFY,
    "verify/cli": LIBRARY + VERIFY + ["verify/tls"],
    "agent": LIBRARY,
    "certtool": LIBRARY,
    "test": LIBRARY + VERIFY + ["verify/tls", "verify/cli", "agent", "certtool"],
    "bench": LIBRARY + VERIFY + ["verify/tls", "test"],
}

# Headers of others: prefix -> who may include them. What is not listed is free.
THIRD_PARTY = {
    "mbedtls/": ["ratls/crypto", "ratls/tls", "verify/tls"],
    "psa/": ["ratls/crypto", "ratls/tls", "verify/tls"],
    "simdjson.h": ["ratls/codec/json_cursor.cpp"],
    "curl/": ["ratls/platform"],
    "tss2/": ["ratls/platform"],
    "archive.h": ["ratls/platform/archive_hash.cpp"],
    "archive_entry.h": ["ratls/platform/archive_hash.cpp"],
    "openssl/": ["ratls/crypto/libcrypto"],
    "zlib.h": ["ratls/cert"],
    "CLI/": ["verify/cli", "agent", "certtool"],
    "toml++/": ["agent", "certtool"],
    "doctest/": [],
    "benchmark/": [],
}

# What parses, verifies or appraises opens no file, socket or device and starts nothing.
IMPURE = ["fstream", "filesystem", "iostream", "thread", "unistd.h", "fcntl.h", "dirent.h", "netdb.h",
          "poll.h", "sys/socket.h", "sys/stat.h", "sys/mman.h", "sys/ioctl.h", "sys/wait.h",
          "netinet/"]
PURE = ["ratls/base", "ratls/codec", "ratls/crypto", "ratls/evidence", "ratls/cert", "ratls/http",
        "verify"]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def under(name, prefix):
    return name == prefix or name.startswith(prefix.rstrip("/") + "/")


def layer_of(name):
    return max((layer for layer in LAYERS if under(name, layer)), key=len, default=None)


def sources(root):
    for top in sorted({layer.split("/")[0] for layer in LAYERS}):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".h", ".cpp", ".c"):
                yield path.relative_to(root).as_posix(), path


def check_third_party(name, layer, header):
    if layer in ("test", "bench"):
        return None
    for prefix, users in THIRD_PARTY.items():
        if header.startswith(prefix) and not any(under(name, user) for user in users):
            return f"<{header}> belongs to {', '.join(users) or 'tests'} only"
    if layer in PURE and any(header == h or h.endswith("/") and header.startswith(h) for h in IMPURE):
        return f"<{header}>: {layer} opens no file, socket or device"
    return None


def check_ours(name, layer, header):
    target = layer_of(header)
    if target is None:
        return f'"{header}" is in no layer: write the path from the top of the tree'
    if target != layer and target not in LAYERS[layer]:
        return f'"{header}": {layer} may not include {target}'
    return None


def counts(name):
    return name.startswith("ratls/") or name.endswith(".h")


def node(name):
    """What must not form a cycle: the folder in ratls/, else the header."""
    return name.rsplit("/", 1)[0] if name.startswith("ratls/") else name


def find_cycle(graph):
    done, path = set(), []

    def visit(folder):
        if folder in path:
            return path[path.index(folder):] + [folder]
        if folder in done:
            return None
        path.append(folder)
        for target in sorted(graph.get(folder, ())):
            found = visit(target)
            if found:
                return found
        path.pop()
        done.add(folder)
        return None

    for folder in sorted(graph):
        found = visit(folder)
        if found:
            return found
    return None


def check(root):
    problems, graph = [], {}
    for name, path in sources(root):
        layer = layer_of(name)
        if layer is None:
            problems.append(f"{name}: its folder is in no layer")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quote, header = match.groups()
            if quote == "<":
                problem = check_third_party(name, layer, header)
            else:
                problem = check_ours(name, layer, header)
                if counts(name) and node(header) != node(name):
                    graph.setdefault(node(name), set()).add(node(header))
            if problem:
                problems.append(f"{name}:{number}: {problem}")
    cycle = find_cycle(graph)
    if cycle:
        problems.append("these include each other: " + " -> ".join(cycle))
    return problems


GOOD = [
    ("ratls/codec/a.h", '#include "ratls/base/b.h"'),
    ("ratls/crypto/a.cpp", "#include <mbedtls/pk.h>"),
    ("ratls/crypto/libcrypto/a.cpp", "#include <openssl/evp.h>"),
    ("test/unit/a.cpp", "#include <openssl/evp.h>"),
    ("ratls/codec/json_cursor.cpp", "#include <simdjson.h>"),
    ("verify/a.cpp", '#include "ratls/evidence/snp/report.h"'),
    ("test/unit/a.cpp", '#include "verify/a.h"'),
    ("ratls/endorse/a.cpp", '#include "ratls/platform/http_client.h"'),
    ("verify/cli/a.cpp", '#include "ratls/endorse/fetch.h"'),
]
BAD = [
    ("ratls/base/a.h", '#include "ratls/codec/hex.h"'),
    ("ratls/evidence/snp/a.cpp", '#include "verify/verifier.h"'),
    ("ratls/cert/a.cpp", '#include "ratls/platform/files.h"'),
    ("verify/a.cpp", '  #  include "ratls/collect/a.h"'),
    ("verify/appraise/a.cpp", '#include "ratls/tls/a.h"'),
    ("verify/appraise/a.cpp", '#include "verify/cli/a.h"'),
    ("verify/a.cpp", '#include "ratls/endorse/fetch.h"'),
    ("verify/formats/a.cpp", '#include "ratls/endorse/document.h"'),
    ("ratls/endorse/a.cpp", '#include "verify/endorsements.h"'),
    ("ratls/endorse/a.cpp", '#include "ratls/tls/client.h"'),
    ("ratls/platform/a.cpp", '#include "ratls/endorse/fetch.h"'),
    ("agent/a.cpp", '#include "certtool/a.h"'),
    ("ratls/base/a.h", '#include "b.h"'),
    ("verify/a.cpp", "#include <mbedtls/pk.h>"),
    ("ratls/crypto/a.cpp", "#include <openssl/evp.h>"),
    ("ratls/crypto/mbedtls/a.cpp", "#include <openssl/sha.h>"),
    ("ratls/crypto/libcrypto.h", "#include <openssl/types.h>"),
    ("ratls/platform/a.cpp", "#include <openssl/ssl.h>"),
    ("verify/a.cpp", "#include <openssl/x509.h>"),
    ("ratls/codec/json.cpp", "#include <simdjson.h>"),
    ("ratls/evidence/tpm/a.cpp", "#include <tss2/tss2_esys.h>"),
    ("verify/a.cpp", "#include <fstream>"),
    ("ratls/http/a.cpp", "#include <netinet/in.h>"),
    ("ratls/elsewhere/a.cpp", "int x;"),
]
CYCLES = [
    [("ratls/evidence/a/x.h", '#include "ratls/evidence/b/x.h"'),
     ("ratls/evidence/b/y.h", '#include "ratls/evidence/a/x.h"')],
    [("verify/a.h", '#include "verify/b.h"'), ("verify/b.h", '#include "verify/a.h"')],
]


def problems_of(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files:
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("// first line\n" + text + "\n")
        return check(pathlib.Path(folder))


def self_test():
    wrong = []
    if problems_of(GOOD):
        wrong.append(f"refused, but is allowed: {problems_of(GOOD)}")
    for case in BAD:
        if len(problems_of([case])) != 1:
            wrong.append(f"accepted, but is not allowed: {case}")
    for files in CYCLES:
        if len(problems_of(files)) != 1:
            wrong.append(f"accepted a cycle: {files}")
    return wrong


def main():
    if sys.argv[1:] == ["--self-test"]:
        problems = self_test()
    else:
        root = pathlib.Path(sys.argv[1]) if sys.argv[1:] else pathlib.Path(__file__).resolve().parents[1]
        problems = check(root.resolve())
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
