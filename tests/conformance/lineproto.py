"""The text of a mount, read and written a second time: a plain parser of otsfs's line protocol and
its file names, made from docs/LINE-PROTOCOL.md alone. Slow, and with no code of fs/lp.
"""
import base64
import hashlib
import re
import struct

from service import typed

NAME_BYTES_MAX = 240
FILE_SPECIAL = set(b'%/,="\\ ') | set(range(0x20)) | {0x7F}
TRUTH = {b"t": True, b"T": True, b"true": True, b"True": True, b"TRUE": True,
         b"f": False, b"F": False, b"false": False, b"False": False, b"FALSE": False}
STRING_ESCAPES = {b"n": b"\n", b"r": b"\r", b"\\": b"\\"}


class BadLine(Exception):
    pass


# --- lines ---------------------------------------------------------------------------------------


def parse_line(line):
    """(measurement, source, {tag: value}), time in microseconds, {field: value with type}."""
    measurement, at = take_name(line, 0, b", ", b", ")
    source, tags = b"", {}
    while line[at:at + 1] == b",":
        name, at = take_name(line, at + 1, b"=")
        value, at = take_name(line, at + 1, b", ")
        if name == b"_data_source":
            source = unquote(value)
        elif unquote(name) in tags:
            raise BadLine(f"tag twice: {line}")
        else:
            tags[unquote(name).decode()] = unquote(value).decode()
    fields = {}
    while line[at:at + 1] in (b" ", b",") and (not fields or line[at:at + 1] == b","):
        name, at = take_name(line, at + 1, b"=")
        text, at = take_value(line, at + 1)
        name, value = field(name, text)
        fields[name.decode()] = value
    time_us = nanoseconds(line[at + 1:])
    return (unquote(measurement).decode(), source.decode(), tags), time_us, fields


def parse_file(text):
    """[(key, time, fields)] of lines that each end in LF."""
    if text and not text.endswith(b"\n"):
        raise BadLine("the last line does not end")
    return [parse_line(line) for line in text.split(b"\n")[:-1]]


def nanoseconds(text):
    if not re.fullmatch(rb"0|[1-9][0-9]*", text):
        raise BadLine(f"time: {text}")
    return int(text) // 1000


def take_name(line, at, ends, special=b",= "):
    """The raw text, escapes of the line undone, up to one of `ends`; and where that is."""
    name = bytearray()
    while at < len(line) and line[at] not in ends:
        if line[at:at + 1] == b"\\" and line[at + 1:at + 2] in (b",", b"=", b" "):
            at += 1
        elif line[at] < 0x20 or line[at] in special:
            raise BadLine(f"{at}: {line}")
        name.append(line[at])
        at += 1
    if at == len(line):
        raise BadLine(f"ends in a name: {line}")
    return bytes(name), at


def unquote(name):
    """Undo `"HH` and `\"\"`."""
    if name == b'""':
        return b""
    if re.search(rb'"(?![0-9A-F]{2})', name):
        raise BadLine(f"quote: {name}")
    return re.sub(rb'"([0-9A-F]{2})', lambda match: bytes.fromhex(match[1].decode()), name)


def take_value(line, at):
    """The text of a value, quotes and all, and where it ends."""
    start = at
    if line[at:at + 1] == b'"':
        at += 1
        while line[at:at + 1] != b'"':
            if at >= len(line):
                raise BadLine(f"ends in a string: {line}")
            at += 2 if line[at:at + 1] == b"\\" else 1
        return line[start:at + 1], at + 1
    while at < len(line) and line[at] not in b", ":
        at += 1
    return line[start:at], at


def field(name, text):
    """The field's own name and its value with type."""
    base, _, kind = name.partition(b"@")
    if kind == b"b64":
        return base, typed(bytearray(base64.b64decode(string(text), validate=True)))
    if kind == b"str":
        return base, typed(control_string(string(text)).decode())
    if kind == b"f64":
        return base, typed(special_real(string(text)))
    if kind:
        raise BadLine(f"mark: {name}")
    return base, typed(plain_value(text))


def string(text):
    if text[:1] != b'"':
        raise BadLine(f"no string: {text}")
    return re.sub(rb'\\(["\\])', rb"\1", text[1:-1])


def control_string(text):
    def one(match):
        if match[1]:
            return bytes.fromhex(match[1].decode())
        return STRING_ESCAPES[match[2]]
    return re.sub(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", one, text, flags=re.S)


def special_real(text):
    if text.startswith(b"nan:"):
        return struct.unpack(">d", bytes.fromhex(text[4:].decode()))[0]
    return {b"NaN": float("nan"), b"+Inf": float("inf"), b"-Inf": float("-inf")}[text]


def plain_value(text):
    if text in TRUTH:
        return TRUTH[text]
    if text[:1] == b'"':
        return string(text).decode()
    if re.fullmatch(rb"-?[0-9]+i|[0-9]+u", text):
        return int(text[:-1])
    if re.fullmatch(rb"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", text):
        return float(text)
    raise BadLine(f"value: {text}")


# --- file names ----------------------------------------------------------------------------------


def escape(text):
    return b"".join(b"%%%02X" % byte if byte in FILE_SPECIAL else bytes((byte,))
                    for byte in text.encode())


def hide_no_name(name):
    """A name that begins with a dot would be a hidden one."""
    return b"%2E" + name[1:] if name.startswith(b".") else name


def shorten(name, room):
    """Cut to whole characters and whole %HH, with the hash of all of it behind."""
    kept = name[:room - 34]
    kept = re.sub(rb"%[0-9A-F]?\Z", b"", kept)
    while True:
        try:
            kept.decode()
            break
        except UnicodeDecodeError:
            kept = kept[:-1]
    return kept + b"%~" + hashlib.sha256(name).hexdigest()[:32].encode()


def measurement_name(measurement):
    name = hide_no_name(escape(measurement)) or b"_%"
    return (name if len(name) <= NAME_BYTES_MAX else shorten(name, NAME_BYTES_MAX)).decode()


def timeline_name(source, tags):
    def tag_name(name):
        escaped = escape(name)
        return b"%5Fdata_source" if escaped == b"_data_source" else escaped
    pairs = [(tag_name(name), escape(value)) for name, value in tags.items()]
    if source:
        pairs.append((b"_data_source", escape(source)))
    name = hide_no_name(b",".join(b"=".join(pair) for pair in sorted(pairs))) or b"_"
    room = NAME_BYTES_MAX - len(b".lp")
    return ((name if len(name) <= room else shorten(name, room)) + b".lp").decode()


def path(measurement, source, tags):
    return measurement_name(measurement) + "/" + timeline_name(source, tags)
