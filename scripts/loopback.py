"""Bring up the loopback interface of a new network namespace (Debian's minimal systems have no `ip`)."""

import fcntl
import socket
import struct

SIOCGIFFLAGS = 0x8913  # linux/sockios.h
SIOCSIFFLAGS = 0x8914
IFF_UP = 1  # net/if.h

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
    request = struct.pack("16sh14x", b"lo", 0)
    (flags,) = struct.unpack_from("16xh", fcntl.ioctl(channel, SIOCGIFFLAGS, request))
    fcntl.ioctl(channel, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
