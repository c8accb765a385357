#!/usr/bin/env python3
"""The command lines under wrong and hostile use: targets, outputs, exit codes. cli_test.py BUILD-FOLDER"""
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import threading

from vm import (AGENT_PATH, DEADLINE_S, Client, Failure, Programs, Vm, Workspace, check, free_ports,
                run)

SOURCE = pathlib.Path(__file__).resolve().parents[2]

# What a name or text from outside may have in it: colour, a forged line, a bell, C1, text that is shown
# backwards, a line separator.
HOSTILE = "x\x1b[31m\nFORGED \r\x07\x9b\u202egnp.\u2066\u2028\x7f"
# In names of files also bytes that are no UTF-8.
HOSTILE_NAME = HOSTILE.encode() + b"\xff\xc0\xaf"
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


class Bench:
    """The programs, and a folder of files that they read."""

    def __init__(self, build, folder):
        self.programs = Programs(build)
        self.folder = pathlib.Path(folder)
        # The real ones: they open neither TPM nor TEE here.
        self.certtool = str(self.programs.build / "certtool/ratls-certtool")
        self.agent = str(self.programs.build / "agent/ratls-agent")
        self.root = "snp:" + self.programs.pki + "/ark.pem"
        self.key = self.folder / "signer.pem"
        self.public_key = self.folder / "signer.pub.pem"
        run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key], 0)
        run(["openssl", "ec", "-in", self.key, "-pubout", "-out", self.public_key], 0)
        self.certificate = self.folder / "vm.pem"
        self.issue(self.certificate, self.folder / "vm.key.pem", expect=0)
        self.files = self.folder / "files.txt"
        self.files.write_text("%s  /usr/bin/a\n" % ("11" * 32))
        self.snapshot = self.folder / "web.json"
        self.ratls("snapshot", "import", self.files, *self.head(self.snapshot), expect=0)

    def head(self, out):
        return ("--from", "keylime", "--name", "web", "--require", "/usr/bin/a", "--out", out)

    def environment(self):
        return dict(os.environ, XDG_STATE_HOME=str(self.folder / "state"),
                    XDG_CACHE_HOME=str(self.folder / "cache"), RATLS_PRETENDED_TEE=self.programs.pki,
                    RATLS_PRETENDED_MEASUREMENT="00" * 48)

    def run(self, argv, expect=None, input_bytes=None, cwd=None, stdout=subprocess.PIPE):
        done = subprocess.run([a if isinstance(a, bytes) else str(a) for a in argv], stdout=stdout,
                              stderr=subprocess.PIPE, timeout=DEADLINE_S, env=self.environment(),
                              cwd=cwd or self.folder, input=input_bytes,
                              stdin=None if input_bytes is not None else subprocess.DEVNULL)
        done.text = (done.stdout or b"").decode(errors="replace")
        done.errors = done.stderr.decode(errors="replace")
        if expect is not None and done.returncode != expect:
            raise Failure("%s: exit %d, wanted %d\n%s%s" %
                          (argv, done.returncode, expect, done.text, done.errors))
        return done

    def ratls(self, *argv, **options):
        return self.run([self.programs.ratls, *argv], **options)

    def issue(self, out, key, *more, **options):
        return self.run([self.programs.certtool, "issue", "--name", "localhost", "--tcti", "", "--out",
                         out, "--key", key, *more], **options)


def targets(bench):
    """What TARGET is follows from its text alone."""
    port = free_ports(1)
    verify = ["verify", "--evidence-only", "--policy", "no-crl", "--trust-root", bench.root]
    for name in ("localhost", "localhost:%d" % port):
        (bench.folder / name).write_bytes(bench.certificate.read_bytes())
    done = bench.ratls(*verify, "localhost:%d" % port)
    check(done.returncode == 4 and "localhost:%d" % port in done.errors,
          "a file of the host's name is not looked at", done.text + done.errors)
    done = bench.ratls(*verify, "./localhost:%d" % port)
    check(done.returncode == 0 and "genuine" in done.text, "with a slash it is that file",
          done.text + done.errors)
    large = bench.folder / "large.pem"
    large.write_bytes(b"\n" * ((1 << 20) + 1))
    for target, reason in (("gone.pem", "No such file"), ("./gone", "No such file"),
                           ("gone.JSON", "No such file"), (bench.folder, "folder"),
                           (large, "at most 1048576 bytes"), ("http://localhost", "No such file")):
        done = bench.ratls(*verify, target)
        check(done.returncode == 1 and reason in done.errors and str(target) in done.errors and
              "resolve" not in done.errors and not done.text,
              "a file that cannot be read is named: %s" % target, done.errors)
    done = bench.ratls("verify", "gone", "--evidence", "snp")
    check(done.returncode == 1 and '"gone"' in done.errors and "resolve" not in done.errors,
          "with --evidence it is always a file", done.errors)
    for target in ("user@localhost", "https://user@localhost", "https://localhost/path", "localhost?x",
                   "localhost#x", "https://localhost/#x", "localhost:0", "::1", "local host", ""):
        done = bench.ratls(*verify, target)
        check(done.returncode == 1 and "TARGET" in done.errors and not done.text,
              "no host: %r" % target, done.errors)
    for command in (["pin"], ["monitor"], ["snapshot", "take", "--name", "x", "--out", "x.json"]):
        done = bench.ratls(*command, bench.certificate)
        check(done.returncode == 1 and "host" in done.errors, "%s wants a host" % command[0],
              done.errors)
    done = bench.ratls(*verify, "localhost:%d" % port, "--resolve", "junk")
    check(done.returncode == 1 and "--resolve" in done.errors, "a --resolve that is junk is an error",
          done.errors)
    done = bench.ratls(*verify, bench.certificate, "--resolve", "localhost:443:127.0.0.1")
    check(done.returncode == 1 and "--resolve" in done.errors, "and so is one for a file", done.errors)


