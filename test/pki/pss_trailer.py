#!/usr/bin/env python3
"""Writes out the default trailerField of an RSASSA-PSS certificate (RFC 4055, section 3.1).

  pss_trailer.py tbs CERTIFICATE OUT    the new tbsCertificate, to be signed
  pss_trailer.py join TBS SIGNATURE OUT the new certificate
"""
import sys

PSS = bytes.fromhex("06092a864886f70d01010a")
TRAILER = bytes.fromhex("a303020101")


def element(tag, content):
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def items(data):
    """The elements of some DER, whole and as (tag, content)."""
    while data:
        header = 2
        size = data[1]
        if size & 0x80:
            header += size & 0x7F
            size = int.from_bytes(data[2:header], "big")
        yield data[:header + size], data[0], data[header:header + size]
        data = data[header + size:]


def content(data):
    ((_, _, inner),) = items(data)
    return inner


def with_trailer(algorithm):
    (oid, _, _), (_, _, parameters) = items(content(algorithm))
    assert oid == PSS
    return element(0x30, oid + element(0x30, parameters + TRAILER))


def patched_tbs(certificate):
    tbs = next(items(content(certificate)))[2]
    fields = [whole for whole, _, _ in items(tbs)]
    fields[2] = with_trailer(fields[2])
    return element(0x30, b"".join(fields))


def join(tbs, signature):
    algorithm = [whole for whole, _, _ in items(content(tbs))][2]
    return element(0x30, tbs + algorithm + element(0x03, b"\0" + signature))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    command, *paths, out = sys.argv[1:]
    result = {"tbs": patched_tbs, "join": join}[command](*map(read, paths))
    with open(out, "wb") as file:
        file.write(result)


if __name__ == "__main__":
    main()
