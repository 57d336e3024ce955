"""A reader of reviewdog's rdjson: its definition of the messages (proto/rdf, 2026), read by protobuf's own JSON reader.

reviewdog itself reads with the same mapping (protojson). It passes over fields that it does not know; here they are
errors. As a script, in an environment that has protobuf: a DiagnosticResult as JSON from standard input, and what was
read of it to standard output.
"""

from __future__ import annotations

import json
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

SEVERITIES = ("UNKNOWN_SEVERITY", "ERROR", "WARNING", "INFO")
MESSAGES: dict[str, dict[int, tuple[str, str]]] = {
    # By number the name of each field and its type; a type in [] is repeated.
    "DiagnosticResult": {1: ("diagnostics", "[Diagnostic]"), 2: ("source", "Source"), 3: ("severity", "Severity")},
    "Diagnostic": {
        1: ("message", "string"),
        2: ("location", "Location"),
        3: ("severity", "Severity"),
        4: ("source", "Source"),
        5: ("code", "Code"),
        6: ("suggestions", "[Suggestion]"),
        7: ("original_output", "string"),
        8: ("related_locations", "[RelatedLocation]"),
    },
    "Location": {2: ("path", "string"), 3: ("range", "Range")},
    "RelatedLocation": {1: ("message", "string"), 2: ("location", "Location")},
    "Range": {1: ("start", "Position"), 2: ("end", "Position")},
    "Position": {1: ("line", "int32"), 2: ("column", "int32")},
    "Suggestion": {1: ("range", "Range"), 2: ("text", "string")},
    "Source": {1: ("name", "string"), 2: ("url", "string")},
    "Code": {1: ("value", "string"), 2: ("url", "string")},
}


def main() -> None:
    """Reads standard input with a class that protobuf makes from the table. Raises ParseError where it cannot."""
    file = descriptor_pb2.FileDescriptorProto(name="reviewdog.proto", package="rdf", syntax="proto3")
    words = file.enum_type.add(name="Severity")
    for number, word in enumerate(SEVERITIES):
        words.value.add(name=word, number=number)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in fields.items():
            one = kind.strip("[]")
            added = message.field.add(name=field, number=number, label=1 if one == kind else 3)
            added.type = {"string": 9, "int32": 5, "Severity": 14}.get(one, 11)
            if one not in ("string", "int32"):
                added.type_name = f".rdf.{one}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    read = message_factory.GetMessageClass(pool.FindMessageTypeByName("rdf.DiagnosticResult"))()
    json_format.Parse(sys.stdin.read(), read)
    print(json.dumps(json_format.MessageToDict(read, preserving_proto_field_name=True)))


if __name__ == "__main__":
    main()