def endorsement_folder(bench):
    """A file that was only found, and is no endorsement, does not stop anybody, however large it is."""
    folder = bench.folder / "found"
    folder.mkdir()
    verify = ["verify", "./vm.pem", "--evidence-only", "--policy", "no-crl", "--trust-root", bench.root,
              "--json", "--endorsements", folder]
    (folder / "notes.bin").write_bytes(bytes((4 << 20) + 1))
    result = json.loads(bench.ratls(*verify, expect=0).stdout)
    check(any("notes.bin" in name for name in result["skipped"]), "a large file is skipped and listed",
          str(result["skipped"]))
    (folder / "large.der").write_bytes(bytes((4 << 20) + 1))
    result = json.loads(bench.ratls(*verify, expect=2).stdout)
    check([f["rule"] for f in result["findings"] if f["verdict"] == "fail"] == ["endorsements.form"],
          "one that must read is refused", str(result["findings"]))


def standard_input(bench):
    (bench.folder / "-").write_text("a file of this name is never meant")
    pem = bench.certificate.read_bytes()
    done = bench.ratls("verify", "-", "--evidence-only", "--policy", "no-crl", "--trust-root",
                       bench.root, input_bytes=pem)
    check(done.returncode == 0 and "genuine" in done.text, "verify reads a certificate from -",
          done.text + done.errors)
    for argv, content in ((["show", "-"], pem), (["show", "-", "--as", "cert"], pem),
                          (["snapshot", "show", "-"], bench.snapshot.read_bytes()),
                          (["policy", "check", "-"],
                           bench.ratls("policy", "show", expect=0).stdout),
                          (["verify", "./vm.pem", "--evidence-only", "--policy", "-", "--trust-root",
                            bench.root], bench.ratls("policy", "show", "no-crl", expect=0).stdout),
                          (["snapshot", "import", "-", *bench.head("from-input.json")],
                           bench.files.read_bytes()),
                          (["snapshot", "sign", "-", "--key", bench.key, "--out", "signed.json"],
                           bench.snapshot.read_bytes())):
        bench.ratls(*argv, input_bytes=content, expect=0)
        check(True, "%s reads -" % " ".join(map(str, argv[:2])))
    done = bench.run([bench.certtool, "show", "-"], input_bytes=pem, expect=0)
    check(json.loads(done.text)["format"] == "cert", "certtool show reads -")
    with open(bench.folder / "image.tar", "wb") as image:
        (bench.folder / "image/usr/bin").mkdir(parents=True)
        (bench.folder / "image/usr/bin/a").write_text("program")
        subprocess.run(["tar", "-C", str(bench.folder / "image"), "-c", "usr"], stdout=image, check=True)
    bench.ratls("snapshot", "build", "-", "--name", "x", "--require", "/usr/bin/a", "--out",
                "built.json", input_bytes=(bench.folder / "image.tar").read_bytes(), expect=0)
    check(True, "snapshot build reads an archive from -")
    done = bench.ratls("verify", "-", "--evidence-only", "--policy", "-",
                       input_bytes=bench.ratls("policy", "show", expect=0).stdout)
    check(done.returncode != 0 and "once" in done.errors, "it is read once", done.errors)
    (bench.folder / "-").unlink()
    done = bench.ratls("snapshot", "import", "-", *bench.head("-"), input_bytes=bench.files.read_bytes(),
                       expect=0)
    check(json.loads(done.text)["name"] == "web" and not (bench.folder / "-").exists(),
          "and --out - is standard output")


