"""Which line of a log tells why a program ended; each of these logs is as the program wrote it."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from runner.ansible_plugins.module_utils import program_log

VLLM = """\
(EngineCore pid=77) ERROR 11-02 10:00:01 [core.py:840] EngineCore failed to start.
(EngineCore pid=77) ERROR 11-02 10:00:01 [core.py:840] Traceback (most recent call last):
(EngineCore pid=77) ERROR 11-02 10:00:01 [core.py:840]   File "/usr/lib/core.py", line 831, in run_engine_core
(EngineCore pid=77) ERROR 11-02 10:00:01 [core.py:840]     engine_core = EngineCoreProc(*args, **kwargs)
(EngineCore pid=77) ERROR 11-02 10:00:01 [core.py:840] torch.OutOfMemoryError: CUDA out of memory.
(EngineCore pid=77) Process EngineCore:
"""
CHAINED = """\
Traceback (most recent call last):
  File "a.py", line 1, in <module>
KeyError: 'model'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2, in <module>
    raise SystemError("no model")
SystemError: no model
goodbye
"""
NODE = """\
node:internal/modules/cjs/loader:1215
  throw err;
  ^

Error: Cannot find module '/app/server.js'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1212:15)
    at node:internal/main/run_main_module:28:49 {
  code: 'MODULE_NOT_FOUND',
}

Node.js v20.9.0
"""
RUST = """\
INFO starting
thread 'main' panicked at src/main.rs:4:10:
called `Result::unwrap()` on an `Err` value: AddrInUse
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
"""
GO = """\
2026/11/02 10:00:00 listening
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1]

goroutine 1 [running]:
main.main()
"""
JAVA = """\
Exception in thread "main" java.lang.IllegalStateException: no port
	at Main.main(Main.java:3)
"""


@pytest.mark.parametrize(
    ("log", "telling"),
    [
        (VLLM, "torch.OutOfMemoryError: CUDA out of memory."),
        (CHAINED, "SystemError: no model"),
        (NODE, "Error: Cannot find module '/app/server.js'"),
        (
            RUST,
            "thread 'main' panicked at src/main.rs:4:10: called `Result::unwrap()` on an `Err` value: AddrInUse",
        ),
        (GO, "panic: runtime error: invalid memory address or nil pointer dereference"),
        (JAVA, 'Exception in thread "main" java.lang.IllegalStateException: no port'),
        ("up\nllama_load: error: no such file\nmain: error: unable to load\n", "llama_load: error: no such file"),
        ("2026-11-02 [INFO] up\n2026-11-02 [FATAL] no config\nbye", "2026-11-02 [FATAL] no config"),
        ("starting\nI give up\n", ""),
        ("error rate 0.1 is fine\n0 errors\n", ""),
        ("", ""),
    ],
    ids=["logger", "chained", "node", "rust", "go", "java", "error:", "level", "unknown", "no error", "nothing"],
)  # fmt: skip
def test_telling_line(log: str, telling: str) -> None:
    assert program_log.reason(log.splitlines()) == telling


@pytest.mark.parametrize(
    ("words", "telling"),
    [
        ([sys.executable, "-c", "import nothing_of_this_name"], "ModuleNotFoundError: No module named"),
        (["node", "-e", "null.x"], "TypeError: Cannot read properties of null"),
    ],
)
def test_real_programs(words: list[str], telling: str) -> None:
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} is not here")
    said = subprocess.run(words, capture_output=True, text=True, check=False).stderr
    assert program_log.reason(said.splitlines()).startswith(telling)


def test_long_lines_and_logs_are_cut() -> None:
    assert len(program_log.reason(["error: " + "x" * 5000])) == program_log.LONGEST + 1
    lines = [str(number) for number in range(100)]
    assert program_log.end([*lines, "", " "]).splitlines() == lines[-program_log.SHOWN :]
