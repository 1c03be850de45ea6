#!/usr/bin/env python3
"""A JSON-RPC proxy that misbehaves on demand: real sockets between a client and a node.

    with FaultProxy(node_url) as p:
        p.plan("eth_sendRawTransaction", "lose-after", times=2)
        ... use p.url ...
        p.seen["eth_sendRawTransaction"]

A fault meets requests of its method ("*": any; a batch counts as each of its members) the given number of times:
  lose-before   the connection ends, the node never hears of it
  lose-after    the node gets it, the client hears nothing
  delay:S       answered S seconds later
  duplicate     the node gets it twice, the client the second answer
  truncate      half of the answer's body
  wrong-id      the answer carries another id
  wrong-chain   eth_chainId answers 666
  stale-head    "latest" is the block four before it
  null-receipt  every receipt is null
  no-block      every block asked for by its number is null
  shift-time:S  blocks say a time S seconds later (earlier where S is negative)
  error:TEXT    an error object with this text, the node never hears of it
  error-after:TEXT  the node gets it, the client is told this error
  status:N      this HTTP status with an HTML body (429 with Retry-After: 1)
  html, garbage, array-object  200 with a body that is no JSON-RPC reply
  big           64 MB
As a program: rpc_fault_proxy.py NODE_URL METHOD=FAULT[xTIMES]... prints its URL and serves until it is stopped.
"""
import http.client, http.server, json, random, socket, sys, threading, time, urllib.parse


class Lost(Exception):
    pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            self.server.owner.serve(self, body)
        except (Lost, BrokenPipeError, ConnectionResetError):
            self.close_connection = True
            try:
                self.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def answer(self, status, body, content_type="application/json", headers=(), length=None):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class FaultProxy:
    def __init__(self, node_url):
        self.node = urllib.parse.urlparse(node_url)
        self.lock, self.faults, self.seen = threading.Lock(), [], {}
        self.chooser = None  # function(methods) -> fault or None; for random schedules
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.owner = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def plan(self, method, fault, times=1):
        with self.lock:
            self.faults.append([method, fault, times])

    def clear(self):
        with self.lock:
            self.faults, self.chooser = [], None

    def pick(self, methods):
        with self.lock:
            for m in methods:
                self.seen[m] = self.seen.get(m, 0) + 1
            for f in self.faults:
                if f[2] > 0 and (f[0] == "*" or f[0] in methods):
                    f[2] -= 1
                    return f[1]
            return self.chooser(methods) if self.chooser else None

    def forward(self, body):
        conn = http.client.HTTPConnection(self.node.hostname, self.node.port, timeout=20)
        try:
            conn.request("POST", self.node.path or "/", body, {"Content-Type": "application/json"})
            r = conn.getresponse()
            return r.status, r.read()
        except OSError:
            raise Lost()
        finally:
            conn.close()

    def serve(self, h, body):
        request = json.loads(body)
        calls = request if isinstance(request, list) else [request]
        fault = self.pick([c.get("method") for c in calls]) or ""
        kind, _, rest = fault.partition(":")
        if kind == "lose-before":
            raise Lost()
        if kind == "status":
            headers = [("Retry-After", "1")] if rest == "429" else []
            return h.answer(int(rest), b"<html>not now</html>", "text/html", headers)
        if kind in ("html", "garbage", "array-object"):
            bodies = {"html": b"<html>welcome</html>", "garbage": b"\x00\xff{", "array-object": b'{"answer": 42}'}
            return h.answer(200, bodies[kind])
        if kind == "big":
            return h.answer(200, b" " * (64 << 20))
        if kind == "error":
            return self.reply(h, request, [self.error(c, rest) for c in calls])
        if kind == "delay":
            time.sleep(float(rest))
        if kind == "duplicate":
            self.forward(body)
        if kind == "stale-head":
            body = json.dumps(self.stale(request)).encode()
        status, answer = self.forward(body)
        if kind == "lose-after":
            raise Lost()
        if kind == "truncate":
            h.answer(status, answer[: len(answer) // 2], length=len(answer))
            raise Lost()
        if kind in ("error-after", "wrong-id", "wrong-chain", "null-receipt", "no-block", "shift-time"):
            replies = json.loads(answer)
            replies = replies if isinstance(replies, list) else [replies]
            return self.reply(h, request, [self.alter(kind, rest, c, r) for c, r in zip(calls, replies)])
        h.answer(status, answer)

    def reply(self, h, request, replies):
        h.answer(200, json.dumps(replies if isinstance(request, list) else replies[0]).encode())

    @staticmethod
    def error(call, text):
        return {"jsonrpc": "2.0", "id": call.get("id"), "error": {"code": -32000, "message": text}}

    def alter(self, kind, rest, call, reply):
        method = call.get("method")
        if kind == "error-after" and method == "eth_sendRawTransaction":
            return self.error(call, rest)
        if kind == "wrong-id":
            return {**reply, "id": 123456789}
        if kind == "wrong-chain" and method == "eth_chainId":
            return {**reply, "result": "0x29a"}
        if kind == "null-receipt" and method == "eth_getTransactionReceipt":
            return {**reply, "result": None}
        if kind == "no-block" and method == "eth_getBlockByNumber" and call["params"][0].startswith("0x"):
            return {**reply, "result": None}
        if kind == "shift-time" and method.startswith("eth_getBlock") and isinstance(reply.get("result"), dict):
            block = reply["result"]
            return {**reply, "result": {**block, "timestamp": hex(int(block["timestamp"], 16) + int(rest))}}
        return reply

    def stale(self, request):
        calls = request if isinstance(request, list) else [request]
        status, answer = self.forward(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}).encode())
        old = hex(max(0, int(json.loads(answer)["result"], 16) - 4))
        swap = lambda p: [old if x == "latest" else x for x in p]
        altered = [{**c, "params": swap(c.get("params", []))} if c.get("method") != "eth_feeHistory" else c for c in calls]
        return altered if isinstance(request, list) else altered[0]


def main():
    proxy = FaultProxy(sys.argv[1])
    for arg in sys.argv[2:]:
        method, _, fault = arg.partition("=")
        fault, _, times = fault.rpartition("x") if fault.rsplit("x", 1)[-1].isdigit() and "x" in fault else (fault, "", "1")
        proxy.plan(method, fault, int(times))
    print(proxy.url, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
