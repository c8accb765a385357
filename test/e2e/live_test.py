#!/usr/bin/env python3
"""The live programs against each other and against openssl and curl. live_test.py BUILD-FOLDER"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

from vm import (AGENT_PATH, MEASUREMENT, Client, Failure, Programs, Vm, Workspace, check,
                failed_rules, free_ports, run)


def verdicts(client, vm, snapshot):
    accepted = client.verify(vm.target, snapshot=snapshot)
    result = accepted.json
    check(accepted.returncode == 0 and result["verdict"] == "accepted", "a known VM is accepted",
          accepted.text + accepted.errors)
    check(result["root"] == "user", "the result says that the root is the user's")
    check(result["freshness"] == 3 and result["not_older_than"], "freshness 3 is stated")
    check(result["tpm"] == {"class": "tee-vouched", "excludes_host": True,
                            "excludes_guest_root": False,
                            "assumption": result["tpm"]["assumption"]}, "the TPM's class is stated")
    check(result["dialect"] == "ratls-vm/1", "the dialect is stated")

    done = client.verify(vm.target, snapshot=snapshot, root=False)
    check(done.returncode == 2 and done.json["verdict"] == "invalid",
          "without --trust-root the pretended hardware is invalid", done.text + done.errors)
    done = client.verify(vm.target)
    check(done.returncode == 3 and "snapshot.present" in failed_rules(done.json),
          "without reference values a host is refused", done.text)
    done = client.verify(vm.target, "--evidence-only")
    check(done.returncode == 0 and done.json["verdict"] == "genuine",
          "with --evidence-only it is genuine, not accepted", done.text)
    done = client.verify(vm.target, snapshot=snapshot, policy="default")
    check(done.returncode == 3 and failed_rules(done.json).count("snp.revocation") >= 1,
          "without a revocation list the default policy refuses")
    done = client.verify(vm.target, "--endorsements", client.programs.pki + "/crl.der",
                         snapshot=snapshot, policy="default")
    check(done.returncode == 0, "with the revocation list it accepts", done.text + done.errors)
    done = client.verify(vm.target.replace("127.0.0.1", "127.0.0.2"), "--resolve",
                         "127.0.0.2:%d:127.0.0.1" % vm.port, snapshot=snapshot)
    check(done.returncode == 3 and "cert.name" in failed_rules(done.json),
          "another name than the certificate's is refused", done.text + done.errors)


def monitored(client, vm, snapshot):
    """Again and again, reading only what is new of the log, until something is wrong."""
    known = ("--snapshot", snapshot, "--snapshot-key", client.public_key, "--trust-root", client.root,
             "--policy", "no-crl")
    done = client.ratls("monitor", vm.target, *known, "--every", "1", "--times", "3", "--json",
                        expect=0)
    rounds = [json.loads(line) for line in done.text.splitlines()]
    check([r["verdict"] for r in rounds] == ["accepted"] * 3, "monitor accepts three times")
    ima = [r["claims"]["ima"] for r in rounds]
    check(ima[0]["entries_read"] >= ima[0]["entries"] and
          [i["entries_read"] for i in ima[1:]] == [0, 0], "and reads no entry of the log twice", ima)
    done = client.ratls("monitor", vm.target, *known, "--every", "1", "--times", "2", expect=0)
    check(re.fullmatch(r"\S+Z accepted, freshness 3, (\d+) IMA entries, \1 new\n"
                       r"\S+Z accepted, freshness 3, \1 IMA entries, 0 new\n", done.text),
          "monitor prints a line for each", done.text)
    with subprocess.Popen([str(a) for a in (client.programs.ratls, "monitor", vm.target, *known,
                                            "--every", "2", "--times", "2", "--json")],
                          stdout=subprocess.PIPE, text=True, env=client.environment()) as running:
        first = json.loads(running.stdout.readline())
        vm.measure(AGENT_PATH)  # once more
        second = json.loads(running.stdout.readline())
    check(running.returncode == 0 and second["verdict"] == "accepted" and
          second["claims"]["ima"]["entries"] == first["claims"]["ima"]["entries"] + 1 and
          second["claims"]["ima"]["entries_read"] == 2,  # for the certificate, and for the fresh evidence
          "and then only what is new",
          (first["claims"]["ima"], second["claims"]["ima"]))
    for wrong in (("--times", "0"), ("--at-time", "2026-01-01T00:00:00Z"), ("--log", snapshot)):
        done = client.ratls("monitor", vm.target, *known, *wrong)
        check(done.returncode == 1 and wrong[0] in done.errors, "monitor refuses %s" % wrong[0],
              done.errors)


def snapshots(client, vm, snapshot):
    unsigned = client.take(vm, "unsigned.json", sign=False)
    taken = json.loads(unsigned.read_text())
    check(taken["tool"].startswith("ratls ") and set(taken["evidence"]) ==
          {"certificate", "tee", "tpm", "ima"}, "it says what it was taken under, and by what", taken)
    done = client.verify(vm.target, snapshot=unsigned)
    check(done.returncode == 3 and "snapshot.signature" in failed_rules(done.json),
          "an unsigned snapshot is refused", done.text)
    changed = client.folder / "changed.json"
    changed.write_text(snapshot.read_text().replace(AGENT_PATH, "/usr/bin/ratls-agenx"))
    done = client.verify(vm.target, snapshot=changed)
    check(done.returncode == 3 and "snapshot.signature" in failed_rules(done.json),
          "a changed snapshot is refused", done.text)
    newer = client.take(vm, "newer.json", sequence=2)
    check(client.verify(vm.target, snapshot=newer).returncode == 0, "a newer snapshot is accepted")
    done = client.verify(vm.target, snapshot=snapshot)
    check(done.returncode == 3 and "snapshot.sequence" in failed_rules(done.json),
          "after that the older one is refused", done.text)
    # Whatever the verdict was: a signed sequence counts as soon as it was seen.
    newest = client.take(vm, "newest.json", sequence=3)
    done = client.verify(vm.target, snapshot=newest, policy="default")
    check(done.returncode == 3 and failed_rules(done.json) == ["snp.revocation"],
          "a newest snapshot in a run that is refused", done.text)
    done = client.verify(vm.target, snapshot=newer)
    check(done.returncode == 3 and failed_rules(done.json) == ["snapshot.sequence"],
          "is remembered all the same", done.text)
    return newest


def names_with_spaces(client):
    """The kernel logs _ for each space, so two files may have one name, which then has both contents."""
    root, out = client.folder / "spaces", client.folder / "spaces.json"
    for name in ("my app/run", "my_app/run", "left out/run"):
        path = root / "opt" / name
        path.parent.mkdir(parents=True)
        path.write_text(name)
    client.ratls("snapshot", "build", root, "--name", "spaces", "--out", out, "--require",
                 "/opt/my app/run", "--exclude", "/opt/left_out", expect=0)
    ima = json.loads(out.read_text())["ima"]
    for files in (ima["allow"], ima["require"]):
        check([(f["path"], len(f["digests"])) for f in files] == [("/opt/my_app/run", 2)],
              "a name with spaces is the one that is logged, with both contents", files)


def built_snapshots(client, vm, image):
    """Files from the folder of the image, TEE and PCR values from the VM, signed as one."""
    folder = client.folder
    built = folder / "built.json"
    argv = ["snapshot", "build", image, "--name", "demo", "--out", built]
    done = client.ratls(*argv, "--require", AGENT_PATH)
    check(done.returncode == 4 and "/run/pipe" in done.errors and not built.exists(),
          "snapshot build names what it cannot hash, and writes nothing", done.errors)
    argv += ["--exclude", "/run/**"]
    done = client.ratls(*argv, "--require", "/usr/bin/absent")
    check(done.returncode == 1 and "/usr/bin/absent" in done.errors, "a required file must be there",
          done.errors)
    argv += ["--require", AGENT_PATH]
    client.ratls(*argv, "--valid-from", "2026-01-01T00:00:00Z", "--jobs", "1", expect=0)
    first = built.read_bytes()
    client.ratls(*argv, "--valid-from", "2026-01-01T00:00:00Z", "--jobs", "4", expect=0)
    check(built.read_bytes() == first, "the same folder gives the same bytes")
    client.ratls(*argv, expect=0)
    taken = client.take(vm, "observed.json", sign=False)

    def allowed(path):
        return {f["path"]: f["digests"] for f in json.loads(path.read_text())["ima"]["allow"]}
    of_vm, of_folder = allowed(taken), allowed(built)
    check(of_vm and all(of_folder[path] == digests for path, digests in of_vm.items()),
          "files of the folder have the digests that the VM measured")
    done = client.ratls("snapshot", "diff", taken, built)
    check(done.returncode == 3 and '+ ima.allow "/usr/bin/later"' in done.text and
          '- tpm.sha256 "7"' in done.text and "~ ima.allow" not in done.text, "diff names the others",
          done.text)
    done = client.ratls("snapshot", "diff", taken, taken, "--json")
    check(done.returncode == 0 and json.loads(done.text) == {"equal": True, "changes": []},
          "a snapshot equals itself")

    parts = json.loads(taken.read_text())
    del parts["ima"]
    (folder / "parts.json").write_text(json.dumps(parts))

    def merge(sequence, out):
        client.ratls("snapshot", "merge", built, folder / "parts.json", "--name", "demo", "--sequence",
                     sequence, "--out", out, expect=0)
        return out
    unsigned = merge(4, folder / "merged-unsigned.json")
    check(json.loads(unsigned.read_text())["origin"] == "observed", "what was observed stays so")
    done = client.verify(vm.target, snapshot=unsigned)
    check(done.returncode == 3 and "snapshot.signature" in failed_rules(done.json),
          "a merged snapshot is refused unsigned", done.text)
    merged = folder / "merged.json"
    client.ratls("snapshot", "sign", unsigned, "--key", client.key, "--out", merged, expect=0)
    done = client.verify(vm.target, snapshot=merged)
    check(done.returncode == 0 and done.json["verdict"] == "accepted",
          "with built files and observed parts, signed, a VM is accepted", done.text + done.errors)
    vm.measure("/usr/bin/later", hashlib.sha256(b"a file of the image").digest())
    done = client.verify(vm.target, snapshot=merged)
    check(done.returncode == 0, "so it is when it runs one more file of the image", done.text)
    lower = merge(3, folder / "merged-lower.json")
    client.ratls("snapshot", "sign", lower, "--key", client.key, expect=0)
    done = client.verify(vm.target, snapshot=lower)
    check(done.returncode == 3 and failed_rules(done.json) == ["snapshot.sequence"],
          "a lower sequence is refused", done.text)

    def checked(path, expect, *more):
        done = client.ratls("snapshot", "verify", path, "--key", client.public_key, "--json", *more)
        check(done.returncode == expect, "snapshot verify: exit %d" % expect, done.text + done.errors)
        return json.loads(done.text) if done.text else {}
    check(checked(merged, 0)["keys"][0]["signed"], "it says which key signed")
    check(not checked(unsigned, 3)["keys"][0]["signed"], "and which did not")
    checked(client.key, 2)
    other = folder / "other-key.pem"
    run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", other], 0)
    run(["openssl", "ec", "-in", other, "-pubout", "-out", folder / "other.pub.pem"], 0)
    seen = checked(merged, 3, "--key", folder / "other.pub.pem")["keys"]
    check([k["signed"] for k in seen] == [True, False], "all given keys must have signed", seen)
    expired = folder / "expired.json"
    parts = json.loads(unsigned.read_text())
    parts.update(sequence=5, not_before="2020-01-01T00:00:00Z", not_after="2020-01-02T00:00:00Z")
    expired.write_text(json.dumps(parts))
    client.ratls("snapshot", "sign", expired, "--key", client.key, expect=0)
    check(checked(expired, 3)["validity"] == "expired", "it says that a snapshot expired")
    done = client.verify(vm.target, snapshot=expired)
    check(done.returncode == 3 and "snapshot.dates" in failed_rules(done.json),
          "an expired snapshot is refused", done.text)
    shown = client.ratls("snapshot", "show", merged, "--json", expect=0)
    check(json.loads(shown.text)["origin"] == "observed", "snapshot show prints it")
    newest = merge(6, folder / "merged-newest.json")
    client.ratls("snapshot", "sign", newest, "--key", client.key, expect=0)
    return newest


def imports(client, vm, image):
    """The file list of the image as keylime and Cosmian VM write it."""
    digests = {}
    for path in sorted(p for p in (image / "usr").rglob("*") if p.is_file()):
        digests["/" + str(path.relative_to(image))] = hashlib.sha256(path.read_bytes()).hexdigest()
    sources = {
        "keylime": [json.dumps({"meta": {"version": 1}, "release": 0, "excludes": ["/tmp/.*"],
                                "digests": {p: [d] for p, d in digests.items()}}),
                    "".join("%s  %s\n" % (d, p) for p, d in digests.items())],
        "cosmian": [json.dumps({"tee_policy": {"Sev": {"measurement": MEASUREMENT, "guest_svn": 0}},
                                "filehashes": [[p, d] for p, d in digests.items()]})],
    }
    for kind, texts in sources.items():
        for text in texts:
            source, out = client.folder / "import.txt", client.folder / "imported.json"
            source.write_text(text)
            done = client.ratls("snapshot", "import", source, "--from", kind, "--name", "x", "--require",
                                AGENT_PATH, "--out", out, expect=0)
            snapshot = json.loads(out.read_text())
            check({f["path"]: f["digests"] for f in snapshot["ima"]["allow"]} ==
                  {p: ["sha256:" + d] for p, d in digests.items()} and
                  snapshot["origin"] == "observed", "snapshot import --from " + kind)
            check(text[0] != "{" or kind != "keylime" or "/tmp/.*" in done.errors,
                  "what is not carried over is named", done.errors)


def image_folder(folder):
    """The root file system that the VM is made of: a file for each that is measured, and more."""
    root = pathlib.Path(folder) / "image"
    for path in ("/usr/lib/systemd/systemd", AGENT_PATH):
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (root / path[1:]).write_bytes(path.encode())  # what Vm.measure takes for the content
    (root / "usr/bin/later").write_bytes(b"a file of the image")
    (root / "bin").symlink_to("usr/bin")
    (root / "run").mkdir()
    os.mkfifo(root / "run/pipe")
    return root


def doors(client, vm, snapshot):
    common = ["--trust-root", client.root, "--snapshot", snapshot, "--snapshot-key",
              client.public_key, "--policy", "no-crl"]
    pin = client.ratls("pin", vm.target, *common, expect=0).text.strip()
    url = "https://%s/v1/health" % vm.target
    check(run(["curl", "-sS", "-k", "--pinnedpubkey", pin, url]).returncode == 0, "curl takes the pin")
    for pin_format in ("chromium", "firefox", "tlsa", "known-hosts"):
        check(client.ratls("pin", vm.target, *common, "--format", pin_format).returncode == 0,
              "pin --format " + pin_format)
    done = client.ratls("pin", vm.target, *common, "--evidence-only")
    check(done.returncode == 1, "pin refuses --evidence-only", done.errors)
    done = client.ratls("pin", vm.target, "--trust-root", client.root, "--policy", "no-crl")
    check(done.returncode == 3 and not done.text, "pin prints nothing for a host that is not accepted")


def versions(client, vm):
    lines = client.ratls("--version", expect=0).text.splitlines()
    check(len(lines) == 2 and lines[0].startswith("ratls ") and
          re.fullmatch(r"(libcrypto|mbedtls) [0-9]+\.[0-9]+\.[0-9]+.*", lines[1]),
          "ratls --version names the provider of cryptography", lines)
    served = json.loads(run(["curl", "-sS", "-k", "https://%s/v1/version" % vm.target], 0).text)
    check(served == {"version": lines[0].split()[1], "crypto": lines[1]}, "/v1/version says the same",
          served)


def counterparts(client, vm):
    seen = run(["openssl", "s_client", "-connect", vm.target, "-tls1_3", "-alpn", "ratls-vm/1",
                "-showcerts"], input_bytes=b"")
    check("ALPN protocol: ratls-vm/1" in seen.text, "openssl s_client shakes hands", seen.text[-600:])
    old = run(["openssl", "s_client", "-connect", vm.target, "-tls1_2"], input_bytes=b"")
    check(old.returncode != 0, "TLS 1.2 is refused")
    route = "https://%s/.well-known/ratls-vm/" % vm.target
    served = client.folder / "served.pem"
    run(["curl", "-sS", "-k", "-o", served, route + "certificate"], 0)
    text = run(["openssl", "x509", "-in", served, "-noout", "-text"], 0).text
    check("1.3.6.1.5.5.7.1.35" in text and "CA:FALSE" in text, "openssl x509 reads the certificate")
    shown = json.loads(client.ratls("show", served, "--json", expect=0).text)
    check(shown["claims"]["max_fresh"] == 3, "ratls show reads it back")
    log = client.folder / "log.bin"
    run(["curl", "-sS", "-k", "-o", log, route + "ima?from=0"], 0)
    check(log.read_bytes() == vm.ima_log.read_bytes(), "the IMA log is served")
    run(["curl", "-sS", "-k", "-o", log, route + "ima?from=1"], 0)
    check(vm.ima_log.read_bytes().endswith(log.read_bytes()) and
          len(log.read_bytes()) < len(vm.ima_log.read_bytes()), "and its rest from an entry on")
    for path, status in (("ima?from=99", "400"), ("ima?from=-1", "400"), ("ima?x=1", "400"),
                         ("nothing", "404"), ("evidence", "405")):
        done = run(["curl", "-sS", "-k", "-o", os.devnull, "-w", "%{http_code}", route + path], 0)
        check(done.text == status, "GET %s gives %s" % (path, status), done.text)
    done = run(["curl", "-sS", "-k", "-o", os.devnull, "-w", "%{http_code}", "--data-binary", "nonsense",
                route + "evidence"], 0)
    check(done.text == "400", "a malformed evidence request gives 400", done.text)


def files(client, vm, snapshot):
    certificate, _ = vm.issue("file")
    done = client.verify(certificate, snapshot=snapshot)
    check("ima.log" in failed_rules(done.json), "a file alone has no log", done.text)
    check("freshness" in done.json["not_checked"] and done.json["relay"] == "possible",
          "the freshness of a file is not checked, and that is said", done.text)
    done = client.verify(certificate, "--require-fresh", "1", snapshot=snapshot)
    check("freshness.required" in failed_rules(done.json), "a file without a beacon has no freshness",
          done.text)
    done = client.verify(certificate, "--evidence-only", "--log", vm.ima_log)
    check(done.returncode == 0 and "key possession" in done.json["not_checked"],
          "a certificate file is genuine, and key possession is not checked", done.text)
    raw = certificate.read_text()
    broken = client.folder / "broken.pem"
    broken.write_text(raw.replace(raw[200:204], "AAAA", 1))
    check(client.verify(broken, "--evidence-only").returncode == 2, "a damaged certificate is invalid")


def usage(client, vm):
    gone = free_ports(1)
    done = client.verify("127.0.0.1:%d" % gone)
    check(done.returncode == 4 and done.errors.startswith("error:"), "nobody listens: exit 4",
          done.errors)
    for argv in (["verify"], ["verify", vm.target, "--policy", "/nonexistent"],
                 ["verify", vm.target, "--at-time", "yesterday"], ["verify", "ftp://x"],
                 ["verify", vm.target, "--trust-root", "snp"], ["nonsense"],
                 ["verify", vm.target, "--snapshot", "/nonexistent"],
                 ["snapshot", "take", vm.target, "--name", "x", "--out", "/tmp/x"]):
        done = client.ratls(*argv)
        check(done.returncode in (1, 2, 3) and (done.errors or done.text), "wrong call: " + " ".join(argv),
              "%d %s" % (done.returncode, done.errors))


def main(build):
    programs = Programs(build)
    with Workspace() as folder:
        vm = Vm(programs, folder, "vm")
        for path in ("/usr/lib/systemd/systemd", AGENT_PATH):
            vm.measure(path)
        vm.serve()  # a certificate of its own, its key in memory
        client = Client(programs, folder)
        snapshot = client.take(vm)
        verdicts(client, vm, snapshot)
        monitored(client, vm, snapshot)
        snapshot = snapshots(client, vm, snapshot)
        image = image_folder(folder)
        names_with_spaces(client)
        snapshot = built_snapshots(client, vm, image)
        imports(client, vm, image)
        doors(client, vm, snapshot)
        versions(client, vm)
        counterparts(client, vm)
        files(client, vm, snapshot)
        usage(client, vm)
        vm.measure("/usr/bin/unknown")
        done = client.verify(vm.target, snapshot=snapshot)
        check(done.returncode == 3 and "ima.files" in failed_rules(done.json) and
              "/usr/bin/unknown" in done.text, "an unknown file is refused and named", done.text)
        vm.stop()
    print("%d checks" % check.passed)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except Failure as failure:
        sys.exit("FAILED: %s" % failure)
