"""CVM agents as the tests meet them: the real `agent serve`, and a front before one that misbehaves as it is told."""
import contextlib, http.client, http.server, json, os, ssl, subprocess, threading, time

from stage import free_port, need


def serve(life, *options, token=None):
    """agent serve over the identity key and the evidence of this life; its port"""
    s, port = life.s, free_port()
    options = ["--listen", f"127.0.0.1:{port}", *options] + (["--api-token-file", life.put("agent-token", token + "\n")] if token else [])
    proc = subprocess.Popen([s.binary, "agent", "serve", "--config", life.conf, *options], env={**s.env(), **life.env}, cwd=s.dir,
                            stdout=subprocess.DEVNULL, stderr=open(life.home + "/agent.log", "a"))
    s.procs.append(proc)
    for _ in range(200):
        with contextlib.suppress(OSError):
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            c.request("GET", "/healthz")
            if c.getresponse().status == 200:
                return port
        time.sleep(0.05)
    raise SystemExit("the agent does not answer: " + life.read("agent.log"))


class Front:
    """An HTTP server before an agent (None: there is none). asked: the paths that were asked for. `how` maps a path to an answer:
    a status, bytes (a body), or a function that writes to the socket itself; what is not in it goes to the agent."""

    def __init__(self, agent_port, how=None, cert=None):
        self.asked, self.headers, self.how, self.last = [], [], how or {}, {}
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, status, body=b"", headers=()):
                self.send_response(status)
                for k, v in headers:
                    self.send_header(k, v)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                front.asked.append(self.path)
                front.headers.append(dict(self.headers))
                how = front.how.get(self.path)
                with contextlib.suppress(OSError):
                    if callable(how):
                        return how(self)
                    if isinstance(how, int):
                        return self.answer(how, b'{"error": "as told"}')
                    if how is not None:
                        return self.answer(200, how)
                    c = http.client.HTTPConnection("127.0.0.1", agent_port, timeout=60)
                    c.request("POST", self.path, body, {k: v for k, v in self.headers.items() if k in ("Authorization", "Content-Type")})
                    r = c.getresponse()
                    front.last[self.path] = r.read()
                    self.answer(r.status, front.last[self.path])

            def log_message(self, *args):
                pass

        self.port = free_port()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        if cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if cert else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()


def generation_1(agent_port, **how):
    """an agent that knows no challenges: registration, new identity, sign-message (cvm-agent-api section 3)"""
    return Front(agent_port, {"/evidence": 404, **how})


def self_signed(folder):
    """a certificate for 127.0.0.1 with its key, in one PEM file; and the certificate alone"""
    key, cert, both = (os.path.join(folder, n) for n in ("tls.key", "tls.crt", "tls.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
                    "-days", "2", "-subj", "/CN=agent", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    with open(both, "w") as f:
        f.write(open(cert).read() + open(key).read())
    return both, cert
