#!/usr/bin/env python3
"""Runs the cases that mean something to the real tools with the real bash and python3 of this machine."""
import base64, json, os, pathlib, subprocess, sys, tempfile

HERE = pathlib.Path(__file__).parent


def text(value):
    if isinstance(value, str): return value.encode()
    if isinstance(value, list): return b"".join(line.encode() + b"\n" for line in value)
    if "b64" in value: return base64.b64decode(value["b64"])
    if "repeat" in value: return text(value["repeat"]) * value["times"]
    return b"".join(text(part) for part in value["join"])


def differences(step, result):
    stderr = step.get("stderr", "")
    if isinstance(stderr, dict) and "contains" in stderr:
        yield from (f"stderr lacks {s!r}: {result.stderr!r}" for s in stderr["contains"] if s.encode() not in result.stderr)
    elif text(stderr) != result.stderr: yield f"stderr {result.stderr[:300]!r}"
    if text(step.get("stdout", "")) != result.stdout: yield f"stdout {result.stdout[:300]!r}"
    if step.get("status", 0) != result.returncode: yield f"status {result.returncode}"


def main():
    compared = failed = 0
    for topic in sorted((HERE / "cases").glob("*.json")):
        for case in json.loads(topic.read_text())["cases"]:
            steps = case.get("steps", [case])
            # Each run is a bash of its own here: what relies on the session's state cannot be compared.
            if case.get("sandbox") or case["name"].startswith("state-"): continue
            if any("cwd" in step or "fresh" in step for step in steps): continue
            with tempfile.TemporaryDirectory() as root:
                for path, file in case.get("files", {}).items():
                    content, mode = (file["content"], file.get("mode", "644")) if isinstance(file, dict) and "content" in file else (file, "644")
                    target = pathlib.Path(root, path); target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(text(content)); target.chmod(int(mode, 8))
                for number, step in enumerate(steps):
                    where = f"{topic.stem}/{case['name']} step {number + 1}"
                    if "write" in step and "error" not in step: pathlib.Path(root, step["write"]).write_bytes(text(step["content"]))
                    elif "read" in step and "error" not in step:
                        if pathlib.Path(root, step["read"]).read_bytes() != text(step["content"]): failed += 1; print(where, "content")
                    elif "remove" in step and "error" not in step: pathlib.Path(root, step["remove"]).unlink()
                    elif "run" in step:
                        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"} | case.get("env", {}) | step.get("env", {})
                        arguments = [a if isinstance(a, str) else text(a) for a in step.get("args", [])]
                        result = subprocess.run(["bash", "-c", text(step["run"]), step.get("arg0", "bash"), *arguments],
                                                input=text(step.get("stdin", "")), capture_output=True, cwd=root, env=env)
                        compared += 1
                        for difference in differences(step, result): failed += 1; print(where, difference)
    print(f"{compared} runs compared, {failed} differences")
    return failed != 0


sys.exit(main())