def outputs(bench):
    """--out onto links, pipes, devices and folders."""
    writers = [
        ("import", lambda out: bench.ratls("snapshot", "import", bench.files, *bench.head(out))),
        ("build", lambda out: bench.ratls("snapshot", "build", bench.folder / "image", "--name", "x",
                                          "--require", "/usr/bin/a", "--out", out)),
        ("merge", lambda out: bench.ratls("snapshot", "merge", bench.snapshot, bench.snapshot, "--name",
                                          "x", "--out", out)),
        ("sign", lambda out: bench.ratls("snapshot", "sign", bench.snapshot, "--key", bench.key,
                                         "--out", out)),
        ("issue", lambda out: bench.issue(out, bench.folder / "vm.key.pem")),
        ("issue --key", lambda out: bench.issue(bench.folder / "other.pem", out)),
    ]
    place = bench.folder / "outputs"
    place.mkdir()
    for name, write in writers:
        real, link, folder, pipe = (place / (name + end) for end in (".real", ".link", ".dir", ".pipe"))
        link.symlink_to(real.name)
        folder.mkdir()
        done = write(link)
        check(done.returncode == 0 and link.is_symlink() and real.stat().st_size > 100,
              "%s follows a link" % name, done.errors)
        done = write(folder)
        check(done.returncode == 1 and "folder" in done.errors and str(folder) in done.errors,
              "%s refuses a folder" % name, done.errors)
        done = write(place / "gone" / "x")
        check(done.returncode == 1 and "No such file" in done.errors,
              "%s refuses a folder that is not there" % name, done.errors)
        if name == "issue --key":
            continue  # a key is read from what is there
        os.mkfifo(pipe)
        got = []
        reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
        reader.start()
        done = write(pipe)
        if done.returncode != 0:
            pipe.write_bytes(b"") if pipe.is_fifo() else None
        reader.join(DEADLINE_S)
        check(done.returncode == 0 and pipe.is_fifo() and len(got[0]) > 100,
              "%s writes into a pipe" % name, done.errors)
        (place / "full").unlink(missing_ok=True)
        (place / "full").symlink_to("/dev/full")  # so that not even a fault replaces the device
        done = write(place / "full")
        check(done.returncode == 4 and "No space left" in done.errors and (place / "full").is_symlink(),
              "%s writes to a device" % name, done.errors)
        done = write("/dev/stdout")
        check(done.returncode == 0 and len(done.stdout) > 100, "%s writes to standard output" % name,
              done.errors)
    check(sorted(p.name for p in place.iterdir() if "XX" in p.name or "." not in p.name) == ["full"],
          "and nothing else stays")


def nothing_is_lost(bench):
    """An output that is an input too."""
    place = bench.folder / "inputs"
    place.mkdir()
    key, other, link = place / "key.pem", place / "./key.pem", place / "link.pem"
    key.write_bytes(bench.key.read_bytes())
    link.symlink_to("key.pem")
    os.link(key, place / "hard.pem")
    before = key.read_bytes()
    for out in (key, other, link, place / "hard.pem"):
        done = bench.issue(out, key)
        check(done.returncode == 1 and "--out" in done.errors and "--key" in done.errors,
              "a certificate is not written over its key", done.errors)
    done = bench.issue(place / "new.pem", place / "../inputs/new.pem")
    check(done.returncode == 1 and not (place / "new.pem").exists(),
          "nor over the place of a key that is made", done.errors)
    collateral = place / "pcs"
    collateral.mkdir()
    (collateral / "tcb_info.json").write_bytes(before)
    ima_log = place / "ima"
    ima_log.write_bytes(before)
    for option, path in (("--vek", ima_log), ("--ask", ima_log), ("--amd-crl", ima_log),
                         ("--ima-log", ima_log), ("--boot-log", ima_log), ("--ccel", ima_log),
                         ("--ak-certificate", ima_log)):
        done = bench.issue(path, key, option, path)
        check(done.returncode == 1 and option in done.errors, "nor over the file of %s" % option,
              done.errors)
    done = bench.issue(collateral / "tcb_info.json", key, "--collateral", collateral)
    check(done.returncode == 1 and "--collateral" in done.errors, "nor over collateral", done.errors)

    snapshot = place / "web.json"
    snapshot.write_bytes(bench.snapshot.read_bytes())
    image = bench.folder / "image.tar"
    calls = [
        ["snapshot", "sign", snapshot, "--key", key, "--out", link],
        ["snapshot", "merge", snapshot, bench.snapshot, "--name", "x", "--out", snapshot],
        ["snapshot", "import", key, *bench.head(key)],
        ["snapshot", "build", image, "--name", "x", "--require", "/usr/bin/a", "--out", image],
        ["snapshot", "build", bench.folder / "image", "--name", "x", "--require", "/usr/bin/a",
         "--out", bench.folder / "image/usr/bin/a"],
        ["collateral", "fetch", "--evidence", "snp", place / "vcek.der", "--offline", "--product",
         "Genoa", "--out", place],
    ]
    report = bytearray(1184)  # of a Milan: enough to know which documents are wanted
    report[0], report[0x0A], report[0x34], report[0x1A0] = 2, 3, 1, 1
    (place / "vcek.der").write_bytes(report)
    for option, path in (("--policy", snapshot), ("--endorsements", snapshot), ("--log", snapshot),
                         ("--trust-root", snapshot)):
        calls.append(["snapshot", "take", "localhost", "--name", "x", "--out", snapshot, option,
                      "snp:%s" % path if option == "--trust-root" else path])
    held = [key, snapshot, image, bench.folder / "image/usr/bin/a", place / "vcek.der"]
    contents = [path.read_bytes() for path in held]
    for call in calls:
        done = bench.ratls(*call)
        check(done.returncode == 1 and "--out" in done.errors,
              "refused: %s" % " ".join(map(str, call[:2] + call[-2:])), done.errors)
    check(contents == [path.read_bytes() for path in held], "and all are as they were")
    config = place / "agent.toml"
    for member in ("port_file", "vek"):
        text = 'names = ["x"]\nport_file = "%s"\n' % (config if member == "port_file" else key)
        text += '[evidence]\nvek = "%s"\n' % key if member == "vek" else ""
        config.write_text(text)
        done = bench.run([bench.agent, "--config", config, "--check"])
        check(done.returncode == 1 and "port_file" in done.errors,
              "the agent's port is not written over a file that it reads", done.errors)


