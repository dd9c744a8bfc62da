"""Generates the protobuf code beside its `.proto` files; the only way to do so.

Run from anywhere: `python protos/generate.py [TARGET]`. protoc runs at the repository's root, so the
generated imports are the real packages and need no rewriting.
"""

import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent


def generate(target: Path) -> None:
    """Write the generated code of every `.proto` below `protos/` to `target`."""
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "protos").rglob("*.proto"))
    arguments = [
        "protoc",
        f"--proto_path={ROOT}",
        f"--proto_path={files('grpc_tools') / '_proto'}",
        f"--proto_path={_google_protos()}",
        f"--python_out={target}",
        f"--grpc_python_out={target}",
        f"--mypy_out={target}",
        f"--mypy_grpc_out={target}",
        *sources,
    ]
    if protoc.main(arguments) != 0:
        raise SystemExit("protoc refused the files above")
    for stub in target.glob("protos/**/*_pb2_grpc.py"):
        if "Servicer" not in stub.read_text(encoding="utf-8"):
            # A file without services has nothing to say about gRPC.
            stub.unlink()
            stub.with_suffix(".pyi").unlink(missing_ok=True)


def _google_protos() -> Path:
    """The folder that holds google/rpc/status.proto, installed with googleapis-common-protos."""
    import google.rpc  # noqa: PLC0415 - only here, and it is a namespace package

    return Path(next(iter(google.rpc.__path__))).parent.parent


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
