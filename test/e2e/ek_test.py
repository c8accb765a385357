#!/usr/bin/env python3
"""Credential activation: TPMs with certificates of their maker, right and wrong. ek_test.py BUILD-FOLDER"""
import json
import pathlib
import re
import sys

from vm import (AGENT_PATH, Client, Failure, Maker, Programs, Vm, Workspace, check, failed_rules,
                run)


def policy_file(client, name, tee="required", **tpm):
    path = client.folder / (name + ".json")
    path.write_text(json.dumps({"ratls_policy": 1, "name": name, "tee": tee,
                                "snp": {"revocation": "waived"}, "tpm": tpm}))
    return path


def started(programs, folder, name, maker, **options):
    vm = Vm(programs, folder, name, maker=maker)
    for path in ("/usr/lib/systemd/systemd", AGENT_PATH):
        vm.measure(path)
    vm.serve(**options)
    return vm


def right_and_wrong_roots(client, vm, maker, other_maker):
    required = policy_file(client, "required", ek_activation="required")
    snapshot = client.take(vm)
    done = client.verify(vm.target, "--trust-root", "tpm:%s" % maker.root, snapshot=snapshot,
                         policy=required)
    check(done.returncode == 0 and done.json["verdict"] == "accepted",
          "an activated EK of the maker is accepted", done.text + done.errors)
    tpm = done.json["tpm"]
    check(tpm["class"] == "tee-vouched+ek-activated" and tpm["excludes_host"] and
          tpm["excludes_guest_root"] and "EK" in tpm["assumption"], "the class says so", tpm)
    check(any("which TPM" in text for text in done.json["not_checked"]),
          "and that any TPM of the maker would do")
    ek = done.json["claims"]["ek"]["spki_sha256"]

    done = client.verify(vm.target, snapshot=snapshot, policy=required)
    check(done.returncode == 2 and failed_rules(done.json) == ["tpm.ek_chain", "tpm.activation"],
          "without a root it is refused", done.text + done.errors)
    done = client.verify(vm.target, "--trust-root", "tpm:%s" % other_maker.root, snapshot=snapshot,
                         policy=required)
    check(done.returncode == 2 and failed_rules(done.json) == ["tpm.ek_chain", "tpm.activation"],
          "with the root of another maker it is refused", done.text + done.errors)
    done = client.verify(vm.target, "--trust-root", "tpm:%s" % maker.root, snapshot=snapshot)
    check(done.returncode == 0 and done.json["tpm"]["class"] == "tee-vouched",
          "a policy that does not require it does not ask", done.text + done.errors)

    pinned = policy_file(client, "pinned", ek_activation="required", ek_keys=[ek])
    done = client.verify(vm.target, "--trust-root", "tpm:%s" % maker.root, snapshot=snapshot,
                         policy=pinned)
    check(done.returncode == 0, "the EK that the policy pins is accepted", done.text + done.errors)
    pinned = policy_file(client, "other", ek_activation="required", ek_keys=["00" * 32])
    done = client.verify(vm.target, "--trust-root", "tpm:%s" % maker.root, snapshot=snapshot,
                         policy=pinned)
    check(done.returncode == 3 and "tpm.ek_key" in failed_rules(done.json),
          "another than the pinned one is refused", done.text + done.errors)
    done = client.ratls("policy", "check", policy_file(client, "bad", ek_keys=[ek]))
    check(done.returncode == 2 and "ek_activation" in done.errors,
          "a pin without an activation is an error", done.errors)

    certificate, _ = vm.issue("file")
    done = client.verify(certificate, "--evidence-only", "--log", vm.ima_log, policy=required)
    check(done.returncode == 3 and "a live host is needed" in done.text,
          "a certificate in a file is refused", done.text + done.errors)
    common = ["--trust-root", client.root, "--snapshot", snapshot, "--snapshot-key",
              client.public_key, "--policy", required]
    done = client.ratls("pin", vm.target, *common, "--trust-root", "tpm:%s" % maker.root)
    check(done.returncode == 0, "pin waits for the activation", done.errors)
    done = client.ratls("pin", vm.target, *common)
    check(done.returncode != 0 and not done.text, "and prints nothing without it", done.text)
    return snapshot, required