def full_output(bench):
    """Each program says when its output could not be written."""
    pem = bench.certificate
    calls = [[bench.programs.ratls, *argv] for argv in (
        ["--help"], ["--version"], ["verify", "--help"], ["explain"], ["explain", "snp.chain.root"],
        ["policy", "show"], ["show", pem], ["show", pem, "--json"], ["snapshot", "show", bench.snapshot],
        ["snapshot", "verify", bench.snapshot, "--key", bench.public_key],
        ["snapshot", "diff", bench.snapshot, bench.folder / "built.json"],
        ["verify", pem, "--evidence-only", "--policy", "no-crl", "--trust-root", bench.root],
        ["verify", pem, "--json"])]
    config = bench.folder / "agent.toml"
    config.write_text('names = ["localhost"]\n')
    calls += [[bench.certtool, "--help"], [bench.certtool, "show", pem], [bench.agent, "--version"],
              [bench.agent, "--check", "--config", config],
              [bench.programs.certtool, "issue", "--name", "localhost", "--tcti", "", "--out",
               bench.folder / "full.pem", "--key", bench.folder / "full.key.pem", "--json"]]
    for call in calls:
        name = " ".join(str(a).rsplit("/", 1)[-1] for a in call)
        with open("/dev/full", "wb") as full:
            done = bench.run(call, stdout=full)
        check(done.returncode == 5 and "standard output: No space left on device" in done.errors,
              "a full output: " + name, "%d %s" % (done.returncode, done.errors))
        done = bench.run(["bash", "-c", '"$@" >&-', "bash", *call])
        check(done.returncode == 5 and "standard output: Bad file descriptor" in done.errors,
              "a closed one: " + name, "%d %s" % (done.returncode, done.errors))
    done = bench.run(["bash", "-c", '"$@" <&- 2>&-', "bash", bench.programs.ratls, "show", pem], expect=0)
    check(done.text, "closed input and errors do no harm")


def shown(done, what):
    """Nothing from outside steers the terminal or forges a line."""
    for text in (done.stdout, done.stderr):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            raise Failure("%s: no UTF-8: %s in %r" % (what, error, text)) from error
        found = UNSEEN.search(text)
        check(not found and not re.search("^ *FORGED", text, re.M), "safe to read: " + what, repr(text))


class HostileServer:
    """Answers each request with one answer, and ends with the test."""

    def __init__(self, answer):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        self.answer = answer
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.socket.accept()
            with connection:
                connection.settimeout(DEADLINE_S)
                connection.recv(65536)
                connection.sendall(self.answer)


def boot_log():
    """An event of GRUB with a hostile text, in a log of TCG 1.2."""
    text = HOSTILE.encode()
    header = b"Spec ID Event00\0" + bytes(4) + bytes([2, 1, 0, 1]) + b"\0"
    first = struct.pack("<II20sI", 0, 3, bytes(20), len(header)) + header
    return first + struct.pack("<II20sI", 8, 0x0D, b"\1" * 20, len(text)) + text


def hostile_snapshot(bench):
    snapshot = json.loads(bench.snapshot.read_text())
    snapshot["name"] = snapshot["image"] = HOSTILE
    for file in snapshot["ima"]["allow"]:
        file["source"] = HOSTILE
    return snapshot


