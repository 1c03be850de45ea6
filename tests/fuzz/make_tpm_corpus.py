#!/usr/bin/env python3
"""Write the seeds of fuzz_bundle, fuzz_policy, fuzz_tpm, fuzz_hcl and fuzz_eventlog. Same bytes every time."""
import base64, hashlib, json, os, struct

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def put(target, name, data):
    folder = os.path.join(HERE, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def tpm2b(data):
    return struct.pack(">H", len(data)) + data


def attest(kind, tail):
    return b"\xff\x54\x43\x47" + struct.pack(">H", kind) + tpm2b(b"\0\x0b" + bytes(32)) + tpm2b(b"\xff" + bytes(48)) + \
        struct.pack(">QIIB", 1000, 1, 0, 1) + struct.pack(">Q", 7) + tail


SELECTION = struct.pack(">IHB", 1, 0x000B, 3) + b"\xff\0\x81"
QUOTE = attest(0x8018, SELECTION + tpm2b(bytes(32)))
ECC = struct.pack(">HHI", 0x0023, 0x000B, 0x00050072) + tpm2b(b"") + struct.pack(">HHHHH", 0x0010, 0x0018, 0x000B, 3, 0x0010) + \
    tpm2b(bytes.fromhex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")) + \
    tpm2b(bytes.fromhex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"))
RSA = struct.pack(">HHI", 0x0001, 0x000B, 0x00050072) + tpm2b(b"") + struct.pack(">HHHHI", 0x0010, 0x0014, 0x000B, 2048, 0) + \
    tpm2b(b"\xc1" * 256)

put("tpm", "quote", b"\0" + QUOTE)
put("tpm", "certify", b"\0" + attest(0x8017, tpm2b(b"\0\x0b" + bytes(32)) + tpm2b(b"")))
put("tpm", "ecdsa", b"\1" + struct.pack(">HH", 0x0018, 0x000B) + tpm2b(b"\1" * 32) + tpm2b(b"\2" * 32))
put("tpm", "rsassa", b"\1" + struct.pack(">HH", 0x0014, 0x000B) + tpm2b(b"\3" * 256))
put("tpm", "public-ecc", b"\2" + ECC)
put("tpm", "public-2b", b"\2" + tpm2b(ECC))
put("tpm", "public-rsa", b"\2" + RSA)

n = base64.urlsafe_b64encode(b"\xc1" * 256).rstrip(b"=").decode()
key = lambda kid, ops: {"kid": kid, "key_ops": [ops], "kty": "RSA", "e": "AQAB", "n": n}
claims = json.dumps({"keys": [key("HCLAkPub", "sign"), key("HCLEkPub", "encrypt")],
                     "vm-configuration": {"secure-boot": True, "vmUniqueId": "00000000-0000-4000-8000-000000000001"},
                     "user-data": "00" * 64}, separators=(",", ":")).encode()
report = bytearray(1184)
report[0x50:0x70] = hashlib.sha256(claims).digest()
put("hcl", "var-data", claims)
put("hcl", "snp", b"HCLA" + struct.pack("<IIII", 2, 1216, 2, 0) + bytes(12) + report +
    struct.pack("<IIIII", 20 + len(claims), 1, 2, 1, len(claims)) + claims + bytes(64))

put("policy", "all", b"""# every type of key
[policy]
name = fleet
base = authentic
waive = snp.crl, tail.*
max_evidence_age = 1h30m
allow_foreign_evidence = yes
[tpm]
ak_sha256 = """ + b"ab" * 32 + b"""
zones = europe-west1-b, us-central1-a
require_safe_clock = no
""")
put("policy", "word", b"strict")
put("policy", "golden", b"; what may run\n[web 1.4]\npcr4 = " + b"11" * 32 + b"\npcr4 = " + b"22" * 32 + b"\nmr_td = " + b"33" * 48 + b"\n")

