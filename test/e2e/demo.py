#!/usr/bin/env python3
"""The demonstration of scripts/try: a VM proves itself, then four attacks are refused.

demo.py BUILD-FOLDER
"""
import hashlib
import json
import sys

from vm import AGENT_PATH, Client, Failure, Programs, Vm, Workspace, failed_rules, run


def say(text):
    print("\n== " + text, flush=True)


def show_verdict(done):
    result = done.json
    print("   verdict: %s (exit %d)" % (result["verdict"], done.returncode))
    for finding in result["findings"]:
        if finding["verdict"] != "pass":
            print("   %s  %s" % (finding["verdict"], finding["rule"]))
            print("         wanted: %s" % finding["expected"][:150])
            print("         found:  %s" % finding["actual"][:150])


def attack(title, done, rule, code):
    say("Attack: " + title)
    show_verdict(done)
    if done.returncode != code or rule not in failed_rules(done.json):
        raise Failure("this attack was not refused as it must be: exit %d wanted %d, rule %s" %
                      (done.returncode, code, rule))


def without_entry(log, path):
    """The log with the entry of one file cut out."""
    at = log.index(path.encode() + b"\0")
    start = log.rindex(b"\x0a\0\0\0", 0, log.rindex(b"ima-ng", 0, at) - 20)
    end = at + len(path) + 1
    return log[:start] + log[end:]


def main(build):
    programs = Programs(build)
    with Workspace() as folder:
        say("A VM starts: a software TPM, a pretended TEE, and an IMA log of what it runs")
        vm = Vm(programs, folder, "vm")
        for path in ("/usr/lib/systemd/systemd", AGENT_PATH, "/usr/sbin/nginx"):
            vm.measure(path)
        certificate, key = vm.issue()
        run(["openssl", "x509", "-in", certificate, "-noout", "-text"], 0)
        vm.serve(certificate, key)
        print("   ratls-certtool made %s, ratls-agent serves it on %s" % (certificate.name, vm.target))

        say("The owner takes a snapshot of the genuine VM and signs it")
        client = Client(programs, folder)
        snapshot = client.take(vm)
        print("   " + ", ".join(f["path"] for f in json.loads(snapshot.read_text())["ima"]["allow"]))

        say("A client verifies the VM inside the TLS handshake")
        done = client.verify(vm.target, snapshot=snapshot, expect=0)
        show_verdict(done)
        result = done.json
        if result["verdict"] != "accepted":
            raise Failure("not accepted")
        print("   root: %s, freshness: %d, tpm: %s" %
              (result["root"], result["freshness"], json.dumps(result["tpm"])))

        say("What the certificate says")
        shown = json.loads(client.ratls("show", certificate, "--json", expect=0).text)
        print("   %d bytes, TEE %s, IMA entries %d, AK %s..." %
              (shown["der_bytes"], shown["tee"]["type"], shown["ima"]["entries"],
               shown["claims"]["ak_name"][:16]))

        say("curl pins the verified key")
        pin = client.ratls("pin", vm.target, "--policy", "no-crl", "--trust-root", client.root,
                           "--snapshot", snapshot, "--snapshot-key", client.public_key,
                           expect=0).text.strip()
        url = "https://%s/v1/version" % vm.target
        answer = run(["curl", "-sS", "-k", "--pinnedpubkey", pin, url], 0).text.strip()
        print("   curl -k --pinnedpubkey %s\n   %s" % (pin, answer))
        run(["curl", "-sS", "-k", "--pinnedpubkey", "sha256//" + "A" * 43 + "=", url], 90)
        print("   with another pin curl refuses (exit 90)")

        vm.measure("/tmp/miner")
        attack("the VM runs a file that is not in the snapshot",
               client.verify(vm.target, snapshot=snapshot), "ima.files", 3)

        cut = client.folder / "cut.bin"
        cut.write_bytes(without_entry(vm.ima_log.read_bytes(), "/usr/sbin/nginx"))
        attack("a log with an entry removed",
               client.verify(vm.target, "--log", cut, snapshot=snapshot), "ima.replay", 2)

        other = Vm(programs, folder, "other")
        for path in ("/usr/lib/systemd/systemd", AGENT_PATH, "/usr/sbin/nginx"):
            other.measure(path)
        other_certificate, _ = other.issue()
        forged = client.folder / "forged.pem"
        run([programs.swap_tpm, certificate, key, other_certificate, forged], 0)
        attack("the quote of another TPM, which never ran that file",
               client.verify(forged, "--log", other.ima_log, snapshot=snapshot), "cert.ak_name", 2)

        impostor = Vm(programs, folder, "impostor", pki=programs.pki + "/forged")
        for path in ("/usr/lib/systemd/systemd", AGENT_PATH, "/usr/sbin/nginx"):
            impostor.measure(path)
        impostor.serve()
        attack("a forged vendor root with all the right names",
               client.verify(impostor.target, snapshot=snapshot), "snp.chain.signatures", 2)
        for machine in (vm, other, impostor):
            machine.stop()

    say("Done: accepted once, refused four times, each for its reason")
    print("""
   What was simulated: the TEE (its reports are signed under a test root that no program of this
   project trusts without --trust-root), the TPM (swtpm), and the kernel that measures files.
   What was real: certificate, quotes, logs, TLS 1.3, all checks, curl. Nothing here says anything
   about this machine: a software TPM and a test root protect nobody. AMD's revocation list was
   waived by name (policy no-crl).""")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: demo.py BUILD-FOLDER")
    try:
        sys.exit(main(sys.argv[1]))
    except Failure as failure:
        sys.exit("FAILED: %s" % failure)