def hostile_files(bench):
    place = bench.folder / "hostile"
    place.mkdir()
    image = place / "image"
    image.mkdir()
    name = os.fsencode(image) + b"/" + HOSTILE_NAME.replace(b"/", b"")
    with open(name, "wb") as file:
        file.write(b"program")
    (image / "a").write_text("program")
    files = {
        "snapshot": (place / "web.json", json.dumps(hostile_snapshot(bench)).encode()),
        "odd snapshot": (place / "odd.json", json.dumps(
            dict(hostile_snapshot(bench), **{HOSTILE: HOSTILE})).encode()),
        "policy": (place / "policy.json", json.dumps({"ratls_policy": 1, "name": HOSTILE}).encode()),
        "odd policy": (place / "odd-policy.json",
                       json.dumps({"ratls_policy": 1, HOSTILE: HOSTILE}).encode()),
        "log": (place / "log", boot_log()),
        "import": (place / "files.txt", ("%s  /%s\n" % ("22" * 32, HOSTILE.replace("\n", ""))).encode()),
        "keylime": (place / "keylime.json", json.dumps(
            {"meta": {"version": 1}, "digests": {"/" + HOSTILE: ["33" * 32]},
             "excludes": [HOSTILE]}).encode()),
    }
    for path, content in files.values():
        path.write_bytes(content)
    folder = os.fsencode(place) + b"/" + HOSTILE_NAME.replace(b"/", b"")
    os.mkdir(folder)
    for inner in (b"a.der", HOSTILE_NAME.replace(b"/", b"") + b".pem"):
        with open(folder + b"/" + inner, "wb") as file:
            file.write(HOSTILE_NAME)
    return {name: path for name, (path, _) in files.items()}, image, folder


