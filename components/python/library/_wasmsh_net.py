"""Sockets that carry HTTP: `socket.socket` of a sandbox that has no network of its own.

What is sent is read as a request (RFC 9112). When it is whole, whoever hosts the session carries it out under its
policy, and what is received is the response, one to a connection. So http.client and all that stands on it (urllib,
urllib3, requests, pip) works as it is. Nothing is listened to, no name is resolved in here, and TLS is made and checked
by the host: see `_ssl`.
"""

import errno
import os
import select
import socket as base

import _wasmsh

# A head of a request that is longer is none.
HEAD_MAX = 1 << 20
PIECE = 1 << 16
ONLY_HTTP = "only HTTP leaves this sandbox"

# How a message is carried, which is the host's business, and where to, which the URL says.
HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
              b"content-length", b"expect"}


class Request:
    """What was sent so far."""

    def __init__(self):
        self.data = bytearray()
        self.head = None
        self.body = bytearray()
        # Bytes of the body, or of the chunk, that are still to come; None: the size of a chunk is next.
        self.left = 0
        self.chunked = False

    def feed(self, data):
        """Whether the request is whole now."""
        self.data += data
        if self.head is None and not self.read_head():
            return False
        return self.read_chunks() if self.chunked else self.read_body()

    def read_head(self):
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            if len(self.data) > HEAD_MAX or self.data[:1] and not self.data[:1].isalpha():
                raise OSError(errno.EPROTONOSUPPORT, ONLY_HTTP)
            return False
        first, *lines = bytes(self.data[:end]).split(b"\r\n")
        del self.data[:end + 4]
        words = first.split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            raise OSError(errno.EPROTONOSUPPORT, ONLY_HTTP)
        headers = []
        for line in lines:
            name, _, value = line.partition(b":")
            name, value = name.strip(), value.strip()
            lower = name.lower()
            if lower == b"content-length":
                self.left = int(value)
            elif lower == b"transfer-encoding" and b"chunked" in value.lower():
                self.chunked, self.left = True, None
            if lower not in HOP_BY_HOP:
                headers.append((name, value))
        self.head = words[0].decode("ascii"), words[1].decode("latin-1"), headers
        return True

    def read_body(self):
        taken = self.data[:self.left]
        self.body += taken
        self.left -= len(taken)
        del self.data[:len(taken)]
        return self.left == 0

    def read_chunks(self):
        while True:
            if self.left is None:
                line = self.data.find(b"\r\n")
                if line < 0:
                    return False
                self.left = int(bytes(self.data[:line]).partition(b";")[0], 16)
                if self.left == 0:
                    # The trailer ends with an empty line.
                    rest = self.data[line:]
                    if b"\r\n\r\n" in rest:
                        return True
                    self.left = None
                    return False
                del self.data[:line + 2]
                self.left += 2
            taken = self.data[:self.left]
            self.body += taken
            self.left -= len(taken)
            del self.data[:len(taken)]
            if self.left:
                return False
            del self.body[-2:]
            self.left = None


