"""A pretended confidential VM for end-to-end runs: swtpm, IMA log, pretended TEE, ratls-agent.

Everything runs on loopback on free ports, is started here and stopped here, by its process id.
"""
import atexit
import hashlib
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import time

DEADLINE_S = 60
MEASUREMENT = hashlib.sha384(b"a pretended launch: firmware, kernel, initrd, command line").hexdigest()
AGENT_PATH = "/usr/bin/ratls-agent"


class Failure(Exception):
    pass


class Checks:
    """Called with what must hold: counts it, or ends the test."""

    def __init__(self):
        self.passed = 0

    def __call__(self, condition, what, detail=""):
        if not condition:
            raise Failure("%s\n%s" % (what, detail))
        self.passed += 1
        print("ok  " + what, flush=True)


check = Checks()


def wait_until(what, condition, deadline_s=DEADLINE_S):
    """Polls until the condition gives something true."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure("timed out: " + what)
        time.sleep(0.02)  # between two polls


def free_ports(count):
    """The first of `count` neighbouring ports that are free now."""
    for _ in range(100):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = probe.getsockname()[1]
        try:
            for port in range(first + 1, first + count):
                with socket.socket() as other:
                    other.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise Failure("no free ports")


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Programs:
    """Where the built programs are."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.ratls = str(self.build / "verify/cli/ratls")
        self.certtool = str(self.build / "test/demo/ratls-certtool-pretended")
        self.agent = str(self.build / "test/demo/ratls-agent-pretended")
        self.swap_tpm = str(self.build / "test/demo/swap_tpm")
        self.pki = str(self.build / "test/pki/snp")


def run(argv, expect=None, env=None, input_bytes=None):
    """Runs a program to its end. `expect` is the wanted exit status, any if None."""
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=DEADLINE_S, env=env, input=input_bytes)
    done.text = done.stdout.decode(errors="replace")
    done.errors = done.stderr.decode(errors="replace")
    if expect is not None and done.returncode != expect:
        raise Failure("%s: exit %d, wanted %d\n%s%s" %
                      (" ".join(str(a) for a in argv), done.returncode, expect, done.text, done.errors))
    return done


class Children:
    """Processes that end with this one, in reverse order of their start."""

    def __init__(self):
        self.all = []
        atexit.register(self.stop)

    def start(self, argv, log, env=None):
        child = subprocess.Popen([str(a) for a in argv], stdout=open(log, "wb"),
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env)
        self.all.append(child)
        return child

    def end(self, child):
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        self.all.remove(child)

    def stop(self):
        for child in reversed(list(self.all)):
            self.end(child)


class Maker:
    """A maker of TPMs: swtpm_setup with a CA of its own, all of it in one folder."""

    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir()
        self.root = self.folder / "swtpm-localca-rootca-cert.pem"
        self.ca = self.folder / "issuercert.pem"  # below the root; signs the EK certificates

        def write(file, text):
            (self.folder / file).write_text(text.replace("FOLDER", str(self.folder)))
        write("localca.conf", "statedir = FOLDER\nsigningkey = FOLDER/signkey.pem\n"
              "issuercert = FOLDER/issuercert.pem\ncertserial = FOLDER/certserial\n")
        write("localca.options", "--platform-manufacturer test\n--platform-version 1\n"
              "--platform-model test\n")
        write("setup.conf", "create_certs_tool = %s\n"
              "create_certs_tool_config = FOLDER/localca.conf\n"
              "create_certs_tool_options = FOLDER/localca.options\n" % shutil.which("swtpm_localca"))

    def make(self, state):
        """A TPM with EKs and their certificates: the state of an swtpm."""
        state.mkdir(exist_ok=True)
        run(["swtpm_setup", "--tpm2", "--tpmstate", state, "--create-ek-cert", "--config",
             self.folder / "setup.conf", "--pcr-banks", "-"], expect=0)


