"""A web server in a process of its own for the collecting benchmarks: files of a folder, and Openverse over them.

    python benchmarks/_collect_world.py FOLDER

Prints its port. asyncio, keep-alive, no file is read twice: the server is not to be what is measured.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 20


class Web:
    def __init__(self, folder: Path) -> None:
        self.files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        self.names = list(self.files)
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                while (await reader.readline()).strip():
                    pass
                status, kind, body = self.answer(line.split()[1].decode("latin-1"))
                head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        except (ConnectionError, IndexError):
            pass
        finally:
            writer.close()

    def answer(self, target: str) -> tuple[str, str, bytes]:
        parts = urlsplit(target)
        if parts.path.startswith("/files/"):
            data = self.files.get(unquote(parts.path[7:]))
            return ("200 OK", "image/jpeg", data) if data is not None else ("404 Not Found", "text/plain", b"")
        if parts.path == "/v1/images/":
            return "200 OK", "application/json", self.page(parse_qs(parts.query))
        return "404 Not Found", "text/plain", b""

    def page(self, query: dict[str, list[str]]) -> bytes:
        number = int(query["page"][0])
        # Each query has files of its own: those whose names begin with it.
        names = [name for name in self.names if name.startswith(query["q"][0])]
        rows = [
            {
                "id": name,
                "title": name,
                "url": f"http://127.0.0.1:{self.port}/files/{name}",
                "foreign_landing_url": f"https://site.example/{name}",
                "creator": "Jo",
                "license": "by",
                "license_version": "2.0",
            }
            for name in names[(number - 1) * PAGE : number * PAGE]
        ]
        pages = -(-len(names) // PAGE)
        return json.dumps({"result_count": len(names), "page_count": pages, "results": rows}).encode()


async def main() -> None:
    web = Web(Path(sys.argv[1]))
    server = await asyncio.start_server(web.serve, "127.0.0.1", 0, backlog=256)
    web.port = server.sockets[0].getsockname()[1]
    print(web.port, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