class socket(base.socket):
    """A connection that carries one HTTP exchange."""

    __slots__ = ["_peer", "_scheme", "_request", "_writer", "_received", "_begun"]

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        family = base.AF_INET if family in (-1, base.AF_UNSPEC) else family
        type = base.SOCK_STREAM if type == -1 else type
        self._writer = None
        self._peer = None
        self._scheme = "http"
        self._request = Request()
        self._received = b""
        self._begun = False
        if fileno is None:
            if family not in (base.AF_INET, base.AF_INET6):
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            if type != base.SOCK_STREAM:
                raise OSError(errno.EPROTONOSUPPORT, ONLY_HTTP)
            fileno, self._writer = os.pipe()
        super().__init__(family, type, max(proto, 0), fileno)
        timeout = base.getdefaulttimeout()
        if timeout is not None:
            self.settimeout(timeout)

    def connect(self, address):
        if self._writer is None:
            raise OSError(errno.EISCONN, "Transport endpoint is already connected")
        self._peer = address

    def connect_ex(self, address):
        try:
            self.connect(address)
        except OSError as error:
            return error.errno
        return 0

    def getpeername(self):
        if self._peer is None:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
        return self._peer

    def getsockname(self):
        return ("::", 0, 0, 0) if self.family == base.AF_INET6 else ("0.0.0.0", 0)

    def getsockopt(self, level, option, size=None):
        value = base.SOCK_STREAM if (level, option) == (base.SOL_SOCKET, base.SO_TYPE) else 0
        return value if size is None else value.to_bytes(size, "little")

    def setsockopt(self, level, option, value=None, size=None):
        pass

    def shutdown(self, how):
        if self._peer is None:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    def _unsupported(self, *args):
        raise OSError(errno.EOPNOTSUPP, f"Operation not supported: {ONLY_HTTP}, and nothing comes in")

    bind = listen = _accept = sendto = recvfrom = recvfrom_into = recvmsg = recvmsg_into = _unsupported

    # Sending

    def send(self, data, flags=0):
        data = memoryview(data).cast("B")
        if self._peer is None:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
        if self._writer is None:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        if self._request.feed(data):
            self._exchange()
        return len(data)

    def sendall(self, data, flags=0):
        self.send(data, flags)

    def sendmsg(self, buffers, ancillary=(), flags=0, address=None):
        return self.send(b"".join(buffers), flags)

    def _exchange(self):
        method, target, headers = self._request.head
        host, port = self._peer[:2]
        authority = f"[{host}]" if ":" in host else host
        if port != (443 if self._scheme == "https" else 80):
            authority += f":{port}"
        named = next((value.decode("latin-1") for name, value in headers if name.lower() == b"host"), authority)
        if method == "CONNECT" or not target.startswith("/") and target != "*":
            raise OSError(errno.EPROTONOSUPPORT, "no proxy is used here: the host makes the connections")
        if named.lower() not in (authority.lower(), f"{authority}:{port}".lower()):
            # A name that was resolved to an address before.
            authority = named
        fields = tuple(part for pair in headers if pair[0].lower() != b"host" for part in pair)
        timeout = self.gettimeout()
        writer, self._writer = self._writer, None
        try:
            _wasmsh.fetch(writer, method, f"{self._scheme}://{authority}{target}", fields, self._request.body,
                          min(int(timeout * 1000), 0xffff_ffff) if timeout else 0)
        finally:
            os.close(writer)
            self._request = None
        self._begun = True
        if timeout != 0:
            # Errors are told by what sends, as by a connection that was refused: http.client and urllib await them there.
            self._begin()

    # Receiving

    def _wait(self):
        timeout = self.gettimeout()
        if timeout:
            poll = select.poll()
            poll.register(self.fileno(), select.POLLIN)
            if not poll.poll(timeout * 1000):
                raise TimeoutError("timed out")

    def _read(self, size):
        self._wait()
        return os.read(self.fileno(), size)

    def _begin(self):
        """Makes sure that what comes is a response."""
        while len(self._received) < 5:
            more = self._read(PIECE)
            self._received += more
            if not more:
                break
        if not self._received.startswith(b"HTTP/"):
            while more := self._read(PIECE):
                self._received += more
            failure, self._received = self._received, b""
            raise error_of(failure.decode("utf-8", "replace").rstrip("\n"))
        self._begun = False

    def recv_into(self, buffer, nbytes=0, flags=0):
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view), flags)
        view[:len(data)] = data
        return len(data)

    def recv(self, size, flags=0):
        if self._writer is not None:
            raise OSError(errno.EPROTONOSUPPORT, f"{ONLY_HTTP}: nothing is received before a request was sent")
        if self._begun:
            self._begin()
        if not self._received:
            data = self._read(size)
            if not flags & base.MSG_PEEK:
                return data
            self._received = data
        data = self._received[:size]
        if not flags & base.MSG_PEEK:
            self._received = self._received[size:]
        return data

    # The end

    def _real_close(self, _ss=base.socket):
        if self._writer is not None:
            writer, self._writer = self._writer, None
            os.close(writer)
        super()._real_close()

    def detach(self):
        if self._writer is not None:
            writer, self._writer = self._writer, None
            os.close(writer)
        return super().detach()

    def dup(self):
        self._unsupported()

    def start_tls(self, context, server_hostname):
        """What `SSLContext.wrap_socket` does: from now on this is a connection to an `https` server."""
        self.__class__ = TLSSocket
        self._scheme = "https"
        TLSSocket.details[id(self)] = context, server_hostname
        return self


