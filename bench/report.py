#!/usr/bin/env python3
"""Runs the benchmarks and prints each as a rate and as a ratio to its yardstick of the same run.

report.py VERIFY_BENCH IMA_BENCH CRYPTO_BENCH TREE_BENCH. The first line names the provider of cryptography. CPU time, the least of several rounds: the machine may be busy. What takes less than a millisecond has many short rounds.
"""
import json
import os
import subprocess
import sys

# Rounds and least seconds of each, by program.
ROUNDS = {"verify_bench": (20, 0.05)}
OTHER_ROUNDS = (5, 0.2)
# name, yardstick, items per iteration, unit
ROWS = [
    ("snp_cold", "snp_signatures/3", 1, "SNP reports, cold"),
    ("snp_warm", "snp_signatures/1", 1, "SNP reports, warm"),
    ("snp_parse", "snp_cold", 1, "SNP parsing"),
    ("tdx_cold", "p256_signatures/9", 1, "TDX quotes, cold"),
    ("tdx_warm", "p256_signatures/3", 1, "TDX quotes, warm"),
    ("tdx_parse", "tdx_cold", 1, "TDX parsing"),
    ("tpm_quote", "tpm_signature", 1, "TPM quotes"),
    ("replay/10000", "hashes_only/10000", 10000, "IMA entries of 10k"),
    ("replay/100000", "hashes_only/100000", 100000, "IMA entries of 100k"),
    ("appraise/10000", "hashes_and_prefix/10000", 10000, "IMA appraised, 10k"),
    ("appraise/100000", "hashes_and_prefix/100000", 100000, "IMA appraised, 100k"),
    ("appraise/1000000", "hashes_and_prefix/1000000", 1000000, "IMA appraised, 1M"),
    ("appraise_with_index/100000", "appraise/100000", 100000, "IMA and index, 100k"),
    ("incremental/100", "appraise/100", 100, "IMA, 100 new of 100k"),
    ("incremental/10000", "appraise/10000", 10000, "IMA, 10k new of 110k"),
    ("incremental/100", "appraise/100000", 1, "the same to all 100k"),
    ("boot_log", "boot_log_hashes", 1, "boot logs of 45 kB"),
    ("hash_tree/real_time", "read_and_hash/real_time", 3000, "files hashed, all cores"),
    ("read_ec_key/p256", "verify_ecdsa/p256", 1, "P-256 keys read"),
    ("read_ec_key/p384", "verify_ecdsa/p384", 1, "P-384 keys read"),
    ("read_rsa4096_key", "verify_rsa4096", 1, "RSA-4096 keys read"),
    ("sha256_of/100", "sha256_of/16384", 1, "SHA-256 of 100 bytes"),
]


# name, counter, divisor, unit
COUNTS = [
    ("appraise/100000", "allocations", 1, "allocations to appraise 100k entries"),
    ("appraise/1000000", "allocations", 1, "allocations to appraise 1M entries"),
    ("appraise_with_index/100000", "peak_bytes", 100000, "bytes per entry of 100k, with the index"),
    ("appraise_with_index/1000000", "peak_bytes", 1000000, "bytes per entry of 1M, with the index"),
]


def measure(program):
    rounds, seconds = ROUNDS.get(os.path.basename(program), OTHER_ROUNDS)
    done = subprocess.run([program, "--benchmark_format=json", "--benchmark_min_time=%g" % seconds,
                           "--benchmark_repetitions=%d" % rounds,
                           "--benchmark_enable_random_interleaving=true"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    scale = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
    best = {}
    counts = {}
    report = json.loads(done.stdout)
    for run in report["benchmarks"]:
        if run.get("run_type") == "aggregate":
            continue
        if run.get("error_occurred"):
            sys.exit("%s: %s" % (run["name"], run["error_message"]))
        name = run["run_name"]
        # What several threads do counts by the clock.
        kind = "real_time" if name.endswith("/real_time") else "cpu_time"
        seconds = run[kind] * scale[run["time_unit"]]
        best[name] = min(seconds, best.get(name, seconds))
        counts.update({(name, key): run[key] for at, key, _, _ in COUNTS if at == name})
    return report["context"]["crypto"], best, counts


def main(programs):
    best = {}
    counts = {}
    for program in programs:
        crypto, measured, counted = measure(program)
        best.update(measured)
        counts.update(counted)
    print("crypto: " + crypto)
    print("%-24s %14s %12s %8s" % ("what", "per second", "yardstick", "ratio"))
    for name, yardstick, items, what in ROWS:
        print("%-24s %14.0f %12.0f %8.2f" % (what, items / best[name], items / best[yardstick],
                                             best[name] / best[yardstick]))
    for name, counter, divisor, what in COUNTS:
        print("%-40s %14.1f" % (what, counts[name, counter] / divisor))


if __name__ == "__main__":
    main(sys.argv[1:])