put("bundle", "full", json.dumps({
    "format": "cvm-evidence/1", "cloud": "gcp", "tee": "tdx",
    "identity": {"scheme": "ecdsa", "curve": "p256", "hash": "sha256", "public_key": "0x" + "11" * 64},
    "tee_report": {"type": "native", "data": base64.b64encode(b"report").decode()},
    "tpm": {"quote": "0x" + QUOTE.hex(), "signature": "0x00",
            "pcrs": [{"index": 1, "value": "0x" + "22" * 32, "events": ["0x" + "33" * 32], "measured_events": [0], "measure_value": False},
                     {"index": 4, "bank": "sha384", "value": "0x" + "44" * 48}]},
    "report_id": "0x1d", "ak": {"certs": ["0x3000"], "public": "-----BEGIN PUBLIC KEY-----\n", "var_data": "e30="},
    "logs": {"tcg": "0x00", "ccel": "0x", "ima": "MTA=", "cel": "0x00"},
    "collateral": {"tdx": {"x": 1}, "snp": {"certs": []}},
    "call": {"name": "setCollateralTTL", "profile": "g1b", "id": "0x" + "55" * 32, "signatures": ["0x00"], "tee_ttl": 1,
             "tpm_ttl": "18446744073709551615"}}).encode())
put("bundle", "empty", b'{"format":"cvm-evidence/1"}')


def event(pcr, kind, digests, data):
    return struct.pack("<III", pcr, kind, len(digests)) + b"".join(struct.pack("<H", a) + d for a, d in digests) + \
        struct.pack("<I", len(data)) + data


def header(algs):
    body = b"Spec ID Event03\0" + struct.pack("<IBBBB", 0, 0, 2, 0, 2) + struct.pack("<I", len(algs)) + \
        b"".join(struct.pack("<HH", a, s) for a, s in algs) + b"\0"
    return struct.pack("<II", 0, 3) + bytes(20) + struct.pack("<I", len(body)) + body


path = "\\EFI\\BOOT\\BOOTX64.EFI\0".encode("utf-16-le")
image = struct.pack("<QQQQ", 0, 0, 0, 8 + len(path)) + struct.pack("<BBH", 4, 4, 4 + len(path)) + path + b"\x7f\xff\4\0"
variable = bytes(16) + struct.pack("<QQ", 10, 1) + "SecureBoot".encode("utf-16-le") + b"\1"
two = lambda data: [(4, hashlib.sha1(data).digest()), (0xB, hashlib.sha256(data).digest())]
agile = header([(4, 20), (0xB, 32)]) + event(0, 3, two(b""), b"StartupLocality\0\3") + event(7, 0x80000001, two(variable), variable) + \
    event(4, 0x80000003, two(image), image) + event(4, 4, two(bytes(4)), bytes(4))
put("eventlog", "agile", b"\0" + agile)
put("eventlog", "sha1", b"\0" + struct.pack("<II", 0, 8) + hashlib.sha1(b"v1").digest() + struct.pack("<I", 2) + b"v1")
sep = hashlib.sha384(bytes(4)).digest()
put("eventlog", "ccel", b"\1" + header([(0xC, 48)]) + event(1, 4, [(0xC, sep)], bytes(4)) + b"\xff" * 64)
tlv = lambda kind, value: struct.pack(">BI", kind, len(value)) + value
content = tlv(80, tlv(0, b"image"))
put("eventlog", "cel", b"\2" + tlv(0, bytes(8)) + tlv(108, b"\4") + tlv(3, tlv(0xC, hashlib.sha384(content).digest())) + content)
digest = bytes(20)
data = struct.pack("<I", 6 + len(digest) - 0) + b"sha1:\0" + digest + struct.pack("<I", 5) + b"init\0"
put("eventlog", "ima", b"\3" + f"10 {hashlib.sha1(data).hexdigest()} ima-ng sha1:{digest.hex()} init\n10 {'0' * 40} ima-ng sha1:{digest.hex()} x\n".encode())