class TLSSocket(socket):
    """A connection that carries one HTTP exchange over TLS, as the host makes it."""

    __slots__ = []
    # Of each: its context, and the name that it is for.
    details = {}

    @property
    def context(self):
        return self.details[id(self)][0]

    @property
    def server_hostname(self):
        return self.details[id(self)][1]

    server_side = False
    session = session_reused = None

    def getpeercert(self, binary_form=False):
        """The host has checked the certificate against the name, and shows no more of it than that."""
        if binary_form:
            return None
        name = self.server_hostname or self._peer[0]
        kind = "IP Address" if literal_family(name) else "DNS"
        return {"subject": ((("commonName", name),),), "subjectAltName": ((kind, name),)}

    def do_handshake(self, block=False):
        pass

    def get_unverified_chain(self):
        return []

    get_verified_chain = get_unverified_chain

    def _nothing(self, *args):
        return None

    cipher = version = compression = shared_ciphers = selected_alpn_protocol = selected_npn_protocol = _nothing
    get_channel_binding = verify_client_post_handshake = _nothing

    def pending(self):
        return len(self._received)

    def read(self, length=1024, buffer=None):
        return self.recv(length) if buffer is None else self.recv_into(buffer, length)

    def write(self, data):
        return self.send(data)

    def unwrap(self):
        return self

    def _real_close(self, _ss=base.socket):
        self.details.pop(id(self), None)
        super()._real_close()


def error_of(line):
    """The exception that a line of `fetch` stands for."""
    name, _, text = line.partition(" ")
    match name:
        case "denied":
            return PermissionError(errno.EACCES, text)
        case "unknown-host":
            return base.gaierror(base.EAI_NONAME, "Name or service not known")
        case "refused":
            return ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        case "timed-out":
            return TimeoutError("timed out")
        case "too-large":
            return OSError(errno.EFBIG, text)
        case "tls":
            import ssl
            kind = ssl.SSLCertVerificationError if "certificate" in text.lower() else ssl.SSLError
            return kind(1, text)
        case "protocol" | "too-many-redirects":
            return OSError(errno.EPROTO, text)
    return ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")


def literal_family(host):
    for family in (base.AF_INET, base.AF_INET6):
        try:
            base.inet_pton(family, host)
            return family
        except (OSError, ValueError):
            pass
    return None


SERVICES = {"http": 80, "https": 443}


def port_of(port):
    if port is None:
        return 0
    if isinstance(port, (str, bytes)):
        name = port.decode() if isinstance(port, bytes) else port
        if name.isdecimal():
            return int(name)
        if name not in SERVICES:
            raise base.gaierror(base.EAI_SERVICE, "Servname not supported for ai_socktype")
        return SERVICES[name]
    return port


def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    """The host resolves names: here, a name is its own address."""
    if isinstance(host, bytes):
        host = host.decode("idna")
    number = port_of(port)
    found = literal_family(host) if host else base.AF_INET
    if found is None and flags & base.AI_NUMERICHOST:
        raise base.gaierror(base.EAI_NONAME, "Name or service not known")
    found = found or base.AF_INET
    if family not in (0, found):
        raise base.gaierror(base.EAI_FAMILY, "Address family for hostname not supported")
    if not host:
        host = "0.0.0.0" if flags & base.AI_PASSIVE else "127.0.0.1"
    address = (host, number, 0, 0) if found == base.AF_INET6 else (host, number)
    kinds = [kind for kind in (base.SOCK_STREAM, base.SOCK_DGRAM) if type in (0, kind)]
    numbers = {base.SOCK_STREAM: 6, base.SOCK_DGRAM: 17}
    return [(base.AddressFamily(found), base.SocketKind(kind), numbers[kind], "", address) for kind in kinds]


def gethostbyname(name):
    if name in ("", "localhost", gethostname()):
        return "127.0.0.1"
    if literal_family(name) == base.AF_INET:
        return name
    raise base.gaierror(base.EAI_AGAIN, "names are resolved by the host of this sandbox, when a request is made")


def gethostbyname_ex(name):
    return name, [], [gethostbyname(name)]


def gethostbyaddr(name):
    if name in ("127.0.0.1", "localhost", gethostname()):
        return gethostname(), ["localhost"], ["127.0.0.1"]
    raise base.herror(1, "Unknown host")


def getnameinfo(address, flags):
    return address[0], str(address[1])


def gethostname():
    """gethostname() -> string

    Return the current host name.
    """
    return os.uname().nodename


def getservbyname(name, protocol="tcp"):
    if protocol != "tcp" or name not in SERVICES:
        raise OSError("service/proto not found")
    return SERVICES[name]


def getservbyport(port, protocol="tcp"):
    for name, number in SERVICES.items():
        if (port, protocol) == (number, "tcp"):
            return name
    raise OSError("port/proto not found")
