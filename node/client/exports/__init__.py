"""The file that a visitor gets of everything a tenant keeps of them: made, described, signed and verified.

A ZIP of

    manifest.json     what it is: schema version, hashes of the other files, the server's signature of each page of
                      events, kinds of data with purposes and retention, the logic of the recommendations
    signature.json    the tenant's Ed25519 signature of the manifest
    visitor.json      what the visitor has decided
    events.jsonl      one event on each line, in the form that can be written again (saluhall.v1.Event as JSON)
    events.csv        the same for a spreadsheet: a row for each product of an event, with the server's time
    summary.sv.txt    in plain words, in Swedish
    summary.en.txt    and in English
"""

from node.client.exports.archive import ExportSource, write_export
from node.client.exports.verification import ExportInvalidError, VerifiedExport, verify_export

__all__ = [
    "ExportInvalidError",
    "ExportSource",
    "VerifiedExport",
    "verify_export",
    "write_export",
]
