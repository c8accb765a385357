#!/usr/bin/env python3
"""What a snapshot of anybody costs before it is believed, or refused. cost_test.py BUILD-FOLDER SANITIZER

The files are as large as they may be, or a byte larger, and made to be dear. Bounds: CPU seconds and resident
memory of each run; the time of day is nobody's to promise on a loaded machine.
"""
import json
import os
import subprocess
import sys

from vm import AGENT_PATH, Client, Failure, Programs, Vm, Workspace, check

TEXT = 64 << 20  # bytes of a snapshot
SECONDS = 12  # for a slow and loaded machine: 2 to 2.5 where nothing else runs
MEBIBYTES = 300
HEAD = ('{"ratls_snapshot": 1, "name": "web", "sequence": 1, "not_before": "2026-01-01T00:00:00Z", '
        '"not_after": "2036-01-01T00:00:00Z", "origin": "built", "dialects": ["ratls-vm/1"], ')
FILE = '{"path": "%s", "digests": ["sha256:' + "12" * 32 + '"]}'
REQUIRE = '"require": [' + FILE % "/agent" + "]"
TEE = '"tee": {"snp": {"measurements": [{"value": "' + "34" * 48 + '"}]}}'


def filled(begin, piece, end, size=TEXT):
    """`begin`, then as many pieces with commas between them as fit, then `end`."""
    count = (size - len(begin) - len(end)) // (len(piece) + 1)
    text = begin + ",".join([piece] * count) + end
    return (text + " " * (size - len(text))).encode()


def numbered(name_size, most=345_000):
    """A snapshot of as many files as fit: nothing is wrong with it, but for its signature."""
    name = "/usr/" + "x" * name_size
    begin = HEAD + '"ima": {"allow": ['
    count = min((TEXT - len(begin) - len(REQUIRE) - 8) // (len(FILE % name) + 8), most)
    files = ",".join(FILE % (name + "%07d" % n) for n in range(count))
    return (begin + files + "], " + REQUIRE + "}}").encode()


IMA = HEAD + '"ima": {"allow": ['
DIGESTS = HEAD + '"ima": {' + REQUIRE + ', "allow": [{"path": "/a", "digests": ['
KEYLIME = '{"digests": {"/a": ["' + "12" * 32 + '"]}, "excludes": ['
# What is wrong: the call that names such a file, the form of the text, that of its content, nothing.
CALL, FORM, CONTENT, NOTHING = range(4)
CODE_UNREAD = {CALL: 1, FORM: 2, CONTENT: 2}

# What makes the text, and what is wrong with it besides that nobody signed it.
HOSTILE = {
    "numbers": (lambda: filled(IMA, "0", "]}}"), FORM),
    "lists": (lambda: filled(IMA, "[]", "]}}"), FORM),
    "objects": (lambda: filled(IMA, "{}", "]}}"), FORM),
    "brackets": (lambda: b"[" * TEXT, FORM),
    "words": (lambda: (HEAD + "0 " * (TEXT // 2)).encode()[:TEXT], FORM),
    "quotes": (lambda: (HEAD + '""' * (TEXT // 2)).encode()[:TEXT], FORM),
    "members": (lambda: (HEAD + '"ima": {' + ",".join('"m%d":0' % n for n in range(900_000)) +
                         "}}").encode(), FORM),
    "unknown": (lambda: (HEAD + '"more": "' + "x" * (TEXT - 400) + '"}').encode(), FORM),
    "one text": (lambda: (HEAD + TEE + ', "tool": "' + "x" * (TEXT - 600) + '"}').encode(), FORM),
    "escapes": (lambda: filled(HEAD + '"ima": {' + REQUIRE + ', "allow": [',
                               FILE % ("\\n" * 30_000), "]}}"), NOTHING),
    "contents": (lambda: filled(DIGESTS, '"sha256:' + "12" * 32 + '"', "]}]}}"), CONTENT),
    "files": (lambda: numbered(80), NOTHING),
    "short names": (lambda: numbered(0), NOTHING),
    "too large": (lambda: b"{" + b" " * TEXT + b"}", CALL),
}
OTHERS = {
    "short excludes": lambda: filled(KEYLIME, '""', "]}"),
    "excludes": lambda: filled(KEYLIME, '"' + "x" * 60 + '"', "]}"),
}


def measured(argv, out, env):
    """Exit code, CPU seconds and MiB of one run."""
    with open(out, "wb") as file:
        child = subprocess.Popen([str(a) for a in argv], stdout=file, stderr=subprocess.STDOUT, env=env)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    if sys.argv[2] != "none":
        print("skipped: memory and time mean nothing under a sanitizer")
        return 77
    worst = [0, 0]
    with Workspace() as folder:
        programs = Programs(sys.argv[1])
        vm = Vm(programs, folder, "vm")
        vm.measure(AGENT_PATH)
        client = Client(programs, folder)
        certificate, _ = vm.issue("file")
        vm.stop()
        out = client.folder / "out.txt"
        # Meson has malloc fill what it gives, so that memory that is only reserved would count.
        environment = dict(client.environment(), MALLOC_PERTURB_="0")

        def run(what, wanted, *argv):
            code, seconds, mebibytes = measured([programs.ratls, *argv], out, environment)
            worst[:] = max(worst[0], seconds), max(worst[1], mebibytes)
            fits = seconds < SECONDS and mebibytes < MEBIBYTES
            with open(out, "rb") as file:
                text = file.read(400).decode(errors="replace")
            check(code == wanted and fits, "%s: exit %d, %.2f s, %d MiB" % (what, code, seconds, mebibytes),
                  text)
            return text

        path = client.folder / "snapshot.json"
        for name, (_, wrong) in HOSTILE.items():
            # Not here: what this process once held would count as memory of those that it starts.
            subprocess.run([sys.executable, __file__, "--write", name, path], check=True)
            # Content that nobody vouches for is not looked at, but by `show`.
            unsigned = CODE_UNREAD[wrong] if wrong in (CALL, FORM) else 3
            shown = CODE_UNREAD.get(wrong, 0)
            run("verify, " + name, unsigned, "verify", certificate, "--log", vm.ima_log,
                "--snapshot", path, "--snapshot-key", client.public_key, "--trust-root", client.root,
                "--policy", "no-crl")
            run("snapshot verify, " + name, unsigned, "snapshot", "verify", path, "--key", client.public_key)
            run("snapshot show, " + name, shown, "snapshot", "show", path)
            run("snapshot show --json, " + name, shown, "snapshot", "show", path, "--json")
        policy = client.folder / "keylime.json"
        for name, wanted in (("short excludes", 2), ("excludes", 0)):
            subprocess.run([sys.executable, __file__, "--write", name, policy], check=True)
            run("snapshot import, " + name, wanted, "snapshot", "import", policy, "--from", "keylime",
                "--name", "web", "--require", "/a", "--out", client.folder / "imported.json")
    print("%d checks; the dearest: %.2f s, %d MiB" % (check.passed, *worst))
    return 0


def write(name, path):
    text = HOSTILE[name][0]() if name in HOSTILE else OTHERS[name]()
    with open(path, "wb") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "--write":
        sys.exit(write(*sys.argv[2:]))
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit("FAILED: %s" % failure)
