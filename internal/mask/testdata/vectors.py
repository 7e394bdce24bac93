#!/usr/bin/env python3
"""Writes vectors.json: the masks as docs/decisions/masking.md defines them.

A third implementation, in another language and without any of the others, so
that a mistake that two of them share does not go unseen:

    python3 internal/mask/testdata/vectors.py > internal/mask/testdata/vectors.json
"""
import base64, hashlib, hmac, json, string

CLASSES = ["0123456789", "aeiou", "bcdfghjklmnpqrstvwxyz", "AEIOU", "BCDFGHJKLMNPQRSTVWXYZ"]
span = lambda a, b: "".join(chr(c) for c in range(a, b + 1))
CLASSES += [
    span(0xC0, 0xD6) + span(0xD8, 0xDE), span(0xDF, 0xF6) + span(0xF8, 0xFF), span(0x100, 0x17F),
    "\u0386\u0388\u0389\u038a\u038c\u038e\u038f", span(0x391, 0x3A1) + span(0x3A3, 0x3A9), "\u03aa\u03ab",
    "\u03ac\u03ad\u03ae\u03af\u03cc\u03cd\u03ce", span(0x3B1, 0x3C9), "\u03ca\u03cb\u0390\u03b0",
    span(0x400, 0x40F), span(0x410, 0x42F), span(0x430, 0x44F), span(0x450, 0x45F), span(0x5D0, 0x5EA),
    span(0x621, 0x63A), span(0x641, 0x64A), span(0x3041, 0x3096), span(0x30A1, 0x30FA), span(0x4E00, 0x9FA5), span(0xAC00, 0xD7A3),
]
CLASS = {c: cl for cl in CLASSES for c in cl}
KEPT = set(span(0x20, 0x7E) + "\t\n\r" + span(0xA0, 0xBF) + "\xd7\xf7" + span(0x300, 0x36F) + span(0x2000, 0x206F) + span(0x3000, 0x3003))


def prf(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def permute(key, text, classes, tweak=b""):
    n = len(text)
    halves = [list(text[: n // 2]), list(text[n // 2:])]
    kinds = [classes[: n // 2], classes[n // 2:]]
    for r in range(10):
        change, keep = r % 2, 1 - r % 2
        rest = tweak + "".join(halves[keep]).encode()
        stream = b""
        while len(stream) < 2 * len(halves[change]):
            stream += prf(key, bytes([r]) + (len(stream) // 32).to_bytes(4, "big") + rest)
        for i, cl in enumerate(kinds[change]):
            by = int.from_bytes(stream[2 * i: 2 * i + 2], "big")
            halves[change][i] = cl[(cl.index(halves[change][i]) + by) % len(cl)]
    return "".join(halves[0] + halves[1])


def name(key, v):
    if any(c not in CLASS and c not in KEPT for c in v):
        return None
    at = [i for i, c in enumerate(v) if c in CLASS]
    out = list(v)
    for i, c in zip(at, permute(key, "".join(v[i] for i in at), [CLASS[v[i]] for i in at])):
        out[i] = c
    return "".join(out)


def mod97(text):
    return int("".join(str(int(c, 36)) for c in text)) % 97


def plain(v):
    p = v.replace(" ", "")
    if not p.isascii() or not p.isalnum():
        return None
    p = p.upper()
    good = 15 <= len(p) <= 34 and p[:2].isalpha() and p[2:4].isdigit()
    return p if good and 2 <= int(p[2:4]) <= 98 and mod97(p[4:] + p[:4]) == 1 else None


def iban(key, other, v):
    p = plain(v)
    if p is None:
        out = name(other, v)
        while out is not None and plain(out) is not None:
            out = name(other, out)
        return out
    account = permute(key, p[4:], [string.digits if c.isdigit() else string.ascii_uppercase for c in p[4:]], p[:2].encode())
    p = iter(p[:2] + "%02d" % (98 - mod97(account + p[:2] + "00")) + account)
    return "".join(c if c == " " else next(p).lower() if c.islower() else next(p) for c in v)


def mask(secret, kind, v):
    if v == "":
        return ""
    sub = lambda what: prf(secret.encode(), ("leap.mask/v1/" + what).encode())
    if kind == "hash":
        return prf(sub(kind), v.encode())[:16].hex()
    if kind == "email":
        return base64.b32encode(prf(sub(kind), v.encode())).decode()[:20].lower() + "@example.com"
    if kind == "name":
        return name(sub(kind), v)
    return iban(sub(kind), sub("iban/other"), v)


VALUES = {
    "hash": ["", "a", "A", "a ", "Zürich", "\x00", "x" * 300],
    "email": ["", "kim@bank.test", "Kim@bank.test", "kim@bank.test ", "no address", "ü@ö.de"],
    "name": ["", "A", "Al", "Kim Berg", "kim berg", "O'Neill-Smith", "Müller, Jörg", "Łukasz Žižek", "Γεωργία Παπαδοπούλου", "Ωμέγα",
             "Дмитрий Иванов", "王小明", "김민수", "+44 20 7946 0958", "P-4711/b", "...", "e\u0301", "a" * 100, "7", "x\U0001F600", "tab\there", "nul\x00"],
    "iban": ["", "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "de89370400440532013000", "GB29NWBK60161331926819",
             "NO9386011117947", "MT84MALT011000012345MTLCAST001S", "FR1420041010050500013M02606", "DE88370400440532013000",
             "12345678", "none", "DE00", "XX", "GB29 NWBK 6016 1331 9268 19 ", "LC14BOSL123456789012345678901234", "x\U0001F600"],
}

out = []
for secret in ["correct horse battery staple", "another key of 24 bytes!"]:
    for kind in VALUES:
        for v in VALUES[kind]:
            out.append({"key": secret, "mask": kind, "value": v, "result": mask(secret, kind, v)})
print(json.dumps({"key_ids": {s: prf(s.encode(), b"leap.mask/v1/id")[:8].hex() for s in {o["key"] for o in out}}, "vectors": out},
                 indent=1, ensure_ascii=True, sort_keys=True))
