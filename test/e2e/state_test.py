#!/usr/bin/env python3
"""What `ratls` remembers of snapshots from run to run. state_test.py BUILD-FOLDER"""
import json
import os
import subprocess
import sys

from vm import (AGENT_PATH, Client, Failure, Programs, Vm, Workspace, check, failed_rules, run)

RUNS = 24


class Subject:
    """A certificate in a file, and signed snapshots of it under any name and sequence number."""

    def __init__(self, folder):
        programs = Programs(sys.argv[1])
        self.vm = Vm(programs, folder, "vm")
        self.vm.measure(AGENT_PATH)
        self.vm.serve()
        self.client = Client(programs, folder)
        self.taken = json.loads(self.client.take(self.vm, "taken.json", sign=False).read_text())
        self.certificate, _ = self.vm.issue("file")
        self.vm.stop()

    def snapshot(self, name, sequence):
        path = self.client.folder / ("%s-%d.json" % (name, sequence))
        path.write_text(json.dumps(dict(self.taken, name=name, sequence=sequence)))
        self.client.ratls("snapshot", "sign", path, "--key", self.client.key, expect=0)
        return path

    def command(self, snapshot, *more, policy="no-crl"):
        client = self.client
        return [str(a) for a in
                (client.programs.ratls, "verify", self.certificate, "--log", self.vm.ima_log, "--json",
                 "--policy", policy, "--trust-root", client.root, "--snapshot", snapshot,
                 "--snapshot-key", client.public_key, *more)]

    def verify(self, snapshot, *more, env=None, policy=None):
        path = self.client.folder / "policy.json"
        path.write_text(json.dumps({"ratls_policy": 1, "snp": {"revocation": "waived"},
                                    **(policy or {})}))
        done = run(self.command(snapshot, *more, policy=path), env=env)
        done.json = json.loads(done.text) if done.text.strip() else {}
        return done


def accepted(done, what, first_use=None):
    check(done.returncode == 0 and done.json["verdict"] == "accepted" and
          first_use in (None, done.json["snapshot"]["first_use"]), what, done.text + done.errors)


def fails(done, code, rule, what):
    check(done.returncode == code and failed_rules(done.json) == [rule], what,
          done.text + done.errors)


def where(subject, folder):
    """Which folder it is: the option's, systemd's, the user's, that of the passwd entry."""
    seven, six = subject.snapshot("where", 7), subject.snapshot("where", 6)
    bare = {k: v for k, v in os.environ.items()
            if k not in ("HOME", "XDG_STATE_HOME", "STATE_DIRECTORY")}
    first, second = folder + "/first", folder + "/second"
    for name, more, env in (
            ("--state", ("--state", folder + "/option"), bare),
            ("the first of STATE_DIRECTORY", (), {**bare, "STATE_DIRECTORY": first + ":" + second}),
            ("XDG_STATE_HOME", (), {**bare, "XDG_STATE_HOME": folder + "/xdg"}),
            ("HOME", (), {**bare, "HOME": folder + "/home"})):
        accepted(subject.verify(seven, *more, env=env), name + ": accepted at first use", True)
        accepted(subject.verify(seven, *more, env=env), name + ": and again", False)
        fails(subject.verify(six, *more, env=env), 3, "snapshot.sequence",
              name + ": the number before is refused")
    kept = {path: os.path.exists("%s/%s/sequences.json" % (folder, path))
            for path in ("option", "first", "second", "xdg/ratls", "home/.local/state/ratls")}
    check(kept.pop("second") is False and all(kept.values()), "each in its place", kept)


def parallel(subject, folder):
    state = ("--state", folder + "/parallel")
    commands = [subject.command(subject.snapshot("vm%d" % n, n), *state) for n in range(1, RUNS + 1)]
    commands += [subject.command(subject.snapshot("one", n), *state) for n in range(1, RUNS + 1)]
    running = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for c in commands]
    ended = [process.communicate() + (process.returncode,) for process in running]
    check(all(code == 0 for _, _, code in ended[:RUNS]), "%d runs at one time" % RUNS,
          [e for e in ended[:RUNS] if e[2] != 0])
    # Of one name, those that came after a higher number were refused, the highest never.
    check(ended[-1][2] == 0 and all(code in (0, 3) for _, _, code in ended), "and those of one name")
    kept = json.loads(open(folder + "/parallel/sequences.json").read())
    numbers = {key.split(" ")[1]: number for key, number in kept.items()}
    check(numbers == {**{"vm%d" % n: n for n in range(1, RUNS + 1)}, "one": RUNS},
          "all are remembered, and of one name the highest", kept)


