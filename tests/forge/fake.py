"""GitLab's REST API as far as a series needs it, on loopback, with faults on demand.

Keeps GitLab's documented contract: encoded paths, pages, last commit ids, `start_sha` with
`force`, one open merge request for a branch.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Answer = tuple[int, Any]


@dataclass
class Fault:
    """An answer instead of the real one, for requests that match, `times` often. `late` lets
    the request be carried out first; `seconds` is slept before answering."""

    method: str
    path: str
    status: int = 500
    times: int = 1
    late: bool = False
    seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    before: Callable[[], None] | None = None


@dataclass
class FakeGitLab:
    """A project `group/app` with commits, branches, one user, and what was asked."""

    files: dict[str, bytes]
    scopes: list[str] | None = field(default_factory=lambda: ["api"])
    commits: dict[str, dict[str, Any]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    bridges: list[dict[str, Any]] = field(default_factory=list)
    traces: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        changed = dict.fromkeys(self.files, "c0")
        self.commits["c0"] = {"message": "first", "files": self.files, "changed": changed}
        self.branches["main"] = "c0"

    def answer(self, method: str, path: str, query: dict[str, str], data: Any) -> Answer:
        if path == "/user":
            return 200, {"id": 7, "username": "bot"}
        if path == "/personal_access_tokens/self":
            known = self.scopes is not None
            return (200, {"id": 1, "scopes": self.scopes}) if known else (404, {"message": "404"})
        match = re.fullmatch(r"/projects/([^/]+)(/.*)?", path)
        if match is None or unquote(match[1]) != "group/app":
            return 404, {"message": "404 Project Not Found"}
        rest = match[2] or ""
        if not rest:
            return 200, {"id": 3, "default_branch": "main"}
        if rest.startswith(("/pipelines/", "/jobs/")):
            return self.pipelines(rest, query)
        if rest.startswith("/repository/"):
            return self.repository(method, rest.removeprefix("/repository/"), query, data)
        return self.merge_requests(method, rest, query, data)

    def pipelines(self, rest: str, query: dict[str, str]) -> Answer:
        """One pipeline, 70, the last one of `main`."""
        if rest == "/pipelines/latest":
            known = query.get("ref", "main") == "main"
            return (200, {"id": 70, "ref": "main"}) if known else (403, {"message": "403"})
        listed = re.fullmatch(r"/pipelines/(\d+)/(jobs|bridges)", rest)
        if listed is not None:
            return self.of_pipeline(int(listed[1]), listed[2])
        match = re.fullmatch(r"/jobs/(\d+)/trace", rest)
        trace = self.traces.get(int(match[1])) if match is not None else None
        return (200, trace) if trace is not None else (404, {"message": "404 Not Found"})

    def of_pipeline(self, number: int, kind: str) -> Answer:
        """The jobs of a pipeline, or those that start others; 70 and what it starts are there."""
        known = {70, *(bridge["downstream_pipeline"]["id"] for bridge in self.bridges)}
        if number not in known:
            return 404, {"message": "404 Not Found"}
        entries = self.jobs if kind == "jobs" else self.bridges
        return 200, [entry for entry in entries if entry["pipeline"]["id"] == number]

    def repository(self, method: str, rest: str, query: dict[str, str], data: Any) -> Answer:
        kind, _, name = rest.partition("/")
        name = unquote(name)
        if kind == "branches" and method == "GET":
            head = self.branches.get(name)
            if head is None:
                return 404, {"message": "404 Branch Not Found"}
            message = self.commits[head]["message"]
            return 200, {"name": name, "commit": {"id": head, "message": message}}
        if kind == "branches":
            self.branches.pop(name)
            return 204, None
        if kind == "files":
            commit = self.commits[query["ref"]]
            if name not in commit["files"]:
                return 404, {"message": "404 File Not Found"}
            content = base64.b64encode(commit["files"][name]).decode()
            return 200, {"file_path": name, "content": content,
                         "last_commit_id": commit["changed"][name]}  # fmt: skip
        return self.commit(data)

    def commit(self, data: dict[str, Any]) -> Answer:
        branch = data["branch"]
        if branch in self.branches and not data["force"]:
            return 400, {"message": f"A branch called '{branch}' already exists."}
        start = self.commits[data["start_sha"]]
        files, changed = dict(start["files"]), dict(start["changed"])
        number = f"c{len(self.commits)}"
        for action in data["actions"]:
            path = action["file_path"]
            if action["action"] in ("update", "delete"):
                if action.get("last_commit_id") != changed.get(path):
                    return 400, {"message": f"{path} has changed since you started editing it"}
            elif path in files:
                return 400, {"message": "A file with this name already exists"}
            if action["action"] == "delete":
                del files[path], changed[path]
            else:
                files[path] = base64.b64decode(action["content"])
                changed[path] = number
        message = data["commit_message"]
        self.commits[number] = {"message": message, "files": files, "changed": changed}
        self.branches[branch] = number
        return 201, {"id": number}

    def merge_requests(self, method: str, rest: str, query: dict[str, str], data: Any) -> Answer:
        if rest == "/merge_requests" and method == "GET":
            wanted = query["source_branch"]
            return 200, [m for m in self.requests if m["source_branch"] == wanted]
        if rest == "/merge_requests":
            if any(m["source_branch"] == data["source_branch"] for m in self.requests):
                return 409, {"message": ["Another open merge request already exists: !1"]}
            made = {"iid": 1, "web_url": "http://gitlab.example/mr/1", **data}
            self.requests.append(made)
            return 201, made
        match = re.fullmatch(r"/merge_requests/1/notes(?:/(\d+))?", rest)
        assert match is not None, rest
        if method == "GET":
            return 200, self.notes
        if method == "PUT":
            note = self.notes[int(match[1])]
            note["body"] = data["body"]
            return 200, note
        note = {"id": len(self.notes), "system": False, "author": {"id": 7}, **data}
        self.notes.append(note)
        return 201, note


@contextmanager
def serving(fake: FakeGitLab) -> Iterator[str]:
    """The server's address while it runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            path = parts.path.removeprefix("/api/v4")
            length = int(self.headers.get("Content-Length") or 0)
            data = json.loads(self.rfile.read(length)) if length else None
            fake.asked.append(f"{self.command} {path}")
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            fault = next(
                (f for f in fake.faults
                 if f.times and f.method == self.command and re.search(f.path, path)), None
            )  # fmt: skip
            if fault is not None:
                fault.times -= 1
                if fault.before is not None:
                    fault.before()
                if fault.late:
                    fake.answer(self.command, path, query, data)
                time.sleep(fault.seconds)
                self.reply(fault.status, fault.body or {"message": "no"}, fault.headers)
                return
            if self.headers.get("PRIVATE-TOKEN") != "secret":
                self.reply(401, {"message": "401 Unauthorized"}, {})
                return
            status, answer = fake.answer(self.command, path, query, data)
            if isinstance(answer, list):
                self.pages(answer, query)
            else:
                self.reply(status, answer, {})

        def pages(self, answer: list[Any], query: dict[str, str]) -> None:
            """One entry a page, so that whoever reads one page alone is found out."""
            page = int(query.get("page", "1"))
            headers = {"X-Page": str(page), "X-Total": str(len(answer))}
            if page < len(answer):
                host = self.headers["Host"]
                base = f"http://{host}{urlsplit(self.path).path}"
                rest = "&".join(f"{k}={v}" for k, v in query.items() if k != "page")
                headers["Link"] = f'<{base}?{rest}&page={page + 1}>; rel="next"'
            self.reply(200, answer[page - 1 : page], headers)

        def reply(self, status: int, body: Any, headers: dict[str, str]) -> None:
            text = isinstance(body, bytes)
            data = body if text else b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {
                **headers,
                "Content-Type": "text/plain" if text else "application/json",
            }.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - names of the library

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
