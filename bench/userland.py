# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Python program is made of: calls, objects, strings, dictionaries, numbers. The results are known."""

import hashlib
import json
import math
import re
import zlib


class Node:
    def __init__(self, key):
        self.key, self.left, self.right = key, None, None

    def insert(self, key):
        node = self
        while True:
            side = "left" if key < node.key else "right"
            child = getattr(node, side)
            if child is None:
                setattr(node, side, Node(key))
                return
            node = child

    def depth(self):
        return 1 + max((n.depth() for n in (self.left, self.right) if n), default=0)


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def primes(limit):
    sieve = bytearray([1]) * limit
    sieve[0:2] = bytes(2)
    for i in range(2, math.isqrt(limit) + 1):
        if sieve[i]:
            sieve[i * i::i] = bytes(len(range(i * i, limit, i)))
    return sum(sieve)


tree = Node(32768)
for i in range(1, 40000):
    tree.insert(i * 40503 % 65536)
assert tree.depth() == 37
assert fibonacci(26) == 121393
assert primes(2000000) == 148933
words = [f"{i * 7919 % 10007:x}" for i in range(60000)]
counts = {}
for word in words:
    counts[word] = counts.get(word, 0) + 1
assert len(counts) == 10007
assert sum(1 for w in sorted(counts, key=lambda w: (counts[w], w)) if re.match(r"[0-9]+[a-f]$", w)) == 1620
text = json.dumps([{"n": i, "s": "x" * (i % 50)} for i in range(20000)]).encode()
assert len(json.loads(zlib.decompress(zlib.compress(text)))) == 20000
assert round(sum(math.sin(i) * math.sqrt(i) for i in range(500000)), 3) == 574.588
assert hashlib.sha256(str(3 ** 4000).encode()).hexdigest()[:8] == "67749fd7"
