"""`hashlib.pbkdf2_hmac` without OpenSSL (RFC 8018, section 5.2)."""

import hashlib
import operator


def pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None):
    """Password based key derivation function 2 (PKCS #5 v2.0) with HMAC as pseudorandom function."""
    password, salt = bytes(memoryview(password)), bytes(memoryview(salt))
    iterations = operator.index(iterations)
    inner = hashlib.new(hash_name)
    size = inner.digest_size if dklen is None else operator.index(dklen)
    if iterations < 1:
        raise ValueError("iteration value must be greater than 0.")
    if size < 1:
        raise ValueError("key length must be greater than 0.")
    if len(password) > inner.block_size:
        password = hashlib.new(hash_name, password).digest()
    padded = password.ljust(inner.block_size, b"\0")
    inner.update(bytes(byte ^ 0x36 for byte in padded))
    outer = hashlib.new(hash_name, bytes(byte ^ 0x5C for byte in padded))

    def keyed(message):
        first, second = inner.copy(), outer.copy()
        first.update(message)
        second.update(first.digest())
        return second.digest()

    key = b""
    block = 0
    while len(key) < size:
        block += 1
        digest = keyed(salt + block.to_bytes(4, "big"))
        number = int.from_bytes(digest, "big")
        for _ in range(iterations - 1):
            digest = keyed(digest)
            number ^= int.from_bytes(digest, "big")
        key += number.to_bytes(inner.digest_size, "big")
    return key[:size]