class Vm:
    """One VM: a TPM with its log, and an agent once `serve` was called."""

    def __init__(self, programs, folder, name, pki=None, maker=None):
        self.maker = maker
        self.programs = programs
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir()
        self.children = Children()
        self.pki = pki or programs.pki
        self.ima_log = self.folder / "ima.bin"
        self.ima_log.write_bytes(b"")
        self.extended = []  # what PCR 10 was extended with
        self.start_tpm()
        self.measure_boot()

    def start_tpm(self, again=False):
        """With `again` the same TPM at the same place, after its power was off."""
        state = self.folder / "tpm"
        state.mkdir(exist_ok=again)
        if self.maker and not again:
            self.maker.make(state)
        for _ in range(5):
            if not again:
                self.tpm_port = free_ports(2)
            child = self.children.start(
                ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=%s" % state,
                 "--ctrl", "type=tcp,port=%d,bindaddr=127.0.0.1" % (self.tpm_port + 1),
                 "--server", "type=tcp,port=%d,bindaddr=127.0.0.1" % self.tpm_port,
                 "--flags", "not-need-init,startup-clear"], self.folder / "swtpm.log")
            wait_until("swtpm", lambda: child.poll() is not None or answers(self.tpm_port + 1))
            if child.poll() is None:
                break
        self.tpm = child
        self.tcti = "swtpm:host=127.0.0.1,port=%d" % self.tpm_port
        wait_until("TPM", lambda: self.tool(["tpm2_getcap", "pcrs"]).returncode == 0)

    def kill_tpm(self):
        self.tpm.kill()
        self.tpm.wait()
        self.children.all.remove(self.tpm)

    def extend_again(self):
        """What the kernel would have done to a TPM that was there all the time."""
        for one in self.extended:
            self.tool(["tpm2_pcrextend", one], expect=0)

    def tool(self, argv, expect=None):
        return run(argv, expect, env=dict(os.environ, TPM2TOOLS_TCTI=self.tcti))

    def measure_boot(self):
        """boot_aggregate, as the kernel computes it: SHA-256 over PCR 0 to 9."""
        out = self.folder / "pcrs.bin"
        self.tool(["tpm2_pcrread", "sha256:0,1,2,3,4,5,6,7,8,9", "-o", out], expect=0)
        self.measure("boot_aggregate", hashlib.sha256(out.read_bytes()).digest())

    def measure(self, path, digest=None):
        """What the kernel does when a file runs: append to the log, then extend PCR 10."""
        data, entry = self.entry(path, digest, 10)
        with open(self.ima_log, "ab") as log:
            log.write(entry)
        self.extended.append("10:sha1=%s,sha256=%s" %
                             (hashlib.sha1(data).hexdigest(), hashlib.sha256(data).hexdigest()))
        self.tool(["tpm2_pcrextend", self.extended[-1]], expect=0)

    @staticmethod
    def entry(path, digest, pcr):
        """The template data of an ima-ng entry, and the entry."""
        if digest is None:
            digest = hashlib.sha256(path.encode()).digest()
        name = path.encode() + b"\0"
        field = b"sha256:\0" + digest
        data = struct.pack("<I", len(field)) + field + struct.pack("<I", len(name)) + name
        return data, (struct.pack("<I", pcr) + hashlib.sha1(data).digest() + struct.pack("<I", 6) +
                      b"ima-ng" + struct.pack("<I", len(data)) + data)

    def grow(self, entries):
        """A long log: entries of PCR 11, which cost no TPM command, then one of PCR 10."""
        with open(self.ima_log, "ab") as log:
            for number in range(len(self.extended), entries - 1):
                log.write(self.entry("/usr/share/a-long-list/%016d" % number, bytes(32), 11)[1])
        self.measure(AGENT_PATH)

    def environment(self, ek_tcti=""):
        """With `ek_tcti` the EK is that of another TPM: an attack."""
        return dict(os.environ, RATLS_PRETENDED_TEE=self.pki, RATLS_PRETENDED_EK_TCTI=ek_tcti,
                    RATLS_PRETENDED_MEASUREMENT=MEASUREMENT)

    def issue(self, name="cert", names=("127.0.0.1", "localhost")):
        certificate = self.folder / (name + ".pem")
        key = self.folder / (name + ".key.pem")
        argv = [self.programs.certtool, "issue", "--out", certificate, "--key", key, "--tcti",
                self.tcti, "--ima-log", self.ima_log, "--boot-log", ""]
        for n in names:
            argv += ["--name", n]
        run(argv, expect=0, env=self.environment())
        return certificate, key

    def serve(self, certificate=None, key=None, tee=True, ak_type="ecc", ek_tcti="", ek_chain=None,
              limits=""):
        """Starts the agent and waits until it listens. Without a certificate it makes its own."""
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        config = self.folder / "agent.toml"
        text = 'address = "127.0.0.1"\nport = 0\nport_file = "%s"\n' % port_file
        text += 'names = ["127.0.0.1", "localhost"]\n'
        if certificate:
            text += '[certificate]\nfile = "%s"\nkey = "%s"\n' % (certificate, key)
        text += '[evidence]\ntcti = "%s"\nima_log = "%s"\nboot_log = ""\n' % (self.tcti, self.ima_log)
        text += 'ak_type = "%s"\n' % ak_type
        chain = ek_chain or (self.maker.ca if self.maker else None)
        text += 'ek_certificate = "%s"\n' % chain if chain else ""
        text += "" if tee else 'tsm = ""\n'
        text += "[limits]\n" + limits
        config.write_text(text)
        self.agent = self.children.start([self.programs.agent, "--config", config],
                                         self.folder / "agent.log", env=self.environment(ek_tcti))

        def listening():
            if self.agent.poll() is not None:
                raise Failure("the agent ended: " + (self.folder / "agent.log").read_text())
            return port_file.exists() and port_file.read_text().strip()

        self.port = int(wait_until("agent", listening))
        self.target = "127.0.0.1:%d" % self.port

    def stop_agent(self):
        self.children.end(self.agent)

    def stop(self):
        self.children.stop()