def hostile_inputs(bench):
    files, image, folder = hostile_files(bench)
    bad = HOSTILE_NAME + b".pem"
    cache = os.fsencode(bench.folder / "cache/ratls/collateral/amd/Genoa")
    os.makedirs(cache + b"/" + HOSTILE_NAME.replace(b"/", b""))
    with open(cache + b"/" + HOSTILE_NAME.replace(b"/", b"") + b"/" +
              HOSTILE_NAME.replace(b"/", b"") + b".der", "wb") as file:
        file.write(b"x")
    server = HostileServer(b"HTTP/1.1 500 \x1b[31m\xe2\x80\xae\r\nX: \x1b[2J\r\nContent-Length: 3\r\n\r\n"
                           b"\x1b[2")
    pem = bench.certificate
    fetch = ["collateral", "fetch", "--tee", "tdx", "--fmspc", "00806f050000", "--ca", "platform",
             "--max-wait", "0"]
    calls = [
        ["verify", bad], ["verify", HOSTILE], ["verify", pem, "--policy", bad],
        ["verify", pem, "--policy", files["policy"]], ["verify", pem, "--policy", files["odd policy"]],
        ["verify", pem, "--endorsements", folder], ["verify", pem, "--endorsements", bad],
        ["verify", pem, "--trust-root", HOSTILE], ["verify", pem, "--trust-root", b"snp:" + bad],
        ["verify", pem, "--snapshot", files["snapshot"], "--snapshot-key", bench.public_key],
        ["verify", pem, "--snapshot", files["odd snapshot"]], ["verify", pem, "--log", files["log"]],
        ["verify", "localhost:1", "--resolve", HOSTILE], ["verify", "--" + HOSTILE], [HOSTILE],
        ["verify", pem, "--at-time", HOSTILE], ["verify", pem, "--evidence", HOSTILE],
        ["verify", files["log"], "--evidence", "snp"], ["monitor", HOSTILE], ["monitor", bad],
        ["show", bad], ["show", pem, "--as", HOSTILE], ["show", files["log"], "--as", "eventlog"],
        ["show", files["log"], "--json"], ["show", files["log"]],
        ["show", files["snapshot"]], ["show", files["snapshot"], "--json"],
        ["show", files["odd snapshot"], "--as", "snapshot"],
        ["pin", HOSTILE], ["pin", "localhost:1", "--format", HOSTILE],
        ["snapshot", "show", files["snapshot"]], ["snapshot", "show", files["odd snapshot"]],
        ["snapshot", "verify", files["snapshot"], "--key", bench.public_key],
        ["snapshot", "verify", files["snapshot"], "--key", bench.public_key, "--json"],
        ["snapshot", "verify", files["snapshot"], "--key", bad],
        ["snapshot", "diff", files["snapshot"], bench.snapshot],
        ["snapshot", "diff", files["snapshot"], bench.snapshot, "--json"],
        ["snapshot", "sign", files["snapshot"], "--key", bench.key, "--out", folder + b"/s.json"],
        ["snapshot", "sign", files["snapshot"], "--key", bad],
        ["snapshot", "build", image, "--name", HOSTILE, "--require", "/a", "--out", folder + b"/b.json"],
        ["snapshot", "build", image, "--name", "x", "--require", HOSTILE, "--out", folder + b"/b.json"],
        ["snapshot", "build", image, "--name", "x", "--require", "/a", "--exclude", "/" + HOSTILE,
         "--out", folder + b"/c.json"],
        ["snapshot", "build", bad, "--name", "x", "--require", "/a", "--out", folder + b"/b.json"],
        ["snapshot", "show", folder + b"/b.json"], ["snapshot", "show", folder + b"/b.json", "--json"],
        ["snapshot", "diff", folder + b"/b.json", files["snapshot"]],
        ["snapshot", "merge", folder + b"/b.json", files["snapshot"], "--name", HOSTILE, "--out",
         folder + b"/m.json"],
        ["snapshot", "import", files["import"], "--from", "keylime", "--name", HOSTILE, "--require",
         HOSTILE, "--out", folder + b"/i.json"],
        ["snapshot", "import", files["keylime"], "--from", "keylime", "--name", HOSTILE, "--require",
         HOSTILE, "--out", folder + b"/i.json"],
        ["snapshot", "import", files["snapshot"], "--from", "cosmian", "--name", HOSTILE, "--out",
         folder + b"/i.json"],
        ["snapshot", "take", HOSTILE, "--name", "x", "--out", "x.json"], ["snapshot", HOSTILE],
        ["policy", "show", HOSTILE], ["policy", "check", bad], ["policy", "check", files["policy"]],
        ["policy", "check", files["odd policy"]], ["explain", HOSTILE],
        ["collateral", "list"], ["collateral", "list", "--json"],
        ["collateral", "export", b"amd/Genoa/" + HOSTILE_NAME.replace(b"/", b""), "--out", folder],
        ["collateral", "export", b"amd/Genoa/" + HOSTILE_NAME.replace(b"/", b""), "--out", folder,
         "--json"],
        ["collateral", "export", HOSTILE, "--out", folder],
        [*fetch, "--pcs", server.url, "--out", folder], [*fetch, "--pcs", HOSTILE, "--out", folder],
        [*fetch, "--pcs", "http://127.0.0.1:1", "--out", folder, "--ca-file", bad],
        ["collateral", "fetch", "--evidence", "snp", bad],
    ]
    for call in calls:
        shown(bench.ratls(*call), "ratls " + " ".join(ascii(str(a))[1:40] for a in call[:3]))
    commands = set(re.findall(r"^  (\w+) ", bench.ratls("--help", expect=0).text.split("Exit codes")[0],
                              re.M))
    check(commands == {call[0] for call in calls} & commands and len(commands) >= 8,
          "each command was called", commands)
    ours = dict(certtool=bench.certtool, agent=bench.agent)
    config = bench.folder / "hostile.toml"
    for text in ('names = ["x"]\n"%s" = 1\n' % HOSTILE.encode("unicode_escape").decode().replace(
            "\\x9b", "\\u009b").replace("\\x", "\\u00"), HOSTILE,
                 'names = ["x"]\naddress = "\\u001b[31m"\n[evidence]\ntcti = ""\n',
                 'names = ["x"]\n[evidence]\ntcti = "\\u001b[31m\\nFORGED"\n',
                 '[certificate]\nfile = "\\u001b[31m"\nkey = "\\u001b[31m"\n[evidence]\ntcti = ""\n'):
        config.write_text(text)
        shown(bench.run([ours["agent"], "--config", config]), "agent " + ascii(text)[1:40])
    for call in ([ours["agent"], "--" + HOSTILE], [ours["agent"], "--config", bad],
                 [ours["certtool"], HOSTILE], [ours["certtool"], "show", bad],
                 [ours["certtool"], "show", files["log"]],
                 [bench.programs.certtool, "issue", "--name", HOSTILE, "--tcti", "", "--out",
                  os.fsencode(bench.folder) + b"/" + HOSTILE_NAME.replace(b"/", b""), "--key",
                  bench.folder / "vm.key.pem"],
                 [bench.programs.certtool, "issue", "--name", "x", "--tcti", HOSTILE],
                 [bench.programs.certtool, "issue", "--name", "x", "--ak-type", HOSTILE],
                 [bench.programs.certtool, "issue", "--name", "x", "--tcti", "", "--vek", bad]):
        shown(bench.run(call), " ".join(ascii(str(a))[1:40] for a in call[:4]))