def out_of_reach(subject, folder):
    five, four = subject.snapshot("reach", 5), subject.snapshot("reach", 4)
    (subject.client.folder / "plain").write_text("")
    below_file = ("--state", subject.client.folder / "plain" / "state")
    done = subject.verify(five, *below_file)
    fails(done, 4, "snapshot.store", "a folder that cannot be made: exit 4")
    check("--state" in done.text and "min_sequence" in done.text, "and the mend is said", done.text)
    done = subject.verify(five, *below_file, policy={"snapshot_sequence": "waived"})
    accepted(done, "but for the waiver")
    check({"snapshot.store": "waived"}.items() <=
          {f["rule"]: f["verdict"] for f in done.json["findings"]}.items(), "which is shown")
    accepted(subject.verify(five, *below_file, policy={"min_sequence": 5}), "or the policy's floor")
    fails(subject.verify(four, *below_file, policy={"min_sequence": 5}), 3, "snapshot.sequence",
          "which refuses what is below it")
    fails(subject.verify(five, *below_file, policy={"min_sequence": 6}), 3, "snapshot.sequence",
          "also by one")
    state = ("--state", folder + "/damaged")
    accepted(subject.verify(five, *state), "a store")
    store = folder + "/damaged/sequences.json"
    for text in ("", "{", '{"x": "7"}'):
        with open(store, "w") as file:
            file.write(text)
        done = subject.verify(five, *state)
        fails(done, 4, "snapshot.store", "that is damaged: exit 4")
        check(store in done.text and open(store).read() == text, "it is named, and left alone")


def chosen_time(subject, folder):
    """With --at-time the store is compared, and not written."""
    nine, eight = subject.snapshot("time", 9), subject.snapshot("time", 8)
    state = ("--state", folder + "/time")
    now = ("--at-time", subject.taken["not_before"])
    accepted(subject.verify(nine, *state, *now), "a time that was chosen", True)
    check(not os.path.exists(folder + "/time"), "leaves nothing behind")
    accepted(subject.verify(eight, *state), "an older snapshot is the first to be kept", True)
    accepted(subject.verify(nine, *state, *now), "the newer one, at a chosen time", False)
    accepted(subject.verify(eight, *state), "is not remembered")
    accepted(subject.verify(nine, *state), "but it is without")
    fails(subject.verify(eight, *state, *now), 3, "snapshot.sequence",
          "and then the older one is refused, at a chosen time too")


def what_is_kept(subject, folder):
    """Only what is signed and within its dates."""
    state = ("--state", folder + "/kept")
    later = dict(subject.taken, name="kept", sequence=9, not_before="2099-01-01T00:00:00Z",
                 not_after="2099-02-01T00:00:00Z")
    path = subject.client.folder / "later.json"
    path.write_text(json.dumps(later))
    subject.client.ratls("snapshot", "sign", path, "--key", subject.client.key, expect=0)
    fails(subject.verify(path, *state), 3, "snapshot.dates", "a snapshot of next century")
    unsigned = subject.client.folder / "unsigned.json"
    unsigned.write_text(json.dumps(dict(subject.taken, name="kept", sequence=9)))
    fails(subject.verify(unsigned, *state), 3, "snapshot.signature", "an unsigned one")
    check(not os.path.exists(folder + "/kept"), "is not remembered")
    accepted(subject.verify(subject.snapshot("kept", 1), *state), "so a low number still is the first",
             True)


def names(subject, folder):
    state = ("--state", folder + "/names")
    web = subject.snapshot("web", 1)
    accepted(subject.verify(web, *state, "--snapshot-name", "web"), "the name that is asked for")
    fails(subject.verify(web, *state, "--snapshot-name", "db"), 3, "snapshot.name", "another one")
    fails(subject.verify(web, *state, policy={"snapshot_name": "db"}), 3, "snapshot.name",
          "another one than the policy's")
    done = subject.verify(web, *state, "--snapshot-name", "web", policy={"snapshot_name": "db"})
    check(done.returncode == 1 and "--snapshot-name" in done.errors, "two names are wrong usage",
          done.errors)
    done = subject.client.ratls("verify", subject.certificate, "--snapshot-name", "web")
    check(done.returncode == 1 and "--snapshot wanted" in done.errors, "a name without a snapshot too",
          done.errors)


def overwriting(subject, folder):
    """A signed snapshot is not lost to an unsigned one by mistake."""
    signed = subject.snapshot("kept-file", 1)
    unsigned = subject.client.folder / "unsigned-1.json"
    unsigned.write_text(json.dumps(subject.taken))
    before = signed.read_bytes()
    keylime = subject.client.folder / "allow.txt"
    keylime.write_text("%s  %s\n" % ("12" * 32, AGENT_PATH))
    image = subject.client.folder / "image"
    (image / "bin").mkdir(parents=True)
    (image / "bin/agent").write_text("x")
    head = ("--name", "web", "--out", signed)
    commands = (("merge", unsigned, unsigned, *head),
                ("import", keylime, "--from", "keylime", "--require", AGENT_PATH, *head),
                ("build", image, "--require", "/bin/agent", *head),
                ("take", "127.0.0.1:1", "--require", AGENT_PATH, *head))
    for command in commands:
        done = subject.client.ratls("snapshot", *command)
        check(done.returncode == 1 and "--force" in done.errors and signed.read_bytes() == before,
              "snapshot %s leaves a signed snapshot alone" % command[0], done.errors)
    for command in commands[:3]:
        signed.write_bytes(before)
        subject.client.ratls("snapshot", *command, "--force", expect=0)
        check("signatures" not in json.loads(signed.read_text()), "but for --force")
        subject.client.ratls("snapshot", *command, expect=0)
    check(True, "an unsigned one is replaced without it")


def main():
    with Workspace() as folder:
        subject = Subject(folder)
        for part in (where, parallel, out_of_reach, chosen_time, what_is_kept, names,
                     overwriting):
            part(subject, folder)
    print("%d checks" % check.passed)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit("FAILED: %s" % failure)