def relay(client, programs, folder, vm, maker, snapshot, required):
    """The attacker's machine has a TPM that nobody certifies, and asks that of the victim."""
    vm.stop_agent()  # its keys fill the TPM, which has no resource manager
    attacker = started(programs, folder, "attacker", None, ek_tcti=vm.tcti, ek_chain=maker.ca)
    done = client.verify(attacker.target, "--trust-root", "tpm:%s" % maker.root, snapshot=snapshot,
                         policy=required)
    check(done.returncode == 3 and failed_rules(done.json) == ["tpm.activation"] and
          any(f["rule"] == "tpm.ek_chain" and f["verdict"] == "pass" for f in done.json["findings"]),
          "the EK of another TPM, with its certificate, does not help", done.text + done.errors)
    done = client.verify(attacker.target, snapshot=snapshot)
    check(done.returncode == 0, "though all else of that machine is right", done.text + done.errors)
    attacker.stop()
    bare = started(programs, folder, "bare", None)
    done = client.verify(bare.target, "--trust-root", "tpm:%s" % maker.root, snapshot=snapshot,
                         policy=required)
    check(done.returncode == 3 and failed_rules(done.json) == ["tpm.activation"] and
          "404" in done.text, "a TPM without a certificate is refused", done.text + done.errors)
    bare.stop()


def without_tee(client, programs, folder, maker):
    vm = started(programs, folder, "no-tee", maker, tee=False, ak_type="rsa")
    root = ["--trust-root", "tpm:%s" % maker.root]
    lax = policy_file(client, "no-tee", "none", provider_tpm="trusted")
    snapshot = client.folder / "no-tee-snapshot.json"
    client.ratls("snapshot", "take", vm.target, "--name", "no-tee", "--sequence", 1, "--require",
                 AGENT_PATH, "--policy", lax, "--out", snapshot, expect=0)
    client.ratls("snapshot", "sign", snapshot, "--key", client.key, expect=0)
    done = client.verify(vm.target, *root, snapshot=snapshot, policy=lax)
    check(done.returncode == 3 and failed_rules(done.json) == ["tpm.class"],
          "without a TEE the waiver alone is not enough", done.text + done.errors)
    policy = policy_file(client, "no-tee-ek", "none", provider_tpm="trusted",
                         ek_activation="required")
    done = client.verify(vm.target, *root, snapshot=snapshot, policy=policy)
    check(done.returncode == 0 and done.json["verdict"] == "accepted" and
          done.json["tpm"]["class"] == "ek-activated" and not done.json["tpm"]["excludes_host"],
          "with an activated EK, and an RSA AK, it is accepted", done.text + done.errors)
    policy = policy_file(client, "no-waiver", "none", ek_activation="required")
    done = client.verify(vm.target, *root, snapshot=snapshot, policy=policy)
    check(done.returncode == 3 and failed_rules(done.json) == ["tpm.class"],
          "not without the waiver", done.text + done.errors)
    vm.stop()


def rate(client, programs, folder, maker, snapshot, required):
    vm = started(programs, folder, "slow", maker, limits="evidence_burst = 2\nevidence_per_minute = 1\n")
    done = client.verify(vm.target, "--evidence-only", "--trust-root", "tpm:%s" % maker.root,
                         policy=required)
    check(done.returncode == 0, "a verification within the rate", done.text + done.errors)
    done = client.verify(vm.target, "--evidence-only", "--trust-root", "tpm:%s" % maker.root,
                         policy=required)
    check(done.returncode == 4 and "429" in done.errors, "one beyond it is told to wait",
          done.text + done.errors)
    body = client.folder / "request.cbor"
    body.write_bytes(b"\xa1\x01\x58\x20" + bytes(32))
    head = run(["curl", "-sS", "-k", "-i", "--data-binary", "@%s" % body,
                "https://%s/.well-known/ratls-vm/evidence" % vm.target], 0).text
    check(re.search(r"^HTTP/1\.1 429 ", head) and re.search(r"(?im)^retry-after: [1-9]\d?\r?$", head),
          "and how long", head)
    check(run(["curl", "-sS", "-k", "https://%s/v1/health" % vm.target]).returncode == 0,
          "other routes go on")
    vm.stop()


def main(build):
    programs = Programs(build)
    with Workspace() as folder:
        maker, other_maker = Maker(folder, "maker"), Maker(folder, "other-maker")
        other_maker.make(pathlib.Path(folder) / "unused")  # makes its CA
        vm = started(programs, folder, "vm", maker)
        client = Client(programs, folder)
        snapshot, required = right_and_wrong_roots(client, vm, maker, other_maker)
        relay(client, programs, folder, vm, maker, snapshot, required)
        rate(client, programs, folder, maker, snapshot, required)
        vm.stop()
        without_tee(client, programs, folder, maker)
    print("%d checks" % check.passed)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except Failure as failure:
        sys.exit("FAILED: %s" % failure)