def hostile_host(bench):
    """A VM that ran a file with a hostile name, and what each command says about it."""
    vm = Vm(bench.programs, bench.folder, "vm")
    vm.measure(AGENT_PATH)
    vm.serve()
    client = Client(bench.programs, bench.folder)
    snapshot = client.take(vm)
    vm.measure("/tmp/" + HOSTILE)
    verify = ["--policy", "no-crl", "--trust-root", client.root, "--snapshot", snapshot,
              "--snapshot-key", client.public_key]
    for command in (["verify", vm.target, *verify], ["verify", vm.target, *verify, "--json"],
                    ["monitor", vm.target, *verify], ["monitor", vm.target, *verify, "--json"],
                    ["pin", vm.target, *verify]):
        done = client.ratls(*command, expect=3)
        check("gnp." in done.text + done.errors or "FORGED" in done.text + done.errors,
              "%s names the file" % command[0], done.text + done.errors)
        shown(done, " ".join(map(str, command[:1] + command[-1:])))
    taken = bench.folder / "taken.json"
    done = client.ratls("snapshot", "take", vm.target, "--name", "x", "--require", AGENT_PATH,
                        "--policy", "no-crl", "--trust-root", client.root, "--out", taken, expect=0)
    check("--kernel-hashes" in done.errors, "snapshot take says what the measurement does not cover",
          done.errors)
    shown(done, "snapshot take")
    client.ratls("snapshot", "sign", taken, "--key", client.key, expect=0)
    done = client.verify(vm.target, snapshot=taken)
    found = [f["actual"] for f in done.json["findings"] if f["rule"] == "tpm.class"]
    check(done.returncode == 3 and all("--kernel-hashes" in text for text in found) and found,
          "and so does the refusal", found)
    shown(client.ratls("snapshot", "show", taken, expect=0), "snapshot show of it")
    with open("/dev/full", "wb") as full:
        done = bench.ratls("monitor", vm.target, "--policy", "no-crl", "--trust-root", client.root,
                           "--evidence-only", "--every", "1", stdout=full)
    check(done.returncode == 5 and "standard output" in done.errors,
          "monitor ends when nobody can read it", done.errors)
    vm.stop()


def exit_codes(bench):
    """One table, and a file that is not there means the same everywhere."""
    def table(text):
        block = re.search(r"Exit codes:\n((?: +\d+ .*\n?)+)", text).group(1)
        return dict(re.findall(r"^ +(\d+) (.*)$", block, re.M))
    common = table(bench.ratls("--help", expect=0).text)
    check(sorted(common) == ["0", "1", "2", "3", "4", "5"], "--help has the table", common)
    for name, program in (("ratls-certtool", bench.certtool), ("ratls-agent", bench.agent)):
        own = table(bench.run([program, "--help"], expect=0).text)
        check({k: own.pop(k) for k in common} == common and all(int(k) >= 10 for k in own),
              "%s has the same" % name, own)

    def plain(text):
        return re.sub(r"[*`_]", "", " ".join(text.split())).rstrip(".").lower()
    readme = dict(re.findall(r"^\| (\d+) \| (.*) \|$", (SOURCE / "README.md").read_text(), re.M))
    for code, text in common.items():
        check(plain(readme[code]).startswith(plain(text)), "README on exit code " + code, readme[code])
        for page in ("ratls.1", "ratls-certtool.1", "ratls-agent.8"):
            section = (SOURCE / ("docs/man/%s.md" % page)).read_text().split("# EXIT STATUS")[1]
            entry = re.search(r"^%s\n:   ((?:.+\n)+)" % code, section, re.M)
            check(entry and plain(entry.group(1)).startswith(plain(text)), "%s on exit code %s" %
                  (page, code), entry and entry.group(1))

    gone, pem = bench.folder / "gone", bench.certificate
    raw = ["verify", pem, "--evidence", "tpm", "--signature", pem]
    calls = [[bench.programs.ratls, *argv] for argv in (
        ["verify", pem, "--policy", gone], ["verify", pem, "--endorsements", gone],
        ["verify", pem, "--trust-root", "snp:%s" % gone], ["verify", pem, "--snapshot", gone],
        ["verify", pem, "--snapshot", bench.snapshot, "--snapshot-key", gone],
        ["verify", pem, "--log", gone], ["verify", gone, "--evidence", "snp"], [*raw[:-1], gone],
        [*raw, "--ak", gone], [*raw, "--pcrs", gone], [*raw, "--log", gone],
        ["verify", pem, "--evidence", "hcl", "--td-quote", gone],
        ["verify", pem, "--evidence", "hcl", "--tpm-quote", gone, "--signature", gone],
        ["show", gone], ["show", gone, "--as", "ima"], ["snapshot", "show", gone],
        ["snapshot", "verify", gone, "--key", bench.public_key],
        ["snapshot", "verify", bench.snapshot, "--key", gone],
        ["snapshot", "diff", gone, bench.snapshot], ["snapshot", "diff", bench.snapshot, gone],
        ["snapshot", "merge", bench.snapshot, gone, "--name", "x", "--out", "x"],
        ["snapshot", "sign", gone, "--key", bench.key], ["snapshot", "sign", bench.snapshot, "--key", gone],
        ["snapshot", "import", gone, *bench.head("x")],
        ["snapshot", "build", gone, "--name", "x", "--require", "/a", "--out", "x"],
        ["policy", "check", gone], ["collateral", "fetch", "--evidence", "snp", gone],
        ["collateral", "fetch", "--tee", "tdx", "--fmspc", "00806f050000", "--ca", "platform", "--pcs",
         "http://127.0.0.1:1", "--max-wait", "0", "--ca-file", gone])]
    issue = [bench.programs.certtool, "issue", "--name", "x", "--tcti", "", "--out", "x.pem", "--key",
             bench.folder / "vm.key.pem"]
    calls += [[bench.certtool, "show", gone], [bench.agent, "--config", gone],
              *[[*issue, option, gone] for option in ("--vek", "--ask", "--amd-crl", "--collateral")]]
    for member in ("file", "key"):
        config = bench.folder / ("agent-%s.toml" % member)
        paths = dict({"file": pem, "key": bench.folder / "vm.key.pem"}, **{member: gone})
        config.write_text('[certificate]\nfile = "%(file)s"\nkey = "%(key)s"\n' % paths +
                          '[evidence]\ntcti = ""\n')
        calls.append([bench.programs.agent, "--config", config])
    for call in calls:
        done = bench.run(call)
        check(done.returncode == 1 and str(gone) in done.errors and "No such file" in done.errors and
              not done.text, "a missing file: " +
              " ".join(str(a).rsplit("/", 1)[-1] for a in call), "%d %s" % (done.returncode, done.errors))


