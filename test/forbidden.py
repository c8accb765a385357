#!/usr/bin/env python3
"""Refuses calls that have a better replacement here, outside the places that need them.

  forbidden.py [FOLDER]      prints each finding; exit 1 if there is one
  forbidden.py --self-test   checks that this check finds what it must find

An exception carries its reason on the same line: `// allowed: why`.
"""
import pathlib
import re
import sys
import tempfile

TOPS = ["ratls", "verify", "agent", "certtool", "bench", "test"]

# (pattern, what to do instead, folders where it is free)
RULES = [
    (r"\breinterpret_cast\b", "use as_bytes, as_text or Reader",
     ["ratls/base", "ratls/crypto", "ratls/tls", "ratls/platform", "test"]),
    (r"\bconst_cast\b", "change the type", ["ratls/crypto", "ratls/tls", "ratls/platform", "test"]),
    (r"\bmem(cpy|move)\(", "use std::copy, Reader or Writer", ["ratls/base"]),
    (r"\b(system|popen)\(", "start programs through Process", []),
    (r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca)\(", "use std::string or fmt", []),
    (r"\b(atoi|atol|atoll|strtol|strtoul|strtoull|strtod)\(", "use std::from_chars", []),
    (r"\b(s?rand|random)\(\s*\)", "use random_bytes", []),
    (r"\bstd::(mt19937|random_device)", "use random_bytes", ["test", "bench"]),
    (r"(?<![\w.>])(std::|::)?time\((nullptr|NULL|0|&)", "take the time as an argument, or Clock",
     ["ratls/platform"]),
    (r"\b(clock_gettime|gettimeofday)\(|\bsystem_clock::now\b",
     "take the time as an argument, or Clock", ["ratls/platform", "test", "bench"]),
    (r"\bsteady_clock::now\b", "take the time as an argument, or Clock",
     ["ratls/platform", "ratls/tls", "agent", "verify/cli", "test", "bench"]),
    (r"\b(sleep|usleep|nanosleep)\(|\bsleep_(for|until)\(", "wait for the event itself", []),
    (r"\bgetenv\(", "take it as an argument: the environment is the user's",
     ["verify/cli", "agent", "certtool", "test"]),
    (r"\bcatch\s*\(\s*\.\.\.\s*\)", "catch at the edge of the program only",
     ["verify/cli/main.cpp", "verify/capi", "agent/main.cpp", "certtool/main.cpp"]),
    (r"\bstd::(cout|cerr|clog)\b", "take the stream as an argument: run_program looks after it",
     ["ratls/platform/program.cpp", "test", "bench"]),
    (r"<<[^;]*\bcanonical\(\)", "print line() or pretty(), which escape", ["test"]),
    (r"<<[^;]*\berror\(\)\.(what|where)\b", "print text(), which escapes", ["test", "bench"]),
    (r"\bthrow\b", "return a Result", ["test", "bench"]),
    (r"\busing\s+namespace\s+std\s*;", "name what is used", []),
    (r"\bstd::regex\b", "a hand-written reader has bounds", []),
]
# These look at comments too.
COMMENT_RULES = [
    (r"\bNOLINT(?!\w*\([\w\-., ]+\): \S)", "write NOLINT(check): reason"),
    (r"\b(TODO|FIXME|XXX|HACK)\b", "do it, or file an issue"),
]
ALLOWED = re.compile(r"// allowed: \S")

TOKENS = re.compile(
    r'R"(?P<d>[^(\s]{0,16})\(.*?\)(?P=d)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''
    r"|//[^\n]*|/\*.*?\*/", re.S)


def without_text(source):
    """The source with strings and comments blanked, line by line."""
    return TOKENS.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), source)


def free(name, folders):
    return any(name == f or name.startswith(f + "/") for f in folders)


def check(root):
    problems = []
    for top in TOPS:
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in (".h", ".cpp", ".c"):
                continue
            name = path.relative_to(root).as_posix()
            source = path.read_text()
            code = without_text(source).split("\n")
            for number, line in enumerate(source.split("\n"), 1):
                if ALLOWED.search(line):
                    continue
                for pattern, instead, folders in RULES:
                    if re.search(pattern, code[number - 1]) and not free(name, folders):
                        problems.append(f"{name}:{number}: {line.strip()}: {instead}")
                for pattern, instead in COMMENT_RULES:
                    if re.search(pattern, line):
                        problems.append(f"{name}:{number}: {line.strip()}: {instead}")
    return problems


GOOD = [
    ("ratls/base/a.cpp", "auto p = reinterpret_cast<const char*>(q);"),
    ("verify/a.cpp", "bind(fd, reinterpret_cast<sockaddr*>(&a), n);  // allowed: the socket API"),
    ("verify/a.cpp", 'log("system(x)");  // system(x)'),
    ("verify/a.cpp", "auto t = clock.time(); parse_time(x); not_before_time(y);"),
    ("verify/a.cpp", "int x = f();  // NOLINT(cert-err58-cpp): a constant table"),
    ("verify/cli/main.cpp", "} catch (...) {"),
    ("verify/a.cpp", 'auto s = R"(system("x"))";'),
    ("verify/a.cpp", "out << json.line() << error().text(); sign(json.canonical());"),
]
BAD = [
    ("verify/a.cpp", "auto p = reinterpret_cast<const char*>(q);"),
    ("verify/a.cpp", "auto p = reinterpret_cast<const char*>(q);  // allowed:"),
    ("agent/a.cpp", "std::memcpy(a, b, c);"),
    ("verify/a.cpp", "system(command);"),
    ("verify/a.cpp", "FILE* f = popen(command, mode);"),
    ("verify/a.cpp", "strcpy(a, b);"),
    ("verify/a.cpp", "sprintf(a, b);"),
    ("verify/a.cpp", "int x = atoi(text);"),
    ("verify/a.cpp", "int x = rand();"),
    ("verify/a.cpp", "auto now = time(nullptr);"),
    ("verify/a.cpp", "auto now = std::time(nullptr);"),
    ("verify/a.cpp", "auto now = std::chrono::system_clock::now();"),
    ("verify/a.cpp", "} catch (...) {"),
    ("verify/a.cpp", "int x = f();  // NOLINT"),
    ("verify/a.cpp", "int x = f();  // NOLINT(cert-err58-cpp)"),
    ("test/a.cpp", "std::this_thread::sleep_for(1s);"),
    ("verify/a.cpp", "// TODO: later"),
    ("verify/a.cpp", "throw std::runtime_error(x);"),
    ("agent/a.cpp", "std::cerr << text;"),
    ("verify/cli/a.cpp", 'out << "x" << json.canonical();'),
    ("verify/cli/a.cpp", "io.err << status.error().what;"),
]


def problems_of(case):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / case[0]
        path.parent.mkdir(parents=True)
        path.write_text("// first line\n" + case[1] + "\n")
        return check(pathlib.Path(folder))


def self_test():
    wrong = [f"refused, but is allowed: {problems_of(case)}" for case in GOOD if problems_of(case)]
    return wrong + [f"not found: {case}" for case in BAD if len(problems_of(case)) != 1]


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