class Client:
    """The verifier's machine: keys, snapshot, and `ratls`."""

    def __init__(self, programs, folder):
        self.programs = programs
        self.folder = pathlib.Path(folder) / "client"
        self.folder.mkdir()
        self.root = "snp:" + programs.pki + "/ark.pem"
        self.key = self.folder / "snapshot-key.pem"
        self.public_key = self.folder / "snapshot-key.pub.pem"
        run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key], 0)
        run(["openssl", "ec", "-in", self.key, "-pubout", "-out", self.public_key], 0)

    def environment(self):
        return dict(os.environ, XDG_STATE_HOME=str(self.folder / "state"))

    def ratls(self, *argv, expect=None):
        return run([self.programs.ratls, *argv], expect, env=self.environment())

    def take(self, vm, out="snapshot.json", sign=True, sequence=1, require=(AGENT_PATH,)):
        snapshot = self.folder / out
        required = [argument for path in require for argument in ("--require", path)]
        self.ratls("snapshot", "take", vm.target, "--name", "demo", "--sequence", sequence,
                   *required, "--kernel-hashes", "--trust-root", self.root, "--out", snapshot,
                   expect=0)
        if sign:
            self.ratls("snapshot", "sign", snapshot, "--key", self.key, expect=0)
        return snapshot

    def verify(self, target, *more, snapshot=None, root=True, expect=None, policy="no-crl"):
        argv = ["verify", target, "--policy", policy, "--json", *more]
        if root:
            argv += ["--trust-root", self.root]
        if snapshot:
            argv += ["--snapshot", snapshot, "--snapshot-key", self.public_key]
        done = self.ratls(*argv, expect=expect)
        done.json = json.loads(done.text) if done.text.strip().startswith("{") else {}
        return done


def failed_rules(result):
    return [f["rule"] for f in result.get("findings", []) if f["verdict"] == "fail"]


class Workspace:
    """A temporary folder that goes when the run ends."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="ratls-")
        return self.path

    def __exit__(self, *unused):
        shutil.rmtree(self.path, ignore_errors=True)