def help_and_programs_agree(bench):
    text = bench.run([bench.certtool, "issue", "--help"], expect=0).text
    kinds = re.search(r"Kind of the AK that is made: (.*)", text).group(1)
    for kind in ("ecc", "rsa", "gce-ecc", "gce-rsa"):
        done = bench.run([bench.certtool, "issue", "--name", "x", "--ak-type", kind, "--tcti", "none:x",
                          "--out", "x.pem", "--key", bench.folder / "vm.key.pem"])
        check(kind in kinds and "--ak-type" not in done.errors and done.returncode != 1,
              "--ak-type takes %s, as its help says" % kind, done.errors)


    for command in (["verify"], ["monitor"], ["pin"], ["snapshot", "take"]):
        text = bench.ratls(*command, "--help", expect=0).text.split("Example: ")[1]
        check("--endorsements" in text and ("take" not in command or "--kernel-hashes" in text),
              "the example of %s can end well" % command[-1], text)
    commands = set(re.findall(r"^  (\w+) ", bench.ratls("--help", expect=0).text.split("Exit codes")[0],
                              re.M))
    pages = [SOURCE / "README.md", SOURCE / "SECURITY.md", *(SOURCE / "docs").glob("*.md"),
             *(SOURCE / "docs/man").glob("*.md")]
    for page in pages:
        named = set(re.findall(r"(?:`|\*\*|^ *)ratls ([a-z]+)", page.read_text(), re.M))
        check(named <= commands, "%s names commands that are there" % page.name, named - commands)


def completion(bench):
    """Each option of each --help is completed."""
    script = """source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }
                _%s; printf '%%s\\n' "${COMPREPLY[@]}" """

    def completed(*words):
        name = words[0].replace("ratls-", "ratls_")
        done = run(["bash", "-c", script % name, "bash", SOURCE / "completion/ratls.bash", *words], 0,
                   env=dict(os.environ, PATH="%s:%s" % (pathlib.Path(bench.programs.ratls).parent,
                                                        os.environ["PATH"])))
        return set(done.text.split())

    def options(text):
        return set(re.findall(r"^ +(?:-h,)?(--[a-z0-9-]+)", text, re.M))

    for program, name in ((bench.programs.ratls, "ratls"), (bench.certtool, "ratls-certtool")):
        inner = [[]]
        while inner:
            words = inner.pop()
            text = bench.run([program, *words, "--help"], expect=0).text
            missing = options(text) - completed(name, *words, "--")
            check(not missing, "completion of %s" % " ".join([name, *words]), missing)
            if "Subcommands:" in text:
                inner += [words + [sub] for sub in
                          re.findall(r"^  (\w+) ", text.split("Subcommands:")[1].split("Exit codes")[0],
                                     re.M)]
    check(options(bench.run([bench.agent, "--help"], expect=0).text) <= completed("ratls-agent", "--"),
          "completion of ratls-agent")
    check({"snp:", "tdx:", "sgx:", "tpm:"} == completed("ratls", "verify", "--trust-root", ""),
          "kinds of roots are completed")
    check({"ecc", "rsa", "gce-ecc", "gce-rsa"} == completed("ratls-certtool", "issue", "--ak-type", ""),
          "kinds of keys are completed")


def main(build):
    with Workspace() as folder:
        bench = Bench(build, folder)
        targets(bench)
        endorsement_folder(bench)
        standard_input(bench)
        outputs(bench)
        nothing_is_lost(bench)
        full_output(bench)
        hostile_inputs(bench)
        hostile_host(bench)
        exit_codes(bench)
        help_and_programs_agree(bench)
        completion(bench)
    print("\n%d checks passed" % check.passed)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Failure as failure:
        print("FAILED: %s" % failure)
        sys.exit(1)
