"""Runs variants of a small repository against public tests and probes, each in a process of its own.

In, on the standard input:
  {"language": "python" or "shell", "files": {path: text}, "variants": [{path: text or null}],
   "here": bool, "exit_only": bool, "probes": [{"module", "code"}], "tests": bool, "cpu_ms": n, "wall_ms": n}
Out: {"variants": [{"build": null or text, "tests": {name: null or text}, "probes": [text]}]}.
With "here" the repository is the current folder and there is one variant.

A probe gives a text: the value of its last expression, the kind of exception, or the output and exit
code of a command. What the right texts are is not known here: code under test can see its input,
but nothing that it is compared with.
"""
import ast
import importlib
import io
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
import traceback
import unittest

MAX_VALUE = 2000
MAX_MESSAGE = 600
MAX_TIMEOUTS = 2


class OutOfTime(BaseException):
    pass


def out_of_time(_signal, _frame):
    raise OutOfTime()


def limited(cpu_ms):
    signal.setitimer(signal.ITIMER_PROF, cpu_ms / 1000)


def unlimited():
    signal.setitimer(signal.ITIMER_PROF, 0)


class Result(unittest.TestResult):
    def __init__(self, cpu_ms):
        super().__init__()
        self.cpu_ms = cpu_ms
        self.outcome = {}
        self.timeouts = 0

    def startTest(self, test):
        super().startTest(test)
        self.outcome[name_of(test)] = None
        if self.timeouts >= MAX_TIMEOUTS:
            self.stop()
        limited(self.cpu_ms)

    def stopTest(self, test):
        unlimited()
        super().stopTest(test)

    def note(self, test, error):
        kind, value, trace = error
        if kind is OutOfTime:
            self.timeouts += 1
            self.outcome[name_of(test)] = "does not end"
            return
        # Where it happened in the repository, innermost last.
        here = os.getcwd() + os.sep
        places = [f for f in traceback.extract_tb(trace) if f.filename.startswith(here)]
        where = [f"{f.filename[len(here):]}:{f.lineno} in {f.name}: {f.line}" for f in places[-3:]]
        message = str(value).replace(here, "")
        self.outcome[name_of(test)] = "\n".join(where + [f"{kind.__name__}: {message}"])[:MAX_MESSAGE]

    def addError(self, test, error):
        self.note(test, error)

    def addFailure(self, test, error):
        self.note(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.note(test, error)

    def addUnexpectedSuccess(self, test):
        self.outcome[name_of(test)] = "succeeds, but was expected to fail"


def name_of(test):
    return test.id()


def python_tests(job):
    loader = unittest.TestLoader()
    if not os.path.isdir("tests"):
        return {}
    suite = loader.discover("tests", top_level_dir=".")
    result = Result(job["cpu_ms"])
    suite.run(result)
    for number, error in enumerate(loader.errors):
        result.outcome.setdefault(f"loading.{number}", error.strip().splitlines()[-1][:MAX_MESSAGE])
    return result.outcome


def python_build():
    for folder, names, files in os.walk("."):
        names[:] = sorted(n for n in names if not n.startswith("."))
        for name in sorted(files):
            path = os.path.join(folder, name)[2:]
            if name.endswith(".py"):
                try:
                    with open(path, encoding="utf-8") as file:
                        compile(file.read(), path, "exec")
                except (SyntaxError, ValueError, OSError) as error:
                    return f"{path}: {error}"[:MAX_MESSAGE]
    return None


def python_probe(probe, cpu_ms):
    scope = {"__name__": "probe"}
    try:
        limited(cpu_ms)
        module = importlib.import_module(probe["module"])
        scope.update({k: v for k, v in vars(module).items() if not k.startswith("_")})
        body = ast.parse(probe["code"]).body
        last = ast.Expression(body.pop().value)
        exec(compile(ast.Module(body, []), "probe", "exec"), scope)
        value = repr(eval(compile(last, "probe", "eval"), scope))
        unlimited()
        return value[:MAX_VALUE]
    except OutOfTime:
        return "does not end"
    except BaseException as error:
        unlimited()
        return "raises " + type(error).__name__
    finally:
        unlimited()


def python_probes(job):
    signal.signal(signal.SIGPROF, out_of_time)
    values, timeouts = [], 0
    for probe in job["probes"]:
        value = python_probe(probe, job["cpu_ms"]) if timeouts < MAX_TIMEOUTS else "does not end"
        timeouts += value == "does not end"
        values.append(value)
    return values


def shell(command, cpu_ms, keep=subprocess.DEVNULL):
    """Output and exit code of one command."""
    limit = max(1, cpu_ms // 1000)
    # The shell bounds itself: a function between fork and exec would cost more than most commands.
    process = subprocess.Popen(
        ["/bin/sh", "-c", f"ulimit -t {limit}\n{command}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=keep, close_fds=False,
    )
    try:
        output, _ = process.communicate(timeout=5 * limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "does not end"
    if process.returncode == -signal.SIGXCPU or process.returncode == -signal.SIGKILL:
        return "does not end"
    text = output.decode("utf-8", "replace")
    # Who reads complaints wants the last ones.
    text = text[:MAX_VALUE] if keep == subprocess.DEVNULL else text[-MAX_VALUE:]
    return text + f"[exit {process.returncode}]"


def shell_tests(job):
    outcome, timeouts = {}, 0
    names = sorted(n[:-4] for n in os.listdir("tests") if n.endswith(".cmd")) if os.path.isdir("tests") else []
    for name in names:
        try:
            with open(f"tests/{name}.cmd", encoding="utf-8") as file:
                command = file.read().strip()
            with open(f"tests/{name}.out", encoding="utf-8") as file:
                expected = file.read().rstrip("\n")
        except (OSError, ValueError) as error:
            outcome[name] = str(error)[:MAX_MESSAGE]
            continue
        found = shell(command, job["cpu_ms"]) if timeouts < MAX_TIMEOUTS else "does not end"
        timeouts += found == "does not end"
        found = found.rstrip("\n")
        if found == expected:
            outcome[name] = None
        else:
            outcome[name] = f"$ {command}\nexpected:\n{expected}\ngot:\n{found}"[:MAX_MESSAGE]
    return outcome


def shell_build():
    for folder, names, files in os.walk("."):
        names[:] = sorted(n for n in names if not n.startswith("."))
        for name in sorted(files):
            path = os.path.join(folder, name)[2:]
            if name.endswith(".sh"):
                command = ["/bin/sh", "-n", path]
            elif name.endswith(".awk"):
                # There is no way only to parse: an empty input is the least that can be run.
                command = ["awk", "-f", path, os.devnull]
            else:
                continue
            process = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=5
            )
            is_wrong = process.returncode != 0 if name.endswith(".sh") else b"syntax" in process.stderr
            if is_wrong:
                message = process.stderr.decode("utf-8", "replace").strip()
                return f"{path}: {message}"[:MAX_MESSAGE]
    return None


def shell_probes(job):
    values, timeouts = [], 0
    for probe in job["probes"]:
        keep = subprocess.STDOUT if job["here"] else subprocess.DEVNULL
        value = shell(probe["code"], job["cpu_ms"], keep) if timeouts < MAX_TIMEOUTS else "does not end"
        if job["exit_only"] and value != "does not end":
            value = value[value.rindex("[exit"):]
        timeouts += value == "does not end"
        values.append(value)
    return values


def work(job):
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if job["language"] == "shell":
        tests, build, probes = shell_tests, shell_build, shell_probes
    else:
        tests, build, probes = python_tests, python_build, python_probes
        signal.signal(signal.SIGPROF, out_of_time)
        sys.path.insert(0, os.getcwd())
    answer = {"build": build(), "tests": {}, "probes": []}
    answer["probes"] = probes(job)
    # What does not end costs its whole time: one sort of it is enough.
    if job["tests"] and "does not end" not in answer["probes"]:
        answer["tests"] = tests(job)
    return answer


def place(files, folder):
    for path, text in files.items():
        if text is None:
            continue
        target = os.path.join(folder, path)
        os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
        with open(target, "w", encoding="utf-8", newline="") as file:
            file.write(text)


def in_child(job, folder):
    """What a child finds, or what became of it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            sys.stdout = sys.stderr = io.StringIO()
            os.chdir(folder)
            text = json.dumps(work(job))
            with os.fdopen(writer, "w") as out:
                out.write(text)
        finally:
            os._exit(0)
    os.close(writer)
    text, deadline = b"", time.monotonic() + job["wall_ms"] / 1000
    while True:
        left = deadline - time.monotonic()
        ready = select.select([reader], [], [], max(0, left))[0] if left > 0 else []
        part = os.read(reader, 65536) if ready else b""
        text += part
        if not part:
            break
    os.close(reader)
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    os.waitpid(child, 0)
    try:
        return json.loads(text)
    except ValueError:
        return {"build": "the program ended the test run or did not end", "tests": {}, "probes": []}


def main():
    job = json.loads(sys.stdin.buffer.read())
    if job.get("here"):
        found = [in_child(job, ".")]
    else:
        found = []
        for number, variant in enumerate(job["variants"]):
            folder = f"v{number}"
            place({**job["files"], **variant}, folder)
            found.append(in_child(job, folder))
    sys.stdout.write(json.dumps({"variants": found}))


main()
